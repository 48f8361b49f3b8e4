"""Slices: every value of a category or boolean with enough rows."""

from typing import Any

import numpy as np
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import METRICS
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.slices import compute_slices
from cd4ml.settings.params import EvaluateParams


def slices_of(rows: int, minimum_rows: int, maximum_values: int = 20) -> dict[str, Any]:
    """Return the slices of a table with a boolean, a category and a number."""
    rng = np.random.default_rng(0)
    contract = Contract.model_validate(
        {
            "name": "c",
            "target": {"name": "t", "type": "boolean"},
            "columns": {"flag": {"type": "boolean"}, "kind": {"type": "category"}, "size": {"type": "number"}},
        }
    )
    columns = {
        "flag": np.where(np.arange(rows) % 10 == 0, np.nan, np.arange(rows) % 2).astype(np.float32),
        "kind": np.array(["a", "b", "c", ""], dtype=object)[np.arange(rows) % 4],
        "size": rng.random(rows).astype(np.float32),
    }
    scores = rng.random(rows)
    predictions = Predictions("binary", [False, True], (rng.random(rows) < scores).astype(np.int64), scores, 0.5)
    params = EvaluateParams(bootstrap_rounds=100, slice_minimum_rows=minimum_rows, slice_maximum_values=maximum_values)
    return compute_slices(predictions, columns, contract, params, MetricSet(METRICS["binary"]))


def test_every_value_of_categories_and_booleans_is_a_slice_and_so_is_null() -> None:
    results = slices_of(rows=400, minimum_rows=10)

    slices = [(part["column"], part["value"], part["rows"]) for part in results["slices"]]
    assert slices[:3] == [("flag", False, 160), ("flag", True, 200), ("flag", None, 40)]
    assert slices[3:] == [("kind", value, 100) for value in (None, "a", "b", "c")]
    assert results["left_out"] == {}


def test_values_with_few_rows_and_columns_with_many_values_are_counted_as_left_out() -> None:
    assert slices_of(rows=400, minimum_rows=150)["left_out"] == {"flag": 1, "kind": 4}
    assert slices_of(rows=400, minimum_rows=10, maximum_values=3)["left_out"] == {"kind": 4}
