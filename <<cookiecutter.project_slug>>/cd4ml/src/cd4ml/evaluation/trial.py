"""Try features and models on the training set alone, as a notebook does: fit on its older rows, predict its newer ones.

The test set is not read: whoever tries many ideas on it would choose the one that fits it by chance.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cd4ml.bundle.assemble import classes_of
from cd4ml.bundle.decision import Decision
from cd4ml.bundle.feature_code import derive_features
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, groups_of_table, target_of_table, times_of_table
from cd4ml.evaluation.predictions import Predictions
from cd4ml.training.estimator import numbers_and_categories, predict_scores
from cd4ml.training.fit import fit
from cd4ml.training.threshold import choose_threshold

_NEWER = 0.2  # of the rows
_SEED = 0


def older_and_newer(table: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training set in two parts: rows to fit on, and a fifth to predict.

    The newest fifth if the contract names a time; else one at random, which has all rows of a group or none.
    """
    times = times_of_table(table, contract)
    if times is not None:
        order: Array = times.astype(np.int64)
    else:
        groups = np.arange(len(table)) if contract.group is None else pd.factorize(table[contract.group])[0]
        order = np.random.default_rng(_SEED).random(groups.max() + 1)[groups]
    newer = order > np.quantile(order, 1 - _NEWER)
    return table[~newer].reset_index(drop=True), table[newer].reset_index(drop=True)


def try_model(
    build_model: Callable[..., Any],
    derive: Callable[[Columns], Any],
    older: pd.DataFrame,
    newer: pd.DataFrame,
    contract: Contract,
    **settings: Any,
) -> Predictions:
    """Fit a model on some rows, and return its predictions of others.

    Args:
        build_model: as in model.py.
        derive: as in features.py.
        older: the rows to fit on; the threshold of a binary model is chosen on them, too.
        newer: the rows to predict.
        contract: that the rows keep.
        settings: the keyword arguments of `build_model`.

    Raises:
        FeatureError: `derive` failed.
        ModelError: the model cannot be fitted, or cannot score the rows.
    """
    features, target = _features(derive, older, contract), target_of_table(older, contract)
    unfitted = build_model(contract.task, *numbers_and_categories(features), **settings)
    model = fit(unfitted, features, target)
    groups = groups_of_table(older, contract)
    threshold = choose_threshold(model, features, target, groups) if contract.task == "binary" else None
    scores = predict_scores(model, _features(derive, newer, contract), contract.task)
    decision = Decision(contract.task, classes_of(model, contract), threshold)
    return Predictions.from_scores(target_of_table(newer, contract), scores, decision)


def _features(derive: Callable[[Columns], Any], table: pd.DataFrame, contract: Contract) -> Columns:
    return derive_features(derive, columns_of_table(table, contract), "derive")
