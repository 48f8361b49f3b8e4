"""The outcomes: the source read again, and joined with the answers in the prediction log by the contract's id."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import as_strings, columns_of_table, parse_column, target_of_table, times_of_table
from cd4ml.monitoring.logged_columns import are_scored, logged_scores
from cd4ml.settings.params import DataParams
from cd4ml.source.contract_values import contract_values
from cd4ml.source.read import read_source
from cd4ml.source.window import with_target


@dataclass(frozen=True)
class Outcomes:
    """The rows of the source whose outcome is known, each id once."""

    ids: pa.Array
    """As the prediction log writes them."""
    target: Array
    """As `target_of_table` returns it, shape `(rows,)`."""
    columns: Columns
    times: Array | None
    """Shape `(rows,)`; None if the contract names no time."""

    def days(self) -> list[date]:
        """Return the days of the rows, each once, the oldest first; none if they cannot be told."""
        if self.times is None:
            return []
        return list(np.unique(self.times[~np.isnat(self.times)].astype("datetime64[D]")).tolist())


def source_rows(data: DataParams, contract: Contract) -> pd.DataFrame:
    """Return all rows of the source in the contract's types, also those without an outcome.

    Raises:
        DataError: the source cannot be read.
    """
    return contract_values(read_source(data), contract, data)


def outcomes_of(rows: pd.DataFrame, contract: Contract) -> Outcomes:
    """Return the rows with an outcome and an id; of rows with the same id, the last one.

    An outcome that is not of the contract's type, or no finite number, is none: the check `schema` names it.
    """
    known, ids = _with_usable_target(with_target(rows, contract), contract), pd.Series([], dtype=object)
    if contract.id is not None:
        ids = as_strings(known[contract.id])
        kept = ids.notna() & ~ids.duplicated(keep="last")
        known, ids = known[kept], ids[kept]
    return Outcomes(
        pa.array(ids.to_numpy(), pa.string()),
        target_of_table(known, contract),
        columns_of_table(known, contract),
        times_of_table(known, contract),
    )


def _with_usable_target(rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    target = parse_column(rows[contract.target.name], contract.target.column)
    if contract.target.type == "category":
        return rows[np.array([value not in (None, "") for value in target], dtype=bool)]
    return rows[np.isfinite(target)]


@dataclass(frozen=True)
class Labelled:
    """Answers whose outcome is known; of several answers for one id, the last one."""

    rows: Array
    """Which rows of the outcomes they are, shape `(answers,)`."""
    times: Array
    """When they were given, datetime64[us] in UTC."""
    versions: Array
    """Of the model, str objects."""
    scores: Array
    """In the form of `Bundle.scores`."""

    def of_version(self, version: str) -> "Labelled":
        """Return the answers of one version of the model."""
        kept = self.versions == version
        return Labelled(self.rows[kept], self.times[kept], self.versions[kept], self.scores[kept])


class LabelledAnswers:
    """Collects the answers whose outcome is known; memory grows with these, and not with the log."""

    def __init__(self, outcomes: Outcomes, decision: Decision) -> None:
        self._ids, self._decision = outcomes.ids, decision
        self._parts: list[tuple[Array, Array, Array, Array]] = []
        self.answered: dict[date, int] = {}
        """The answers with an id, by day."""

    def add(self, records: pa.Table) -> None:
        """Add records of the prediction log; those without a score are no answers."""
        scored = records.filter(are_scored(records, self._decision))
        with_id = scored.filter(pc.is_valid(scored["id"]))
        if not len(with_id):
            return
        times = with_id["time"].combine_chunks().cast(pa.timestamp("us")).to_numpy()
        days, counts = np.unique(times.astype("datetime64[D]"), return_counts=True)
        for day, count in zip(days.tolist(), counts.tolist(), strict=True):
            self.answered[day] = self.answered.get(day, 0) + count
        found = pc.index_in(with_id["id"].combine_chunks(), self._ids)
        known = found.is_valid()
        labelled = with_id.filter(known)
        if len(labelled):
            versions = labelled["version"].combine_chunks().to_numpy(zero_copy_only=False)
            scores = logged_scores(labelled, self._decision).astype(np.float32)
            self._parts.append((found.drop_null().to_numpy(), times[np.asarray(known)], versions, scores))

    def labelled(self) -> Labelled:
        """Return what was collected."""
        if not self._parts:
            width = (0,) if self._decision.task == "regression" else (0, len(self._decision.classes))
            none = np.zeros(0, dtype=np.int64)
            return Labelled(none, none.astype("datetime64[us]"), none.astype(object), np.zeros(width))
        rows, times, versions, scores = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        order = np.lexsort([times, rows])
        last = np.append(np.diff(rows[order]) != 0, True)
        kept = np.sort(order[last])
        return Labelled(rows[kept], times[kept], versions[kept], scores[kept].astype(np.float64))
