"""Score the rows of an Arrow table with a bundle, and set aside those that break the contract, or have no answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.batch.arrow_columns import BrokenRule, TextFormat, contract_columns
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.errors import DataError
from cd4ml.terminal.output import align

BATCH = 2048  # rows that the model gets at once: from 500 to 8,000 are equally fast, 50,000 take twice as long
PREDICTION, VERSION = "prediction", "model_version"
ROW, BROKEN = "rejected_row", "rejected_because"
_EXAMPLES = 3
_FINITE = "neither NaN nor infinite"
_WITHOUT_EXAMPLES = ("not null", _FINITE)


class Violation(msgspec.Struct, frozen=True):
    """A rule of the contract that values of a column break, or a row that the model has no answer to."""

    column: str
    """`prediction` if the model predicts NaN or infinity."""
    rule: str
    rows: int
    first: int
    """The first such row, counted from 0."""
    examples: list[str]
    """A few of the values; none of a sensitive column, whose values belong into no log."""


@dataclass(frozen=True)
class Scored:
    """What became of the rows of a table."""

    answers: pa.Table
    """The kept columns of the rows that keep the contract, and what the model predicts for them: finite numbers."""
    rejected: pa.Table
    """The other rows, with their number, counted from 0, and the rules that they break."""
    violations: list[Violation]


class Scorer:
    """Scores tables of rows with a bundle.

    Args:
        bundle: the bundle.
        kept: the columns that the answers have besides the predictions; a table may lack some.
        text: how the tables write values as text.

    Raises:
        DataError: a kept column has the name of one that the answers have anyway.
    """

    def __init__(self, bundle: Bundle, kept: Sequence[str], text: TextFormat) -> None:
        self._bundle, self._kept, self._text = bundle, kept, text
        if taken := {*kept} & {field.name for field in answer_fields(bundle)}:
            raise DataError(f"the answers have a column {min(taken)} already; keep another one, or rename it")

    def score(self, table: pa.Table, first_row: int = 0) -> Scored:
        """Return the answers for a table, whose first row has this number, in the order of its rows.

        Raises:
            DataError: a required column is missing, or texts do not say what their decimal mark is.
        """
        contract = self._bundle.contract
        check_columns(table.column_names, contract)
        read = contract_columns(table, contract.columns, self._text)
        broken, good = read.broken, np.ones(table.num_rows, dtype=bool)
        for rule in broken:
            good &= ~rule.rows
        scores = self._scores(_chosen(read.columns, good))
        finite = np.isfinite(scores).all(axis=tuple(range(1, scores.ndim)))
        if not finite.all():
            failed = np.zeros_like(good)
            failed[good] = ~finite
            broken, good, scores = [*broken, BrokenRule(PREDICTION, _FINITE, failed)], good & ~failed, scores[finite]
        answered = table if good.all() else table.filter(pa.array(good))
        kept = {name: answered.column(name) for name in self._kept if name in table.column_names}
        return Scored(
            pa.table(kept | self._answers(scores)),
            _rejected(table, ~good, broken, first_row),
            [_violation(rule, table, first_row, contract) for rule in broken],
        )

    def _scores(self, columns: Columns) -> Array:
        """Return the scores of columns, shape `(rows[, classes])`."""
        rows = len(next(iter(columns.values())))
        if not rows:
            decision = self._bundle.decision
            return np.empty((0, len(decision.classes)) if decision.classes else 0)
        starts = range(0, rows, BATCH)
        batches = ({name: values[start : start + BATCH] for name, values in columns.items()} for start in starts)
        return np.concatenate([self._bundle.scores(batch) for batch in batches])

    def _answers(self, scores: Array) -> dict[str, pa.Array]:
        """Return the columns of the answers by name."""
        bundle = self._bundle
        arrays = [bundle.decision.labels(scores), *_probabilities(scores, bundle)]
        fields = answer_fields(bundle)
        predicted = {field.name: pa.array(array, field.type) for field, array in zip(fields, arrays, strict=False)}
        return predicted | {VERSION: pa.repeat(pa.scalar(bundle.version), len(scores))}


def _chosen(columns: Columns, rows: Array) -> Columns:
    return columns if rows.all() else {name: values[rows] for name, values in columns.items()}


def _probabilities(scores: Array, bundle: Bundle) -> list[Array]:
    match bundle.manifest.task:
        case "regression":
            return []
        case "binary":
            return [scores[:, 1]]
        case _:
            return list(scores.T)


def answer_fields(bundle: Bundle) -> list[pa.Field]:
    """Return the columns that the answers of a bundle have besides those that are kept."""
    match bundle.manifest.task:
        case "regression":
            fields = [(PREDICTION, pa.float64())]
        case "binary":
            fields = [(PREDICTION, pa.bool_()), ("probability", pa.float64())]
        case _:
            classes = bundle.decision.classes
            fields = [(PREDICTION, pa.string()), *((f"probability_{name}", pa.float64()) for name in classes)]
    return [*(pa.field(name, kind) for name, kind in fields), pa.field(VERSION, pa.string())]


def check_columns(names: Sequence[str], contract: Contract) -> None:
    """Check that a table has the columns that a request must have.

    Raises:
        DataError: it lacks some.
    """
    if missing := [name for name, column in contract.columns.items() if name not in names and not column.nullable]:
        raise DataError(f"the rows lack {', '.join(missing)}, which the model's contract requires")


def _rejected(table: pa.Table, rejected: Array, broken: list[BrokenRule], first_row: int) -> pa.Table:
    numbers = np.flatnonzero(rejected)
    reasons: list[list[str]] = [[] for _ in numbers]
    for rule in broken:
        for position in np.flatnonzero(rule.rows[numbers]):
            reasons[position].append(f"{rule.column}: {rule.rule}")
    rows = table.take(pa.array(numbers))
    texts = pa.array(["; ".join(each) for each in reasons], pa.string())
    return rows.append_column(ROW, pa.array(numbers + first_row)).append_column(BROKEN, texts)


def _violation(rule: BrokenRule, table: pa.Table, first_row: int, contract: Contract) -> Violation:
    numbers = np.flatnonzero(rule.rows)
    examples: list[str] = []
    if rule.rule not in _WITHOUT_EXAMPLES and not contract.columns[rule.column].sensitive:
        values = pc.unique(table.column(rule.column).take(pa.array(numbers)))[:_EXAMPLES]
        examples = [f'"{value}"' if isinstance(value, str) else str(value) for value in values.to_pylist()]
    return Violation(rule.column, rule.rule, len(numbers), int(numbers[0]) + first_row, examples)


def joined_violations(violations: Sequence[Violation]) -> list[Violation]:
    """Return violations of several tables, given in the order of their rows, one for each column and rule."""
    joined: dict[tuple[str, str], Violation] = {}
    for new in violations:
        old = joined.get((new.column, new.rule), Violation(new.column, new.rule, 0, new.first, []))
        examples = [*dict.fromkeys([*old.examples, *new.examples])][:_EXAMPLES]
        joined[new.column, new.rule] = Violation(new.column, new.rule, old.rows + new.rows, old.first, examples)
    return [*joined.values()]


def violations_message(place: str, violations: Sequence[Violation], rows: int, advice: str) -> str:
    """Return the message that rows break the contract: a table of column, rule, rows and examples."""
    header = ("column", "rule", "rows", "first row", "examples")
    cells = [(v.column, v.rule, f"{v.rows:,}", f"{v.first:,}", ", ".join(v.examples)) for v in violations]
    count = f"{len(cells)} rule{'s' if len(cells) > 1 else ''} violated in {rows:,} rows"
    table = "\n".join(f"  {line}" for line in align([header, *cells]).splitlines())
    return f"{place}: {count}; nothing was written\n{table}\n  {advice}"
