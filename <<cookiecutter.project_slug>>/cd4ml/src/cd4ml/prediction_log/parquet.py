"""Records of the prediction log as Parquet files. `record` says what the fields are."""

import io
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cd4ml.contract.column import Column
from cd4ml.prediction_log.record import Entry, Layout, joined

_TYPES = {
    "number": pa.float32(),
    "integer": pa.int32(),
    "boolean": pa.bool_(),
    "category": pa.string(),
    "timestamp": pa.timestamp("us"),
}
_PREDICTION = {"binary": pa.bool_(), "multiclass": pa.string(), "regression": pa.float64()}
_PROBABILITY = {"binary": pa.float64(), "multiclass": pa.map_(pa.string(), pa.float64()), "regression": pa.float64()}


def as_files(entries: Sequence[Entry], layout: Layout) -> list[tuple[str, bytes]]:
    """Return files with the records of entries, one for each day: their paths in the log, and their bytes.

    No two calls return the same path, whichever process or machine they run in.
    """
    files = []
    for day, of_day in groupby(entries, key=lambda entry: entry.time.date()):
        content = list(of_day)
        name = f"{content[0].time:%H%M%S}-{uuid.uuid4().hex}.parquet"
        files.append((f"date={day.isoformat()}/{name}", encode(table_of(content, layout))))
    return files


def encode(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def table_of(entries: Sequence[Entry], layout: Layout) -> pa.Table:
    """Return the records of entries as a table."""
    counts = [len(entry.answer.predictions) for entry in entries]
    rows = sum(counts)
    times = np.repeat(np.array([entry.nanoseconds // 1000 for entry in entries], dtype=np.int64), counts)
    fields: dict[str, pa.Array] = {
        "time": pa.array(times.view("datetime64[us]")).cast(pa.timestamp("us", tz="UTC")),
        "request_id": _repeated([entry.request_id for entry in entries], counts),
        "number": pa.array(np.concatenate([np.arange(count, dtype=np.int32) for count in counts])),
        "id": pa.array([identity for entry in entries for identity in entry.ids()], pa.string()),
        "kind": _repeated([entry.kind for entry in entries], counts),
        "model": pa.repeat(layout.model, rows),
        "version": pa.repeat(layout.version, rows),
        "prediction": pa.array(_flat(entry.answer.predictions for entry in entries), _PREDICTION[layout.task]),
        "probability": _probabilities(entries, layout, rows),
    }
    if layout.logged:  # Parquet has no object without a field
        fields["row"] = _row(entries, layout)
    return pa.table(fields)


def _probabilities(entries: Sequence[Entry], layout: Layout, rows: int) -> pa.Array:
    kind = _PROBABILITY[layout.task]
    if layout.task == "regression":
        return pa.nulls(rows, kind)
    values = _flat(entry.answer.probabilities or () for entry in entries)
    return pa.array([list(value.items()) for value in values] if layout.task == "multiclass" else values, kind)


def _row(entries: Sequence[Entry], layout: Layout) -> pa.Array:
    """Return the columns of the contract that are logged as one column of objects."""
    names = layout.logged
    columns = [
        _column([entry.answer.columns[name] for entry in entries], layout.contract.columns[name]) for name in names
    ]
    return pa.StructArray.from_arrays(columns, names)


def _column(parts: Sequence[Any], column: Column) -> pa.Array:
    """Return the parts of a normalized column as one, with its own type and nulls."""
    values = joined(parts)
    if column.type == "category":
        texts = pa.array(values, pa.string())
        return pc.if_else(pc.equal(texts, ""), None, texts)
    if column.type == "timestamp":
        times = pa.array(values)
        return times.cast(pa.timestamp("us", tz="UTC")) if column.timezone else times
    return pa.array(values, from_pandas=True).cast(_TYPES[column.type])


def _flat(parts: Any) -> list[Any]:
    return [value for part in parts for value in part]


def _repeated(values: Sequence[str], counts: Sequence[int]) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(np.repeat(np.arange(len(values)), counts)))
