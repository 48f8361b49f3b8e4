"""The verb `score`: predictions for a table of any size."""

from dataclasses import replace
from pathlib import Path

from cd4ml.batch.job import Job, Outcome, run_job
from cd4ml.batch.pool import available_cores
from cd4ml.errors import UserError
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams, Params
from cd4ml.terminal.arguments import Arguments

_WORDS = {  # in messages of `source`, which reads what params.yaml names
    "params.yaml: data.source ": "the address ",
    "params.yaml: data.query": "the query",
    "data.query of params.yaml": "the query",
    "data.query": "the query",
    "; fix data.source in params.yaml": "",
    "data.source": "the input",
}


def main(argv: list[str]) -> None:
    """Score the rows of IN, and write the answers to OUT.

    Raises:
        UserError: the rows cannot be read or break the contract, or the answers cannot be written.
    """
    arguments = Arguments("score")
    arguments.add_argument("source", metavar="IN", help="a path, a folder, a glob, a URL, a bucket or a database")
    arguments.add_argument("target", metavar="OUT", help="the answers: a .parquet or .csv, here or in a bucket")
    arguments.add_argument("--query", help="the SELECT for the rows, if IN is a database")
    arguments.add_argument("--bundle", type=Path, default=paths.BUNDLE, help="the model (default: %(default)s)")
    arguments.add_argument("--keep", default="", help="columns to copy besides the id and the time, as size,rooms")
    arguments.add_argument("--rejects", help="where rows go that break the contract; without it, such a row stops")
    arguments.add_argument("--workers", type=int, default=available_cores(), help="processes (default: the cores)")
    arguments.add_argument("--restart", action="store_true", help="do not go on after an earlier run")
    given = arguments.parse_args(argv)
    if given.workers < 1:
        raise UserError(f"--workers is {given.workers}; expected a whole number of at least 1")
    keep = tuple(name for name in map(str.strip, given.keep.split(",")) if name)
    chosen = (given.query, keep, given.rejects, given.workers, given.restart)
    print(score(Job(given.source, given.target, given.bundle, *chosen)))


def score(job: Job) -> str:
    """Score a job's rows, whose texts are read as params.yaml says, if there is one; return what was done.

    Raises:
        UserError: the rows cannot be read or break the contract, or the answers cannot be written.
    """
    data = Params.load().data if paths.PARAMS.exists() else DataParams(source="none")
    try:
        outcome = run_job(replace(job, csv=data.csv, null_values=tuple(data.null_values)))
    except UserError as error:
        raise type(error)(_in_words_of_the_verb(str(error))) from None
    return _summary(job, outcome)


def _in_words_of_the_verb(message: str) -> str:
    for word, replacement in _WORDS.items():
        message = message.replace(word, replacement)
    return message


def _summary(job: Job, outcome: Outcome) -> str:
    scored = outcome.rows - outcome.rejected
    done = f"{job.target}: {scored:,} rows scored by {outcome.version} in {outcome.seconds:,.1f} s"
    if not job.rejects:
        return done
    rules = "; ".join(f"{each.column}: {each.rule} ({each.rows:,})" for each in outcome.violations)
    return f"{done}\n{job.rejects}: {outcome.rejected:,} rows rejected{f', {rules}' if rules else ''}"
