"""Turn records of the prediction log into arrays: the columns as the model saw them, and its scores."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.bundle.decision import Decision
from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array

_LARGEST = float(np.finfo(np.float32).max)


def logged_column(records: pa.Table, name: str, column: Column) -> Array | None:
    """Return a column of the rows, normalized, shape `(rows,)`; None if the records have it not, or of another type.

    A record lacks a column that is sensitive, and one that the contract of its time named otherwise.
    """
    if f"row.{name}" not in records.column_names:
        return None
    values = records[f"row.{name}"].combine_chunks()
    if not _fits(values.type, column):
        return None
    if column.type == "category":
        return np.asarray(pc.fill_null(values.cast(pa.string()), "").to_numpy(zero_copy_only=False), dtype=object)
    if column.type == "timestamp":
        return np.asarray(values.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False))
    return np.asarray(values.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False))


def _fits(kind: pa.DataType, column: Column) -> bool:
    """Return whether values of a type are those of a column; a number that was logged as text is not."""
    types = pa.types
    if types.is_null(kind):
        return True
    if column.type == "category":
        return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind))
    if column.type == "timestamp":
        return bool(types.is_timestamp(kind))
    if column.type == "boolean":
        return bool(types.is_boolean(kind))
    return bool(types.is_integer(kind) or types.is_floating(kind))


def are_answers_of(records: pa.Table, decision: Decision) -> bool:
    """Return whether the records' answers are in the form of a decision's task, such as numbers for regression."""
    names, types = records.schema.names, pa.types
    if "prediction" not in names or (decision.task != "regression" and "probability" not in names):
        return False
    prediction = records.schema.field("prediction").type
    if decision.task == "regression":
        return bool(types.is_floating(prediction) or types.is_integer(prediction))
    probability = records.schema.field("probability").type
    if decision.task == "binary":
        return bool(types.is_boolean(prediction) and types.is_floating(probability))
    if not types.is_map(probability) or not types.is_floating(probability.item_type):
        return False
    return bool(types.is_string(prediction) and types.is_string(probability.key_type))


def are_scored(records: pa.Table, decision: Decision) -> Array:
    """Return which records have a score, shape `(rows,)`: numbers within 32 bits, probabilities from 0 to 1."""
    if not len(records) or not are_answers_of(records, decision):
        return np.zeros(len(records), dtype=bool)
    if decision.task == "regression":
        return np.asarray(np.abs(logged_scores(records, decision)) <= _LARGEST)
    probability = records["probability"].combine_chunks()
    if decision.task == "binary":
        values = np.asarray(probability.to_numpy(zero_copy_only=False), dtype=np.float64)
        return np.asarray((values >= 0) & (values <= 1))
    values, rows = np.asarray(probability.items), _rows_of_entries(probability)
    right = np.bincount(rows, (values >= 0) & (values <= 1), minlength=len(records))
    return np.asarray((right > 0) & (right == np.bincount(rows, minlength=len(records))))


def logged_scores(records: pa.Table, decision: Decision) -> Array:
    """Return what the records' models scored, in the form of `Bundle.scores`; of records that `are_scored`.

    A class that the decision does not know is left out, and one that a record lacks has the probability 0.
    """
    if decision.task == "regression":
        numbers = records["prediction"].combine_chunks().cast(pa.float64(), safe=False)
        return np.asarray(numbers.to_numpy(zero_copy_only=False))
    probability = records["probability"].combine_chunks()
    if decision.task == "binary":
        positive = np.asarray(probability.to_numpy(zero_copy_only=False), dtype=np.float64)
        return np.column_stack([1 - positive, positive])
    scores = np.zeros((len(records), len(decision.classes)))
    rows = _rows_of_entries(probability)
    classes = pc.index_in(probability.keys, pa.array(decision.classes, pa.string()))
    known = np.asarray(classes.is_valid())
    positions = np.asarray(classes.fill_null(0))
    scores[rows[known], positions[known]] = np.asarray(probability.items)[known]
    return scores


def _rows_of_entries(maps: pa.MapArray) -> Array:
    """Return the number of the row that each entry of the maps belongs to."""
    return np.repeat(np.arange(len(maps)), np.diff(maps.offsets.to_numpy()))
