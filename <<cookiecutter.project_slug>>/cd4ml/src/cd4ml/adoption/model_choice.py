"""Compare a few models on the training rows, and choose one to start from."""

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from cd4ml.adoption.metric_choice import MOST_TIES, share_of_ties
from cd4ml.adoption.setting import Setting
from cd4ml.adoption.starters import forest, linear, trees
from cd4ml.adoption.starters.features import derive
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import DataError
from cd4ml.terminal.output import report
from cd4ml.training.estimator import numbers_and_categories, to_frame

STARTERS = {"trees": trees, "linear": linear, "forest": forest}
_MOST_ROWS, _MOST_VALUES = 10_000, 3_000_000
_MANY_ROWS = 3000  # from these on trees are large at first, and fewer folds tell which model is better
_SEED = 0
_METRICS: dict[Task, tuple[str, str]] = {
    "binary": ("roc_auc", "ROC AUC"),
    "multiclass": ("accuracy", "accuracy"),
    "regression": ("mae", "MAE"),
}
_TOO_GOOD = 0.98  # a ROC AUC or R² in cross-validation that may be above the gate's 0.995 on the test set
_FARTHEST = 0.01  # of the rows: their squared errors would decide alone which model is best
_HEAVY_TAIL = 20.0  # times the distance between the quartiles


@dataclass(frozen=True)
class Candidate:
    """A model to start from."""

    starter: str
    """trees, linear or forest: the file that the team gets as model.py."""
    settings: dict[str, Setting] = field(default_factory=dict)
    """What stands under `model:` in params.yaml."""

    def __str__(self) -> str:
        return f"{self.starter} ({', '.join(f'{key} {one.value}' for key, one in self.settings.items())})"

    def build(self, task: Task, numbers: list[str], categories: list[str]) -> Any:
        """Return the unfitted model."""
        values = {key: one.value for key, one in self.settings.items()}
        return STARTERS[self.starter].build_model(task, numbers, categories, **values)


@dataclass(frozen=True)
class Choice:
    """The model that was the best in cross-validation."""

    candidate: Candidate
    metric: str
    """The name of its metric, as in reports/metrics.json."""
    quality: float
    """The mean of that metric in cross-validation."""
    baseline: float
    """The same of a prediction that ignores all columns."""
    shown: str
    """The metric and its mean, for a person."""
    is_too_good: bool
    """Whether it is so good that the gate would think of leakage, though no column was found."""
    compared: int = 1


def choose_model(
    columns: Columns, target: Array, task: Task, seconds: float, times: Array | None, groups: Array | None
) -> Choice:
    """Return the best of a few models in cross-validation, within about `seconds`.

    At most 10,000 rows are used, and fewer of a table with more than 300 columns. Models are compared by ROC AUC; by
    accuracy and the classes' mean ROC AUC; or by the mean absolute and the root mean squared error, the latter without
    the hundredth of the rows that is farthest off. The first model is always evaluated. With times, each fold is later
    than the rows that the model was fitted on; with groups, it has all rows of a group or none.

    Args:
        columns: the columns of the training set, each of shape `(rows,)`.
        target: what to predict, shape `(rows,)`.
        task: the kind of target.
        seconds: how long to compare.
        times: the time of each row, shape `(rows,)`, if there is one.
        groups: what each row belongs to, shape `(rows,)`, if anything.
    """
    rows = _sample(len(target), min(_MOST_ROWS, max(1000, _MOST_VALUES // len(columns))), times)
    target = target[rows]
    features = derive({name: values[rows] for name, values in columns.items()})
    folds = _folds(target, task, times is not None, None if groups is None else groups[rows])
    features = _without_nulls(features, [train for train, _ in folds])
    numbers, categories = numbers_and_categories(features)
    table = to_frame(features)
    compared: list[tuple[dict[str, float], Candidate]] = []
    start = time.monotonic()
    for candidate in candidates(target, task, [target[train] for train, _ in folds]):
        if compared and time.monotonic() - start > seconds:
            break
        results = []
        for train, test in folds:
            model = candidate.build(task, numbers, categories).fit(table.iloc[train], target[train])
            results.append(_measure(model, table.iloc[test], target[test], target[train], task))
        measures = {name: float(np.mean([result[name] for result in results])) for name in results[0]}
        report(f"{_shown(measures, task)}: {candidate}")
        compared.append((measures, candidate))
    tied = task == "regression" and share_of_ties(target) > MOST_TIES
    others = [measures for measures, _ in compared]
    measures, candidate = min(compared, key=lambda one: _regret(one[0], others, task, tied))
    metric, _ = _METRICS[task]
    too_good = measures["fit"] > _TOO_GOOD
    shown = _shown(measures, task)
    return Choice(candidate, metric, measures[metric], measures["baseline"], shown, too_good, len(compared))


def _without_nulls(features: Columns, parts: list[Array]) -> Columns:
    """Return the features that have a value in each part of the rows that a model is fitted on; report the others."""
    numbers, _ = numbers_and_categories(features)
    unknown = {name for part in parts for name in numbers if not np.isfinite(features[name][part]).any()}
    if unknown:
        report(f"not compared, since null in all older rows or in a fold: {', '.join(sorted(unknown))}")
    return {name: values for name, values in features.items() if name not in unknown}


def _shown(measures: dict[str, float], task: Task) -> str:
    metric, name = _METRICS[task]
    return f"{name} {measures[metric]:.4g}"


def _regret(own: dict[str, float], all_of_them: list[dict[str, float]], task: Task, tied: bool) -> float:
    """Return how far a model is behind the best one, as a ratio, by the metric in which it is farthest behind.

    So a model of a number is good by its absolute errors and by its squared ones, where no other is best by both.
    """
    if task == "regression":
        squared = "rmse" if tied else "rmse of most"
        return max(own[name] / max(min(one[name] for one in all_of_them), 1e-12) for name in ("mae", squared))
    names = ("roc_auc",) if task == "binary" else ("accuracy", "fit")
    return max(max(one[name] for one in all_of_them) / max(own[name], 1e-12) for name in names)


def _sample(rows: int, most: int, times: Array | None) -> Array:
    """Return positions of at most `most` rows: the newest, in the order of their times, or any."""
    if times is not None:
        return np.argsort(times, kind="stable")[-most:]
    return np.random.default_rng(_SEED).permutation(rows)[:most]


def _folds(target: Array, task: Task, in_time: bool, groups: Array | None) -> list[tuple[Array, Array]]:
    """Return positions of rows to fit on and to test on, for each fold that has what the task needs."""
    nothing, count = np.zeros((len(target), 1)), 5 if len(target) < _MANY_ROWS else 3
    splitter: Any
    if in_time:
        splitter = TimeSeriesSplit(count)
    elif groups is not None:
        splitter = GroupKFold(count) if task == "regression" else StratifiedGroupKFold(count)
    else:
        shuffled = {"shuffle": True, "random_state": _SEED}
        splitter = KFold(count, **shuffled) if task == "regression" else StratifiedKFold(count, **shuffled)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        folds = [(train, test) for train, test in splitter.split(nothing, target, groups)]
    if task == "regression":
        return folds
    of_both = [(a, b) for a, b in folds if min(len(np.unique(target[a])), len(np.unique(target[b]))) > 1]
    if not of_both:
        raise DataError("every part of the training set has one outcome only; add data, or name another target")
    return of_both


def candidates(target: Array, task: Task, parts: Sequence[Array] = ()) -> Iterator[Candidate]:
    """Yield the models to compare, the likeliest first; trees that grow with the number of rows.

    Args:
        target: what to predict, shape `(rows,)`.
        task: the kind of target.
        parts: the targets of the rows that a model is fitted on, in each fold.
    """
    rows = len(target)
    losses = _losses(target, parts) if task == "regression" else [{}]
    leaf = Setting(int(np.clip(rows // 100, 2, 20)), f"a hundredth of {rows:,} rows, from 2 to 20")
    stumps = {"iterations": Setting(100), "learning_rate": Setting(0.05), "max_leaf_nodes": Setting(4)}
    small = {"iterations": Setting(150), "learning_rate": Setting(0.05), "max_leaf_nodes": Setting(8)}
    large = {"iterations": Setting(200), "learning_rate": Setting(0.1), "max_leaf_nodes": Setting(31)}
    first, second = (small, large) if rows < _MANY_ROWS else (large, small)
    usual = {"iterations": Setting(100), "learning_rate": Setting(0.1), "max_leaf_nodes": Setting(31)}
    usual |= {"min_samples_leaf": Setting(20), "l2_regularization": Setting(0.0)}
    rest = {"min_samples_leaf": leaf, "l2_regularization": Setting(1.0)}
    seed = {"seed": Setting(_SEED)}
    for loss in losses:
        yield Candidate("trees", {**first, **rest, **loss, **seed})
    yield Candidate("linear", {"regularization": Setting(1.0)})
    share = 0.5 if task == "regression" else 0.3
    for fewest in (1, 5):
        forest = {"trees": Setting(200), "min_samples_leaf": Setting(fewest), "max_features": Setting(share)}
        yield Candidate("forest", {**forest, **seed})
    squared = {"loss": Setting("squared_error")} if task == "regression" else {}
    yield Candidate("trees", {**usual, **squared, **seed})
    yield Candidate("trees", {**second, **rest, **losses[0], **seed})
    yield Candidate("linear", {"regularization": Setting(10.0)})
    yield Candidate("trees", {**stumps, **rest, **losses[0], **seed})


def _losses(target: Array, parts: Sequence[Array]) -> list[dict[str, Setting]]:
    """Return the losses that suit the target's shape: squared; absolute for heavy tails; Poisson for counts.

    A model with the loss Poisson cannot be fitted on a part that has only zeros, as the oldest rows may.
    """
    low, middle, high = np.quantile(target, [0.25, 0.5, 0.75])
    heavy = np.abs(target - middle).max() > _HEAVY_TAIL * max(high - low, 1e-12)
    counts = bool((target >= 0).all() and (target % 1 == 0).all() and target.max() > 2)
    counts = counts and all(part.any() for part in parts)
    typical = bool(heavy) and share_of_ties(target) <= MOST_TIES  # else the median is the value of most rows
    names = ["poisson"] * counts + ["squared_error"] + ["absolute_error"] * typical
    return [{"loss": Setting(name)} for name in names]


def _measure(model: Any, table: Any, target: Array, train_target: Array, task: Task) -> dict[str, float]:
    """Return the metrics by which models are compared, that of the baseline, and as `fit` the ROC AUC or R²."""
    if task == "binary":
        area = float(roc_auc_score(target, model.predict_proba(table)[:, 1]))
        return {"roc_auc": area, "baseline": 0.5, "fit": area}
    if task == "multiclass":
        probabilities = model.predict_proba(table)
        labels, counts = np.unique(train_target, return_counts=True)
        areas = [
            roc_auc_score(target == label, probabilities[:, column])
            for column, label in enumerate(model.classes_)
            if 0 < (target == label).sum() < len(target)
        ]
        accuracy = accuracy_score(target, model.classes_[probabilities.argmax(axis=1)])
        baseline = (target == labels[counts.argmax()]).mean()
        return {"accuracy": float(accuracy), "baseline": float(baseline), "fit": float(np.mean(areas or [0.0]))}
    predicted = model.predict(table)
    squared = float(root_mean_squared_error(target, predicted))
    errors = np.sort(np.abs(target - predicted))[: int(np.ceil(len(target) * (1 - _FARTHEST)))]
    spread = float(root_mean_squared_error(target, np.full(len(target), train_target.mean())))
    baseline = float(mean_absolute_error(target, np.full(len(target), np.median(train_target))))
    fit = 1 - (squared / max(spread, 1e-12)) ** 2
    absolute, most = float(mean_absolute_error(target, predicted)), float(np.sqrt(np.mean(errors**2)))
    return {"mae": absolute, "rmse": squared, "rmse of most": most, "baseline": baseline, "fit": fit}
