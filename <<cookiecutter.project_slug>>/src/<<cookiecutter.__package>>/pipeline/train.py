"""Fit the model of model.py on the training rows, and choose where a probability becomes a yes."""

import json
import time
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from .. import paths, skops_file
from ..atomic import write_text
from ..columns import Array, Columns
from ..contract import Contract
from ..errors import DataError
from ..estimator import frame_of
from ..feature_code import FeatureCode
from ..fitting import configured, fitted
from ..params import Params
from ..progress import report
from ..table import columns_of_table, read, target_of_table

_FOLDS = 3


def best_threshold(probabilities: Array, target: Array) -> float:
    """Return the threshold in (0, 1) that maximises balanced accuracy, the mean of both classes' recall.

    Args:
        probabilities: of the positive class, shape `(rows,)`, from models that did not see the row.
        target: 0 or 1, shape `(rows,)`, both present.

    It lies midway between two neighbouring probabilities, so that rounding does not decide a label.
    """
    order = np.argsort(probabilities, kind="stable")[::-1]
    ranked, hits = probabilities[order], target[order]
    true_positive_rate = np.cumsum(hits) / hits.sum()
    false_positive_rate = np.cumsum(1 - hits) / (1 - hits).sum()
    last_of_ties = np.append(ranked[:-1] > ranked[1:], False)
    gain = np.where(last_of_ties, true_positive_rate - false_positive_rate, -np.inf)
    if not last_of_ties.any():
        return 0.5
    cut = int(np.argmax(gain))
    return round(float((ranked[cut] + ranked[cut + 1]) / 2), 6)


def choose_threshold(model: Any, features: Columns, target: Array) -> float:
    """Return the best threshold for probabilities that cross-validation gives the training rows."""
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    told = cross_val_predict(clone(model), frame_of(features), target, cv=folds, method="predict_proba")
    return best_threshold(told[:, 1], target)


def run() -> None:
    """Write models/pipeline.skops and models/threshold.json (null unless the problem is binary)."""
    contract, params = Contract.load(paths.CONTRACT), Params.load()
    table = read(paths.TRAIN)
    code = FeatureCode(paths.FEATURES.read_text(encoding="utf-8"))
    features, target = code.derive(columns_of_table(table, contract)), target_of_table(table, contract)
    _check_target(contract, target)
    model = configured(params, contract.problem, features)

    report(f"fitting {type(model).__name__} on {len(table):,} rows, {len(features)} features")
    started = time.perf_counter()
    model = fitted(model, features, target)
    report(f"fitted in {time.perf_counter() - started:.1f} s")

    threshold = None
    if contract.problem == "binary":
        threshold = params.decision.threshold
        if threshold == "auto":
            report(f"choosing the decision threshold in {_FOLDS}-fold cross-validation")
            threshold = choose_threshold(model, features, target)
        report(f"a probability of {threshold:.3f} or more is a yes")
    skops_file.save(model, paths.PIPELINE)
    write_text(paths.THRESHOLD, json.dumps({"threshold": threshold}))


def _check_target(contract: Contract, target: Array) -> None:
    classes, counts = np.unique(target, return_counts=True)
    if contract.problem == "regression":
        if len(classes) < 2:
            raise DataError(f"{contract.target.name} is {classes[0]} in every training row; there is nothing to learn")
        return
    if len(classes) < 2 or counts.min() < _FOLDS:
        told = ", ".join(f"{label}: {count}" for label, count in zip(classes, counts, strict=True))
        raise DataError(f"{contract.target.name} has too few rows of a class to learn from ({told}); bring more data")
