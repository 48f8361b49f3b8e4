"""Keep the records of the prediction log that tell something of the watched model, and count the others by reason.

The service writes each record whole, in one form, into the folder of its day. A log has others all the same: of another
project that writes to the same place, of a file that was copied into another day's folder or was written by something
else. Counted as if they were the model's, they would be a loss, or hide one.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.bundle.bundle import Bundle
from cd4ml.monitoring.logged_columns import are_answers_of, are_scored
from cd4ml.monitoring.served import Served
from cd4ml.prediction_log.read import StoredLog

FIELDS: Final = ("time", "id", "kind", "model", "version", "prediction", "probability")
"""Of the records, besides the columns of the rows."""
INCOMPLETE, OTHER_MODEL, OTHER_DAY = "incomplete", "another model", "another day"
"""Why records are left out: no time, kind, model or version; those of another model; those of another day."""
OTHER_TASK, NO_SCORE = "another task", "no score"
"""Why records count as predictions, and their answers do not: they are of another task; they are no number, or no
probability."""


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


_TYPES: dict[str, Callable[[pa.DataType], bool]] = {
    "time": pa.types.is_timestamp,
    "kind": _is_text,
    "model": _is_text,
    "version": _is_text,
}
"""Of the fields that each record has."""


def usable_records(
    log: StoredLog, day: date, bundle: Bundle, served: Served, *, columns: bool = True
) -> Iterator[pa.Table]:
    """Yield the records of a day that are of a bundle's model, whichever its version; count the others in `served`.

    Args:
        log: to read.
        day: in UTC.
        bundle: whose model is watched.
        served: of the day's period; its `left_out` and `other_models` are changed.
        columns: whether the columns of the rows are read, too.

    Raises:
        DataError: the log cannot be read.
    """
    for records in log.flat_tables(day, [*FIELDS, "row"] if columns else FIELDS):
        found = _of_day(_of_model(_complete(records, served), bundle, served), day, served)
        if not len(found):
            continue
        users = found.filter(pc.equal(found["kind"], "user"))
        if not are_answers_of(users, bundle.decision):
            served.left_out[OTHER_TASK] += len(users)
        else:
            _count(served, NO_SCORE, int(np.count_nonzero(~are_scored(users, bundle.decision))))
        yield found


def _complete(records: pa.Table, served: Served) -> pa.Table:
    """Return the records that have a time, a kind, a model and a version, in the types of the log; ids as text."""
    schema = records.schema
    if any(name not in schema.names or not fits(schema.field(name).type) for name, fits in _TYPES.items()):
        served.left_out[INCOMPLETE] += len(records)
        return records.slice(0, 0)
    whole = np.logical_and.reduce([np.asarray(records[name].is_valid()) for name in _TYPES])
    _count(served, INCOMPLETE, int(np.count_nonzero(~whole)))
    for name in ("kind", "model", "version"):
        records = _replaced(records, name, records[name].cast(pa.string()))
    times = records["time"].cast(pa.timestamp("us", tz=schema.field("time").type.tz), safe=False)
    records = _replaced(records, "time", times)
    if not _is_text(schema.field("id").type) and not pa.types.is_integer(schema.field("id").type):
        return _replaced(records, "id", pa.nulls(len(records), pa.string())).filter(whole)
    return _replaced(records, "id", records["id"].cast(pa.string())).filter(whole)


def _of_model(records: pa.Table, bundle: Bundle, served: Served) -> pa.Table:
    if not len(records):
        return records
    own = pc.equal(records["model"], bundle.manifest.name)
    others = records.filter(pc.invert(own))
    _count(served, OTHER_MODEL, len(others))
    for entry in pc.value_counts(others["model"]).to_pylist():
        served.other_models[entry["values"]] += entry["counts"]
    return records.filter(own)


def _of_day(records: pa.Table, day: date, served: Served) -> pa.Table:
    """Return the records of the day whose folder has them."""
    if not len(records):
        return records
    times = records["time"].combine_chunks().cast(pa.timestamp("us")).to_numpy()
    inside = times.astype("datetime64[D]") == np.datetime64(day)
    _count(served, OTHER_DAY, int(np.count_nonzero(~inside)))
    return records.filter(inside)


def _replaced(records: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return records.set_column(records.column_names.index(name), name, values)


def _count(served: Served, reason: str, records: int) -> None:
    if records:
        served.left_out[reason] += records
