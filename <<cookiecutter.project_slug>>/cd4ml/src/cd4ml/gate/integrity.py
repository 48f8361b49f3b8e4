"""Whether the challenger is whole, is what dvc.lock names, and answers as its fitted pipeline does."""

import hashlib
import json
import subprocess  # dvc, with words of ours alone
import sys
from pathlib import Path
from typing import Any

import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import check_examples
from cd4ml.bundle.proof import NUMBER_TOLERANCE, PROBABILITY_TOLERANCE, difference
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.settings import paths
from cd4ml.training import skops_file
from cd4ml.training.estimator import answers

_PATIENCE = 600  # seconds


def not_current() -> str | None:
    """Return how the project differs from dvc.lock, for a person; None where dvc.lock names just what is here."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        capture_output=True,
        check=False,
        text=True,
        timeout=_PATIENCE,
    )
    try:
        changed: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return f"dvc status failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[0][:150]}"
    return f"changed since dvc.lock was written: {', '.join(changed)}; run make train" if changed else None


def not_of_these_rows(bundle: Bundle) -> str | None:
    """Return why the bundle was not made from the rows and the contract that lie here; None where it was."""
    rows = hashlib.sha256(paths.TRAIN.read_bytes() + paths.HOLDOUT.read_bytes()).hexdigest()
    if rows != bundle.manifest.made_of["data"]:
        return "it was made from other rows than data/train.parquet and data/holdout.parquet"
    if Contract.load(paths.CONTRACT).to_json() != bundle.contract.to_json():
        return "it was made with another contract than contract.yaml"
    return None


def not_as_fitted(bundle: Bundle, pipeline: Path, columns: Columns, scores: Array) -> str | None:
    """Return how the bundle's answers differ from its pipeline's; None where they are equal.

    Args:
        bundle: the challenger.
        pipeline: the fitted scikit-learn pipeline, as skops.
        columns: the rows held out, normalized.
        scores: the bundle's own scores of them.
    """
    if not np.isfinite(scores).all():
        wrong = (~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1)
        return f"it answers {wrong.sum():,} of {len(scores):,} rows with NaN or infinity"
    try:
        fitted = answers(skops_file.load(pipeline), bundle.code.derive(columns), bundle.manifest.task)
    except (UserError, ValueError, TypeError) as failed:
        return f"{pipeline} cannot answer: {(str(failed).splitlines() or ['no reason'])[0][:150]}"
    tolerance = PROBABILITY_TOLERANCE
    if bundle.manifest.task == "regression":
        tolerance = NUMBER_TOLERANCE * float(bundle.reference()["target"]["deviation"])
    if found := difference(scores, fitted, bundle.decision, tolerance):
        return f"it answers otherwise than its pipeline: {found}"
    if found := check_examples(bundle):
        return f"it answers otherwise than its examples.json: {found}"
    return None
