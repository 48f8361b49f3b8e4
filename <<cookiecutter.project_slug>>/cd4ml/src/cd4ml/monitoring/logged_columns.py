"""Turn records of the prediction log into arrays: the columns as the model saw them, and its scores."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.bundle.decision import Decision
from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array


def logged_column(records: pa.Table, name: str, column: Column) -> Array | None:
    """Return a column of the rows, normalized, shape `(rows,)`; None if the records have it not.

    A record lacks a column that is sensitive, and one that the contract of its time did not name.
    """
    if f"row.{name}" not in records.column_names:
        return None
    values = records[f"row.{name}"].combine_chunks()
    if column.type == "category":
        return np.asarray(pc.fill_null(values.cast(pa.string()), "").to_numpy(zero_copy_only=False), dtype=object)
    if column.type == "timestamp":
        return np.asarray(values.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False))
    return np.asarray(values.cast(pa.float32()).to_numpy(zero_copy_only=False))


def logged_scores(records: pa.Table, decision: Decision) -> Array:
    """Return what the records' models scored, in the form of `Bundle.scores`.

    A class that the decision does not know is left out, and one that a record lacks has the probability 0.
    """
    if decision.task == "regression":
        return np.asarray(records["prediction"].combine_chunks().cast(pa.float64()).to_numpy(zero_copy_only=False))
    probability = records["probability"].combine_chunks()
    if decision.task == "binary":
        positive = np.asarray(probability.to_numpy(zero_copy_only=False), dtype=np.float64)
        return np.column_stack([1 - positive, positive])
    scores = np.zeros((len(records), len(decision.classes)))
    rows = np.repeat(np.arange(len(records)), np.diff(probability.offsets.to_numpy()))
    classes = pc.index_in(probability.keys, pa.array(decision.classes, pa.string()))
    known = np.asarray(classes.is_valid())
    positions = np.asarray(classes.fill_null(0))
    scores[rows[known], positions[known]] = np.asarray(probability.items)[known]
    return scores
