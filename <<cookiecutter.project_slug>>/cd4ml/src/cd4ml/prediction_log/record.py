"""What a record of the prediction log holds, and records as JSON lines.

A record is one row of a request. Its fields, in this order:

| field         | type       | what it is                                                                            |
|---------------|------------|---------------------------------------------------------------------------------------|
| `time`        | time, UTC  | when it was predicted, to the microsecond                                             |
| `request_id`  | text       | of the response, and of the service's log                                             |
| `number`      | integer    | the row's position in its request, from 0                                             |
| `id`          | text       | the contract's id, if the row had one                                                 |
| `kind`        | text       | `user`; `smoke` or `canary` if the request said that it is a test                     |
| `model`       | text       | the name of the model                                                                 |
| `version`     | text       | its version                                                                           |
| `prediction`  | by task    | true or false, the class, or the number                                               |
| `probability` | by task    | of the positive class; of each class, by its name; null for regression                |
| `row`         | object     | the contract's columns as the model saw them, without those that are `sensitive`      |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract, Task

KINDS = ("user", "smoke", "canary")
KIND_HEADER = "X-Request-Kind"
"""A request may say with it that it is a test: `smoke` or `canary`. It can say nothing else."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Answer(Protocol):
    """The predictions for the rows of a request, as the service leaves them in `scope["answer"]`."""

    @property
    def columns(self) -> Columns:
        """The normalized columns of the rows."""

    @property
    def ids(self) -> Sequence[Any] | None:
        """The contract's id of each row; None if the contract has none."""

    @property
    def predictions(self) -> Sequence[Any]:
        """One for each row."""

    @property
    def probabilities(self) -> Sequence[Any] | None:
        """One for each row; None for regression."""

    @property
    def size(self) -> int:
        """Bytes of JSON that the rows were."""


class Entry(NamedTuple):
    """The answer to one request: as many records as it has rows."""

    nanoseconds: int
    """Since 1970, UTC."""
    request_id: str
    kind: str
    answer: Answer

    @property
    def time(self) -> datetime:
        """When it was predicted."""
        return _EPOCH + timedelta(microseconds=self.nanoseconds // 1000)

    def ids(self) -> list[str | None]:
        """Return the id of each row as text; None for a row without one."""
        ids = self.answer.ids
        if ids is None:
            return [None] * len(self.answer.predictions)
        return [None if value is None or value == "" else str(value) for value in ids]


@dataclass(frozen=True)
class Layout:
    """What is the same for all records of one model."""

    contract: Contract
    task: Task
    model: str
    version: str

    @classmethod
    def of(cls, bundle: Bundle) -> "Layout":
        """Return the layout of a bundle's records."""
        manifest = bundle.manifest
        return cls(bundle.contract, manifest.task, manifest.name, bundle.version)

    @property
    def logged(self) -> list[str]:
        """The names of the columns that are not sensitive, in the contract's order."""
        return [name for name, column in self.contract.columns.items() if not column.sensitive]


def as_lines(entries: Sequence[Entry], layout: Layout) -> Iterator[bytes]:
    """Yield each record as a line of JSON, marked by `"event": "prediction"`."""
    names = layout.logged
    columns = [
        _json_values([entry.answer.columns[name] for entry in entries], layout.contract.columns[name]) for name in names
    ]
    rows = zip(*columns, strict=True) if names else repeat(())
    for entry in entries:
        answer, time = entry.answer, entry.time.isoformat(timespec="microseconds").replace("+00:00", "Z")
        for number, (identity, row) in enumerate(zip(entry.ids(), rows, strict=False)):
            record = {
                "event": "prediction",
                "time": time,
                "request_id": entry.request_id,
                "number": number,
                "id": identity,
                "kind": entry.kind,
                "model": layout.model,
                "version": layout.version,
                "prediction": answer.predictions[number],
                "probability": None if answer.probabilities is None else answer.probabilities[number],
                "row": dict(zip(names, row, strict=True)),
            }
            yield msgspec.json.encode(record) + b"\n"


def joined(parts: Sequence[Array]) -> Array:
    """Return the parts of a column as one."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _json_values(parts: Sequence[Array], column: Column) -> list[Any]:
    """Return a normalized column as JSON values, with None for a null."""
    values = joined(parts)
    if column.type == "category":
        return [value or None for value in values.tolist()]
    if column.type == "timestamp":
        texts = np.datetime_as_string(values, unit="us").tolist()
        offset = "Z" if column.timezone else ""
        return [None if text == "NaT" else text.removesuffix(".000000") + offset for text in texts]
    if column.type == "number":  # 0.1, not 0.10000000149: the shortest decimal that is the same float32
        values = values.astype(str).astype(np.float64)
    kind = {"boolean": bool, "integer": int, "number": float}[column.type]
    return [None if value != value else kind(value) for value in values.tolist()]
