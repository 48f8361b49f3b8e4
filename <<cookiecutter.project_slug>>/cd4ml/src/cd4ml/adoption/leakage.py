"""Find columns that give the target away: known only once the outcome is, or the outcome itself in another form."""

from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task

TOO_GOOD = 0.995  # ROC AUC, or R², of a model on one column alone
_MOST_ROWS, _MOST_VALUES = 5000, 1_000_000
_SUM = 1e-6  # share of the target's variance that a sum of columns may leave unexplained


def leaking_columns(columns: Columns, target: Array, task: Task) -> dict[str, str]:
    """Return the columns that predict the target nearly perfectly, alone or as a sum of few, with the reason."""
    most = min(len(target), _MOST_ROWS, max(500, _MOST_VALUES // len(columns)))
    rows = np.unique(np.linspace(0, len(target) - 1, most).astype(int))
    target = target[rows]
    numeric = {name: _as_numbers(values[rows]) for name, values in columns.items()}
    leaks = {}
    for name, values in numeric.items():
        quality = _quality(values, target, task)
        if quality > TOO_GOOD:
            measure = "R²" if task == "regression" else "ROC AUC" if task == "binary" else "accuracy"
            leaks[name] = f"predicts the target alone ({measure} {quality:.3f}): is it known beforehand?"
    if task == "regression":
        leaks |= _sums({name: values for name, values in numeric.items() if name not in leaks}, target)
    return leaks


def _as_numbers(values: Array) -> Array:
    """Return a column as numbers: categories as codes, times as days, a null as a number below all others."""
    if values.dtype == object:
        return np.unique(values.astype(str), return_inverse=True)[1].astype(np.float64)
    if values.dtype.kind == "M":
        days = (values - np.datetime64("1970-01-01", "us")) / np.timedelta64(1, "D")
        return np.nan_to_num(days.astype(np.float64), nan=-1e6)
    numbers = values.astype(np.float64)
    lowest = np.nanmin(numbers) if not np.isnan(numbers).all() else 0.0
    return np.where(np.isnan(numbers), lowest - 1, numbers)


def _quality(values: Array, target: Array, task: Task) -> float:
    """Return the cross-validated quality of a tree on one column, or for numbers their rank correlation if higher."""
    table, leaf = values[:, None], max(5, len(target) // 200)
    if task == "regression":
        tree: Any = DecisionTreeRegressor(min_samples_leaf=leaf, random_state=0)
        monotone = abs(float(spearmanr(values, target).statistic)) if np.unique(values).size > 1 else 0.0
        return max(monotone, float(r2_score(target, cross_val_predict(tree, table, target, cv=3))))
    if min(np.unique(target, return_counts=True)[1]) < 3:
        return 0.0
    tree = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0)
    if task == "binary":
        scores = cross_val_predict(tree, table, target, cv=3, method="predict_proba")[:, 1]
        return float(roc_auc_score(target, scores))
    return float((cross_val_predict(tree, table, target, cv=3) == target).mean())


def _sums(columns: Columns, target: Array) -> dict[str, str]:
    """Return the columns whose weighted sum is the target, if there is one."""
    names = [name for name, values in columns.items() if np.unique(values).size > 2]
    if not names or len(names) >= len(target):
        return {}
    table = np.column_stack([columns[name] for name in names])
    table = (table - table.mean(axis=0)) / np.where(table.std(axis=0) > 0, table.std(axis=0), 1)
    centred = target.astype(np.float64) - target.mean()
    weights = np.linalg.lstsq(table, centred, rcond=None)[0]
    if not centred.any() or np.var(centred - table @ weights) > _SUM * np.var(centred):
        return {}
    parts = [name for name, weight in zip(names, weights, strict=True) if abs(weight) > 0.01 * target.std()]
    return dict.fromkeys(parts, f"the target is a sum of {', '.join(parts)}: are they known beforehand?")
