"""Check that the challenger is the bundle that dvc.lock names, and gives its fitted pipeline's scores."""

import hashlib
import json
import math
import subprocess  # runs dvc, with fixed arguments
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import check_examples
from cd4ml.bundle.proof import NUMBER_TOLERANCE, PROBABILITY_TOLERANCE, describe_difference
from cd4ml.contract.columns import Columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import target_of_table
from cd4ml.errors import describe
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.evaluation.metric_table import METRICS
from cd4ml.evaluation.predictions import Predictions
from cd4ml.files.dvc_command import dvc_command
from cd4ml.files.dvc_lock import output_digest
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.training import skops_file
from cd4ml.training.estimator import predict_scores

_TIMEOUT = 600  # seconds
_METRICS = 1e-3  # absolute, or relative: metrics differ by less between processors


def difference_from_lock() -> str | None:
    """Return, as a message, how the project differs from dvc.lock; None if it does not."""
    done = subprocess.run(
        dvc_command("status", "--json"),
        capture_output=True,
        check=False,
        text=True,
        timeout=_TIMEOUT,
    )
    try:
        changed: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return f"dvc status failed: {(done.stderr.strip().splitlines() or ['without a message'])[0][:150]}"
    return f"changed since dvc.lock was written: {', '.join(changed)}; run make train" if changed else None


def difference_in_name(recorded: Mapping[str, Any], version: str) -> str | None:
    """Return, as a message, that a recorded verdict on the same bundle calls it otherwise; None if it does not.

    Before a release, the quarantine and the tag of the image are looked up by that name.

    Args:
        recorded: the content of reports/gate.json; empty if there is none.
        version: the bundle's own.
    """
    name = recorded.get("bundle")
    if recorded.get("dvc_lock") != output_digest(paths.BUNDLE) or name == version:
        return None
    return f"{paths.GATE} calls it {str(name)[:40]}; run make gate, and commit reports"


def difference_from_inputs(bundle: Bundle) -> str | None:
    """Return, as a message, how the bundle's data or contract differ from the project's; None if they do not."""
    data = hashlib.sha256(paths.TRAIN.read_bytes() + paths.HOLDOUT.read_bytes()).hexdigest()
    if data != bundle.manifest.made_of["data"]:
        return "it was made from other rows than data/train.parquet and data/holdout.parquet"
    if Contract.load(paths.CONTRACT).to_json() != bundle.contract.to_json():
        return "it was made with another contract than contract.yaml"
    return None


def difference_from_pipeline(bundle: Bundle, pipeline: Path, columns: Columns) -> str | None:
    """Return, as a message, how the bundle's scores differ from its pipeline's; None if they do not.

    Args:
        bundle: the challenger.
        pipeline: the file of the fitted scikit-learn pipeline, as skops.
        columns: the test set, normalized.
    """
    try:
        scores = bundle.scores(columns)
    except Exception as failure:  # a model may raise anything, and ONNX Runtime has its own exceptions
        return f"it cannot score the test set: {describe(failure)[:200]}"
    if not np.isfinite(scores).all():
        wrong = (~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1)
        return f"its scores are NaN or infinite in {wrong.sum():,} of {len(scores):,} rows"
    try:
        model = skops_file.load(pipeline, bundle.manifest.trusted_types)
        expected = predict_scores(model, bundle.code.derive(columns), bundle.manifest.task)
    except Exception as failure:  # a model may raise anything
        return f"{pipeline} cannot score the test set: {describe(failure)[:200]}"
    tolerance = PROBABILITY_TOLERANCE
    if bundle.manifest.task == "regression":
        tolerance = NUMBER_TOLERANCE * float(bundle.training_profile()["target"]["deviation"])
    if difference := describe_difference(scores, expected, bundle.decision, tolerance):
        return f"it does not give its pipeline's scores: {difference}"
    if difference := check_examples(bundle):
        return f"it does not give the predictions in its examples.json: {difference}"
    return None


def difference_from_metrics(bundle: Bundle, table: pd.DataFrame, columns: Columns, params: Params) -> str | None:
    """Return, as a message, how reports/metrics.json differs from the bundle's metrics; None if it does not.

    A missing file is left to `difference_from_lock`, and so are metrics of the team's own, which may draw numbers.

    Args:
        bundle: the challenger.
        table: the test set, as data/holdout.parquet has it.
        columns: the same rows, normalized.
        params: which name the main metric.
    """
    try:
        recorded: dict[str, Any] = json.loads(paths.METRICS.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return f"{paths.METRICS} is not valid JSON; run git checkout {paths.METRICS}"
    task = bundle.contract.task
    target = target_of_table(table, bundle.contract)
    values = read_metric_set(task, params).compute(
        Predictions.from_scores(target, bundle.scores(columns), bundle.decision)
    )
    for metric in METRICS[task]:
        value, written = values[metric.name], recorded.get(metric.name)
        if isinstance(written, int | float) and not math.isclose(value, written, rel_tol=_METRICS, abs_tol=_METRICS):
            return (
                f"{paths.METRICS} says that {metric.name} is {written:g}, and the bundle has {value:.6g}; "
                "run uv run dvc repro --force evaluate"
            )
    return None
