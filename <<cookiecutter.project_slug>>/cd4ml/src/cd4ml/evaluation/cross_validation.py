"""Estimate the quality of a small table's model from its training set as well: its test set alone says little."""

from typing import Any

import numpy as np
import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, groups_of_table, target_of_table
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.predictions import Predictions
from cd4ml.settings.params import EvaluateParams, Params
from cd4ml.terminal.output import report
from cd4ml.training.build import build_configured_model
from cd4ml.training.repeated_folds import FOLDS, REPEATS, repeated_scores


def is_informative(contract: Contract, params: EvaluateParams, test_rows: int) -> bool:
    """Return whether a cross-validation says more than the test set alone.

    It does not if the test set is large, by `cross_validation_below`; nor if the contract names a time, since models of
    folds at random would know the future.
    """
    return test_rows < params.cross_validation_below and contract.time is None


def cross_validate(table: pd.DataFrame, bundle: Bundle, params: Params, metrics: MetricSet) -> dict[str, Any] | None:
    """Return the mean of each metric over repeated cross-validations, and the lowest and the highest of them.

    Args:
        table: the training set.
        bundle: of it, the features and the decision are used; models with the settings in `params` are fitted anew.
        params: those of the project.
        metrics: those in the results.

    Returns:
        `rows`, `repeats`, `folds`, and `metrics` by name; None if a class has fewer rows than there are folds.
    """
    contract, target = bundle.contract, target_of_table(table, bundle.contract)
    if contract.task != "regression" and np.unique(target, return_counts=True)[1].min() < FOLDS:
        return None
    report(f"the test set is small: cross-validation of the training set, {REPEATS} times in {FOLDS} folds")
    features = bundle.code.derive(columns_of_table(table, contract))
    model = build_configured_model(params, contract.task, features)
    groups = groups_of_table(table, contract)
    scores = repeated_scores(model, features, target, contract.task, groups)
    repeats = [metrics.compute(Predictions.from_scores(target, one, bundle.decision)) for one in scores]
    values = {metric.name: [one[metric.name] for one in repeats] for metric in metrics.all}
    summary = {
        name: {"mean": float(np.mean(of_repeats)), "low": min(of_repeats), "high": max(of_repeats)}
        for name, of_repeats in values.items()
    }
    return {"rows": len(table), "repeats": REPEATS, "folds": FOLDS, "metrics": summary}
