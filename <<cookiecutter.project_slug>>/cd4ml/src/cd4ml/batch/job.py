"""Score all rows of an input, part by part, and write the answers and the rejected rows."""

import hashlib
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from cd4ml.batch.arrow_columns import TextFormat
from cd4ml.batch.parts import Parts, working_folder
from cd4ml.batch.pool import Task, score_parts
from cd4ml.batch.rows import RowFile, common_types, local_files, open_files, unusable_columns
from cd4ml.batch.scorer import (
    BROKEN,
    ROW,
    Scorer,
    Violation,
    answer_fields,
    check_columns,
    joined_violations,
    violations_message,
)
from cd4ml.batch.table_writer import check_target, is_url, writing_table
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.errors import DataError
from cd4ml.settings.params import CsvParams
from cd4ml.source.address import Address
from cd4ml.source.number_text import Decimal, detect_decimal
from cd4ml.terminal.output import report
from cd4ml.terminal.progress_meter import ProgressMeter

PART_ROWS = 32_768
_SAMPLE = 1_000  # rows that show the decimal mark
_BUILD = Path("build/score")  # what is unfinished, if the answers go to a bucket


@dataclass(frozen=True)
class Job:
    """What to score, with what, and where the answers go."""

    source: str
    """A path, a folder, a glob, the URL of a bucket or file, or a database."""
    target: str
    bundle: Path
    query: str | None = None
    keep: tuple[str, ...] = ()
    """Columns that the answers have besides the id and the time."""
    rejects: str | None = None
    """Where rows go that break the contract; None: such a row stops the job."""
    workers: int = 1
    restart: bool = False
    csv: CsvParams = field(default_factory=CsvParams)
    null_values: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What a job did."""

    version: str
    rows: int = 0
    rejected: int = 0
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)


def run_job(job: Job) -> Outcome:
    """Score the rows of a job. The answers are written whole or not at all.

    Raises:
        BundleError: there is no bundle.
        DataError: the rows cannot be read, lack a column, or break the contract and there is no place for those.
        UserError: another run writes the same answers, or a process was ended.
    """
    started = time.monotonic()
    bundle = Bundle.load(job.bundle)
    for target in filter(None, (job.target, job.rejects)):
        check_target(target)
    address = Address.resolve(job.source)
    with working_folder(_folder(job), job.target, job.restart) as work:
        paths, content = local_files(address, job.query, work)
        _check_overwritten(job, paths)
        files = open_files(paths, job.csv)
        kept = kept_columns(job.keep, files, bundle.contract)
        names = [*dict.fromkeys([*bundle.contract.columns, *kept])]
        _check_files(files, names, bundle.contract, job.rejects)
        _report_columns(files, names, bundle.contract)
        text = TextFormat(job.null_values, _decimal(files, bundle.contract, job.csv))
        Scorer(bundle, kept, text)  # before any process is started
        parts = Parts(work)
        parts.keep_only_if(
            {
                "library": version("cd4ml"),
                "bundle": bundle.manifest.digest,
                "rows": content,
                "rows of a part": PART_ROWS,
                "kept": kept,
                "text": [*job.null_values, str(text.decimal), repr(job.csv)],
            }
        )
        task = Task(job.bundle.absolute(), tuple(kept), text, parts)
        outcome = _write_answers(job, address.printable, task, files, bundle, work)
    outcome.seconds = time.monotonic() - started
    return outcome


def _write_answers(job: Job, place: str, task: Task, files: list[RowFile], bundle: Bundle, work: Path) -> Outcome:
    names = [*dict.fromkeys([*bundle.contract.columns, *task.kept])]
    answers = pa.schema([*common_types(files, [*task.kept]), *answer_fields(bundle)])
    rejected = pa.schema([*common_types(files, names), pa.field(ROW, pa.int64()), pa.field(BROKEN, pa.string())])
    tables = (table for file in files for table in file.tables(names, PART_ROWS))
    counts = [file.rows for file in files if file.rows is not None]
    total = sum(counts) if len(counts) == len(files) else None
    outcome, meter = Outcome(bundle.version), ProgressMeter("scoring")
    with ExitStack() as stack:
        accepted_to = stack.enter_context(writing_table(job.target, answers, work))
        rejected_to = stack.enter_context(writing_table(job.rejects, rejected, work)) if job.rejects else None
        workers = job.workers if total is None else min(job.workers, -(-total // PART_ROWS) or 1)
        for number in score_parts(tables, task, workers):
            part = task.parts.read(number)
            outcome.rows += part.answers.num_rows + part.rejected.num_rows
            outcome.rejected += part.rejected.num_rows
            outcome.violations = joined_violations([*outcome.violations, *part.violations])
            if rejected_to is not None:
                rejected_to.write(part.rejected)
            if rejected_to is not None or not outcome.violations:
                accepted_to.write(part.answers)
            meter.report_rows(outcome.rows, total)
        if outcome.violations and rejected_to is None:
            shutil.rmtree(work)  # the rows have to change before this can succeed
            advice = "next: fix the rows, or set these aside with --rejects FILE (make score: REJECTS=FILE)"
            raise DataError(violations_message(place, outcome.violations, outcome.rows, advice))
    return outcome


def kept_columns(keep: tuple[str, ...], files: list[RowFile], contract: Contract) -> list[str]:
    """Return the columns that the answers have besides the predictions: the id and the time, then those asked for.

    Raises:
        DataError: a column that is asked for is in no file.
    """
    present = {name for file in files for name in file.schema.names}
    if missing := [name for name in keep if name not in present]:
        raise DataError(f"the rows lack {', '.join(missing)}, which --keep names")
    own = [name for name in (contract.id, contract.time) if name in present]
    return [*dict.fromkeys([*own, *keep])]  # type: ignore[list-item]


def _check_files(files: list[RowFile], names: list[str], contract: Contract, rejects: str | None) -> None:
    for file in files:
        try:
            check_columns(file.schema.names, contract)
        except DataError as error:
            raise DataError(f"{file.name}: {error}") from None
    for name, kind in unusable_columns(files, names).items():
        raise DataError(f"the column {name} holds {kind}, which no column of a contract does")
    if rejects and (taken := {ROW, BROKEN} & {*names}):
        raise DataError(f"the rejected rows get a column {min(taken)}, and there is one already; rename it")


def _report_columns(files: list[RowFile], names: list[str], contract: Contract) -> None:
    """Report the columns that are not used, and those that are taken as null."""
    roles = {*names, contract.target.name, contract.group}
    if others := [*dict.fromkeys(name for file in files for name in file.schema.names if name not in roles)]:
        report(f"not in the contract, left out: {', '.join(others)}")
    absent = [name for name in contract.columns if any(name not in file.schema.names for file in files)]
    if absent:
        report(f"not in the rows, taken as null: {', '.join(absent)}")


def _check_overwritten(job: Job, paths: list[tuple[Path, str]]) -> None:
    for target in filter(None, (job.target, job.rejects)):
        if is_url(target):
            is_read = target in {name for _, name in paths}
        else:
            is_read = Path(target).exists() and any(path.samefile(target) for path, _ in paths)
        if is_read:
            raise DataError(f"{target} is one of the files that are read; name another one to write")
    if job.rejects and _place(job.rejects) == _place(job.target):
        raise DataError("the answers and the rejected rows need two files; name another one with --rejects")


def _place(target: str) -> str | Path:
    """Return a target as it is the same for each spelling of a path."""
    return target if is_url(target) else Path(target).resolve()


def _decimal(files: list[RowFile], contract: Contract, csv: CsvParams) -> Decimal | None:
    """Return the decimal mark of the first rows' texts of numbers; None if these do not say it."""
    if csv.decimal != "auto":
        return csv.decimal
    numeric = [name for name, column in contract.columns.items() if column.type in ("number", "integer")]
    for file in files:
        texts = [name for name in numeric if name in file.schema.names and is_text(file.schema, name)]
        if texts and (first := next(file.tables(texts, _SAMPLE), None)) is not None:
            return detect_decimal(text for name in texts for text in first.column(name).drop_null().to_pylist())
    return None


def is_text(schema: pa.Schema, name: str) -> bool:
    """Return whether a column holds texts."""
    kind = schema.field(name).type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _folder(job: Job) -> Path:
    """Return where a job keeps what is unfinished: beside the answers, or in build/ if these go to a bucket."""
    if is_url(job.target):
        return _BUILD / hashlib.sha256(job.target.encode()).hexdigest()[:16]
    return Path(job.target).with_name(f".{Path(job.target).name}.parts")
