"""Fit the team's model on the training set, and choose the decision threshold."""

import json
import time

import numpy as np

from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.bundle.row_independence import check_features
from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, groups_of_table, read_table, target_of_table
from cd4ml.errors import DataError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.terminal.output import report
from cd4ml.training import skops_file
from cd4ml.training.build import build_configured_model
from cd4ml.training.fit import fit
from cd4ml.training.threshold import FOLDS, choose_threshold


def run() -> None:
    """Write models/pipeline.skops and models/threshold.json, whose threshold is null unless the task is binary."""
    contract, params = Contract.load(paths.CONTRACT), Params.load()
    table = read_table(paths.TRAIN)
    code = FeatureCode.read(read_project().features)
    columns, target = columns_of_table(table, contract), target_of_table(table, contract)
    _check_target(contract, target)
    features = code.derive(columns)
    check_features(code, columns, contract)
    model = build_configured_model(params, contract.task, features)

    report(f"fitting {type(model).__name__} on {len(table):,} rows, {len(features)} features")
    started = time.perf_counter()
    model = fit(model, features, target)
    report(f"fitted in {time.perf_counter() - started:.1f} s")

    threshold = None
    if contract.task == "binary":
        threshold = params.decision.threshold
        if threshold == "auto":
            groups = groups_of_table(table, contract)
            report(f"choosing the decision threshold in {FOLDS}-fold cross-validation")
            threshold = choose_threshold(model, features, target, groups)
        report(f"decision threshold: {contract.target.name} is true if its probability is at least {threshold:.3g}")
    skops_file.save(model, paths.PIPELINE)
    write_text(paths.THRESHOLD, json.dumps({"threshold": threshold}))


def _check_target(contract: Contract, target: Array) -> None:
    """Check that the training set has at least two outcomes, and enough rows of each class.

    Raises:
        DataError: it does not.
    """
    classes, counts = np.unique(target, return_counts=True)
    if contract.task == "regression":
        if len(classes) < 2:
            raise DataError(f"{contract.target.name} is {classes[0]} in every row of the training set; add data")
        return
    if len(classes) < 2 or counts.min() < FOLDS:
        by_class = ", ".join(f"{label}: {count}" for label, count in zip(classes, counts, strict=True))
        raise DataError(
            f"{contract.target.name} has too few rows of a class in the training set ({by_class}); add data"
        )
