"""Plain scikit-learn models of a table, and how far a model's quality is from the best of them, with an interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import mean_absolute_error, roc_auc_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

Array = NDArray[Any]
ROUNDS = 300
WORST_AREA, WORST_ERROR = 0.97, 1.03  # shares of the best plain model's


@dataclass(frozen=True)
class Quality:
    """A metric of a model beside that of the best plain model."""

    metric: str
    own: float
    plain: dict[str, float]
    """The metric of each plain model."""
    best: str
    low: float
    """The lower limit of the 95 % interval of `ratio`, from paired resamples of the test set."""
    high: float

    @property
    def ratio(self) -> float:
        """The metric as a share of the best plain model's."""
        return self.own / self.plain[self.best]

    @property
    def is_worse(self) -> bool:
        """Whether the model is worse than it may be, beyond the interval."""
        return self.high < WORST_AREA if self.metric == "roc_auc" else self.low > WORST_ERROR

    @property
    def verdict(self) -> str:
        """`ok`, `worse`, or `within the interval`."""
        if self.is_worse:
            return "worse"
        short = self.ratio < WORST_AREA if self.metric == "roc_auc" else self.ratio > WORST_ERROR
        return "within the interval" if short else "ok"


def plain_scores(task: str, train: pd.DataFrame, target: Array, test: pd.DataFrame) -> dict[str, Array]:
    """Return the scores of histogram trees, a forest and a linear model with scikit-learn's own settings.

    Categories are one-hot encoded; nulls are medians but for the trees, and numbers are scaled for the linear model.

    Args:
        task: binary, multiclass or regression.
        train: the columns of the training set; texts are categories.
        target: its target, shape `(rows,)`; classes as 0, 1, ...
        test: the columns of the test set.

    Returns:
        For each model its predictions, shape `(rows,)`, or probabilities, shape `(rows, classes)`.
    """
    regression = task == "regression"
    texts, numbers = make_column_selector(dtype_include=object), make_column_selector(dtype_exclude=object)
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    median = SimpleImputer(strategy="median")
    steps: dict[str, tuple[Any, Any]] = {
        "trees": (
            "passthrough",
            (HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier)(random_state=0),
        ),
        "forest": (median, (RandomForestRegressor if regression else RandomForestClassifier)(random_state=0)),
        "linear": (
            make_pipeline(median, StandardScaler()),
            Ridge() if regression else LogisticRegression(max_iter=2000),
        ),
    }
    scores = {}
    for name, (prepare, estimator) in steps.items():
        model = make_pipeline(make_column_transformer((encode, texts), (prepare, numbers)), estimator)
        model.fit(train, target)
        scores[name] = model.predict(test) if regression else model.predict_proba(test)
    return scores


def compare(task: str, target: Array, own: Array, plain: dict[str, Array]) -> list[Quality]:
    """Return each metric of a model's scores beside those of plain models, on the same rows."""
    metrics: dict[str, Callable[[Array, Array], float]] = {"roc_auc": _area}
    if task == "regression":
        metrics = {"mae": mean_absolute_error, "rmse": root_mean_squared_error}
    qualities = []
    for metric, measure in metrics.items():
        values = {name: measure(target, scores) for name, scores in plain.items()}
        best = (max if metric == "roc_auc" else min)(values, key=lambda name: values[name])
        rng = np.random.default_rng(0)
        ratios: list[float] = []
        while len(ratios) < ROUNDS:
            rows = rng.integers(0, len(target), len(target))
            if task == "regression" or len(np.unique(target[rows])) == len(np.unique(target)):
                ratios.append(measure(target[rows], own[rows]) / measure(target[rows], plain[best][rows]))
        low, high = np.quantile(ratios, [0.025, 0.975])
        qualities.append(Quality(metric, measure(target, own), values, best, float(low), float(high)))
    return qualities


def _area(target: Array, probabilities: Array) -> float:
    """Return the ROC AUC, for more than two classes the mean over those that occur."""
    areas = [roc_auc_score(target == label, probabilities[:, int(label)]) for label in np.unique(target)]
    return float(np.mean(areas))
