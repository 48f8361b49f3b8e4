"""Describe the distribution of the training set: the model card shows it, and new rows are compared with it."""

from typing import Any

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract

_QUANTILES = np.linspace(0, 1, 11)
_MAX_CATEGORIES = 50
_WEEK = np.timedelta64(7, "D")
_FEWEST_IN_A_WEEK = 50  # rows, for a share to mean something


def training_profile(columns: Columns, target: Array, times: Array | None, contract: Contract) -> dict[str, Any]:
    """Return the number of rows, their time span, and the distribution of the target and of each column.

    Args:
        columns: of the training set, normalized.
        target: of the same rows, shape `(rows,)`.
        times: of the same rows, shape `(rows,)`; None if the contract names no time.
        contract: that the rows keep.
    """
    weeks = None if times is None else (times - times.min()) // _WEEK
    return {
        "rows": len(target),
        "time": None if times is None else {"first": str(times.min()), "last": str(times.max())},
        "target": _target_profile(target, contract),
        "columns": {
            name: _column_profile(array, contract.columns[name].type) | _most_nulls(array, weeks)
            for name, array in columns.items()
        },
    }


def _target_profile(target: Array, contract: Contract) -> dict[str, Any]:
    if contract.task == "regression":
        return {"mean": float(target.mean()), "median": float(np.median(target)), "deviation": float(target.std())}
    values, counts = np.unique(target, return_counts=True)
    return {"shares": {str(value): int(count) / len(target) for value, count in zip(values, counts, strict=True)}}


def _column_profile(array: Array, kind: str) -> dict[str, Any]:
    if kind == "category":
        return _category_profile(array)
    null = np.isnat(array) if kind == "timestamp" else np.isnan(array)
    values = array[~null]
    profile: dict[str, Any] = {"nulls": _share(null)}
    if kind == "timestamp":
        return profile | (_time_span(values) if len(values) else {})
    if kind == "boolean":
        return profile | {"true": _share(values == 1)}
    return profile | (_number_profile(values) if len(values) else {})


def _most_nulls(array: Array, weeks: Array | None) -> dict[str, float]:
    """Return the largest share of nulls in a week that has enough rows: some columns have more in one season."""
    if weeks is None or not len(array):
        return {}
    rows, nulls = np.bincount(weeks), np.bincount(weeks, array == "" if array.dtype == object else array != array)
    shares = nulls[rows >= _FEWEST_IN_A_WEEK] / rows[rows >= _FEWEST_IN_A_WEEK]
    return {"most_nulls": float(shares.max())} if len(shares) else {}


def _time_span(values: Array) -> dict[str, str]:
    median = np.sort(values)[(len(values) - 1) // 2]
    return {"first": str(values.min()), "median": str(median), "last": str(values.max())}


def _number_profile(values: Array) -> dict[str, Any]:
    """Return the deciles of numbers; and of the bins that end at those that differ, the shares and the means.

    One more bin, which is empty here, is for larger numbers; the mean of an empty one is 0.
    """
    quantiles = np.quantile(values, _QUANTILES, method="inverted_cdf").astype(np.float32)
    edges = np.unique(quantiles)
    bins, size = np.searchsorted(edges, values), len(edges) + 1
    counts, sums = np.bincount(bins, minlength=size), np.bincount(bins, values, minlength=size)
    return {
        "quantiles": [float(str(value)) for value in quantiles],
        "shares": (counts / len(values)).tolist(),
        "means": [float(f"{mean:.6g}") for mean in sums / np.maximum(counts, 1)],
    }


def _category_profile(array: Array) -> dict[str, Any]:
    values, counts = np.unique(array[array != ""], return_counts=True)
    by_count = sorted(zip(counts.tolist(), values.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
    shares = {value: count / len(array) for count, value in by_count[:_MAX_CATEGORIES]}
    rest = sum(count for count, _ in by_count[_MAX_CATEGORIES:])
    return {"nulls": _share(array == ""), "values": len(values), "shares": shares, "rest": rest / len(array)}


def _share(mask: Array) -> float:
    return float(np.mean(mask)) if len(mask) else 0.0
