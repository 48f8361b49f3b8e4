"""Compare a few models on the training rows, and choose one to start from."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold

from cd4ml.adoption.starters import forest, linear, trees
from cd4ml.adoption.starters.features import derive
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task
from cd4ml.terminal.output import report
from cd4ml.training.estimator import numbers_and_categories, to_frame

STARTERS = {"trees": trees, "linear": linear, "forest": forest}
_MOST_ROWS = 10_000
_FOLDS = 3
_SEED = 0
_SHOWN: dict[Task, str] = {"binary": "ROC AUC", "multiclass": "accuracy", "regression": "MAE"}
_TOO_GOOD = 0.98  # a ROC AUC or R² in cross-validation that may be above the gate's 0.995 on the test set
_HEAVY_TAIL = 20.0  # times the distance between the quartiles


@dataclass(frozen=True)
class Candidate:
    """A model to start from."""

    starter: str
    """trees, linear or forest: the file that the team gets as model.py."""
    values: dict[str, Any] = field(default_factory=dict)
    """The values under `model:` in params.yaml."""

    def __str__(self) -> str:
        return f"{self.starter} ({', '.join(f'{key} {value}' for key, value in self.values.items())})"


@dataclass(frozen=True)
class Choice:
    """The model that was the best in cross-validation."""

    candidate: Candidate
    quality: str
    """Its mean metric, for a person."""
    compared: int
    is_too_good: bool
    """Whether it is so good that the gate would think of leakage, though no column was found."""


def choose_model(columns: Columns, target: Array, task: Task, seconds: float) -> Choice:
    """Return the best of a few models in cross-validation on at most 10,000 rows, within about `seconds`.

    Models are compared by ROC AUC, accuracy, or the mean of the mean absolute and the root mean squared error, each as
    a share of the baseline's. The first model is always evaluated.
    """
    rows = np.random.default_rng(_SEED).permutation(len(target))[:_MOST_ROWS]
    target = target[rows]
    features = derive({name: values[rows] for name, values in columns.items()})
    numbers, categories = numbers_and_categories(features)
    table = to_frame(features)
    splitter: Any = KFold if task == "regression" else StratifiedKFold
    folds = [*splitter(_FOLDS, shuffle=True, random_state=_SEED).split(table, target)]
    compared: list[tuple[float, Choice]] = []
    start = time.monotonic()
    for candidate in candidates(target, task, len(target)):
        if compared and time.monotonic() - start > seconds:
            break
        results = []
        for train, test in folds:
            model = STARTERS[candidate.starter].build_model(task, numbers, categories, **candidate.values)
            model.fit(table.iloc[train], target[train])
            results.append(_measure(model, table.iloc[test], target[test], target[train], task))
        score, shown, fit = (float(mean) for mean in np.mean(results, axis=0))
        quality = f"{_SHOWN[task]} {shown:.4g}"
        report(f"{quality}: {candidate}")
        compared.append((score, Choice(candidate, quality, 0, fit > _TOO_GOOD)))
    _, choice = max(compared, key=lambda result: result[0])
    return replace(choice, compared=len(compared))


def candidates(target: Array, task: Task, rows: int) -> Iterator[Candidate]:
    """Yield the models to compare, the likeliest first; trees that grow with the number of rows."""
    losses = _losses(target) if task == "regression" else [{}]
    leaf = int(np.clip(rows // 100, 2, 20))
    small = {"iterations": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "min_samples_leaf": leaf}
    large = {"iterations": 200, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": leaf}
    for loss in losses:
        yield Candidate("trees", {**(small if rows < 3000 else large), "l2_regularization": 1.0, **loss, "seed": _SEED})
    yield Candidate("linear", {"regularization": 1.0})
    yield Candidate(
        "forest", {"trees": 200, "min_samples_leaf": 1 if rows < 3000 else 3, "max_features": 0.5, "seed": 0}
    )
    yield Candidate(
        "trees", {**(large if rows < 3000 else small), "l2_regularization": 1.0, **losses[0], "seed": _SEED}
    )
    yield Candidate("linear", {"regularization": 10.0})


def _losses(target: Array) -> list[dict[str, str]]:
    """Return the losses that suit the target's shape: squared; absolute for heavy tails; Poisson for counts."""
    low, middle, high = np.quantile(target, [0.25, 0.5, 0.75])
    heavy = np.abs(target - middle).max() > _HEAVY_TAIL * max(high - low, 1e-12)
    counts = bool((target >= 0).all() and (target % 1 == 0).all() and target.max() > 2)
    names = ["poisson"] * counts + ["squared_error"] + ["absolute_error"] * bool(heavy)
    return [{"loss": name} for name in names]


def _measure(model: Any, table: Any, target: Array, train_target: Array, task: Task) -> tuple[float, float, float]:
    """Return the score by which models are compared, the metric that is shown, and the ROC AUC or R²."""
    if task == "binary":
        area = float(roc_auc_score(target, model.predict_proba(table)[:, 1]))
        return area, area, area
    if task == "multiclass":
        accuracy = float(accuracy_score(target, model.predict(table)))
        known = np.isin(target, model.classes_).all() and len(set(target)) == len(model.classes_)
        area = roc_auc_score(target, model.predict_proba(table), multi_class="ovr") if known else 0.0
        return accuracy, accuracy, float(area)
    predicted = model.predict(table)
    absolute, squared = mean_absolute_error(target, predicted), root_mean_squared_error(target, predicted)
    base_absolute = mean_absolute_error(target, np.full(len(target), np.median(train_target)))
    base_squared = root_mean_squared_error(target, np.full(len(target), train_target.mean()))
    share = absolute / max(base_absolute, 1e-12), squared / max(base_squared, 1e-12)
    return -float(np.mean(share)), float(absolute), 1 - float(share[1]) ** 2
