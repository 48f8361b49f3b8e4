"""How the training rows were distributed: what the card shows, and what later rows are compared with."""

from typing import Any

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract

_QUANTILES = np.linspace(0, 1, 11)
_MOST_CATEGORIES = 50


def training_profile(columns: Columns, target: Array, times: Array | None, contract: Contract) -> dict[str, Any]:
    """Return the number of rows, their time span, and the distribution of the target and of each column.

    Args:
        columns: the training rows, normalized.
        target: what is to be predicted of them, shape `(rows,)`.
        times: when they were, shape `(rows,)`; None where the contract names no time.
        contract: what they keep.
    """
    return {
        "rows": len(target),
        "time": None if times is None else {"first": str(times.min()), "last": str(times.max())},
        "target": _of_target(target, contract),
        "columns": {name: _of_column(array, contract.columns[name].type) for name, array in columns.items()},
    }


def _of_target(target: Array, contract: Contract) -> dict[str, Any]:
    if contract.task == "regression":
        return {"mean": float(target.mean()), "median": float(np.median(target)), "deviation": float(target.std())}
    values, counts = np.unique(target, return_counts=True)
    return {"shares": {str(value): int(count) / len(target) for value, count in zip(values, counts, strict=True)}}


def _of_column(array: Array, kind: str) -> dict[str, Any]:
    if kind == "category":
        return _of_categories(array)
    null = np.isnat(array) if kind == "timestamp" else np.isnan(array)
    there = array[~null]
    told: dict[str, Any] = {"nulls": _share(null)}
    if kind == "timestamp":
        return told | ({"first": str(there.min()), "last": str(there.max())} if len(there) else {})
    if kind == "boolean":
        return told | {"true": _share(there == 1)}
    return told | ({"quantiles": [float(str(value)) for value in _quantiles(there)]} if len(there) else {})


def _quantiles(values: Array) -> Array:
    return np.quantile(values, _QUANTILES, method="inverted_cdf").astype(np.float32)


def _of_categories(array: Array) -> dict[str, Any]:
    values, counts = np.unique(array[array != ""], return_counts=True)
    common = sorted(zip(counts.tolist(), values.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
    kept = {value: count / len(array) for count, value in common[:_MOST_CATEGORIES]}
    rest = sum(count for count, _ in common[_MOST_CATEGORIES:])
    return {"nulls": _share(array == ""), "values": len(values), "shares": kept, "rest": rest / len(array)}


def _share(mask: Array) -> float:
    return float(np.mean(mask)) if len(mask) else 0.0
