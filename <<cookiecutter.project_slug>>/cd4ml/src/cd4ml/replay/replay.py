"""The verb `replay`: operate the model month by month through the source's past, and print what came of it."""

import json
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path

import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.evaluation.metric_set import MetricSet, read_metric_set
from cd4ml.files.atomic import write_text
from cd4ml.files.temporary import temporary_folder
from cd4ml.monitoring.outcomes import outcomes_of, source_rows
from cd4ml.prediction_log.read import StoredLog
from cd4ml.replay.hindsight import MonthScores, score_month
from cd4ml.replay.live_year import LOG, TRAINED, Progress, Step, operate
from cd4ml.replay.months import split_months, times_of
from cd4ml.replay.picture import draw
from cd4ml.replay.retraining import Decision
from cd4ml.replay.scratch import make_scratch
from cd4ml.replay.summary import as_text, decisions, outcome
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.source.window import with_target
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report

FOLDER = Path("build/replay")


def main(argv: list[str]) -> None:
    """Replay the source's months, and write build/replay: decisions.json, replay.json, replay.svg and stages.log.

    Raises:
        UserError: the contract names no time or no id, the source cannot be read or has too few months, or the gate
            rejects the first model.
    """
    arguments = Arguments("replay")
    arguments.add_argument("--train-months", type=int, default=3, help="calendar months that train the first model")
    first_months = max(1, arguments.parse_args(argv).train_months)
    params, contract = Params.load(), Contract.load(paths.CONTRACT)
    if contract.id is None:
        raise UserError(
            f"{paths.CONTRACT} names no id, and a replay needs one to join an answer with its outcome: write id: COLUMN"
        )
    table = with_target(source_rows(params.data, contract), contract)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with temporary_folder("replay-") as folder:
        first, steps, months = replay(table, contract, first_months, folder)
    metrics = read_metric_set(contract.task, params)
    _write(first, steps, months, metrics, contract.name)


def replay(
    table: pd.DataFrame, contract: Contract, first_months: int, folder: Path
) -> tuple[Decision, list[Step], list[MonthScores]]:
    """Return the first decision, each month's step, and how good each policy was in each month.

    Args:
        table: the source's rows with an outcome, in the contract's types.
        contract: of the project in the working directory.
        first_months: how many calendar months train the first model.
        folder: an empty one for the scratch copy.
    """
    first, months = split_months(times_of(table, contract), first_months)
    report(f"{len(table):,} rows; the first model is trained on {first}, then {len(months)} months are replayed")
    stages_log = (FOLDER / "stages.log").absolute()
    with chdir(make_scratch(folder)):
        with _quietly(stages_log) as progress:
            started, steps = operate(table, contract, first, months, progress)
        outcomes, log = outcomes_of(table, contract), StoredLog(str(LOG))
        metrics = read_metric_set(contract.task, Params.load())
        trained, scores = [TRAINED / started.until], []
        for step in steps:
            scores.append(score_month(step.month, log, outcomes, trained, metrics))
            trained += [step.trained] if step.trained else []
        return started, steps, [each for each in scores if each is not None]


@contextmanager
def _quietly(path: Path) -> Iterator[Progress]:
    """Send what the stages print into a file; yield a function that prints a line to the terminal."""
    terminal = sys.stdout
    with path.open("w", encoding="utf-8") as file, redirect_stdout(file):

        def progress(line: str) -> None:
            print(f"  {line}", file=terminal, flush=True)

        yield progress


def _write(first: Decision, steps: list[Step], months: list[MonthScores], metrics: MetricSet, name: str) -> None:
    """Write build/replay, and print the table."""
    write_text(FOLDER / "decisions.json", json.dumps(decisions(first, steps), indent=1, ensure_ascii=False))
    if not months:
        raise UserError("no answer has an outcome: do the ids of contract.yaml differ from row to row?")
    result = outcome(months, metrics)
    write_text(FOLDER / "replay.json", json.dumps(result, indent=1, ensure_ascii=False))
    write_text(FOLDER / "replay.svg", draw(steps, result, f"{name}, operated month by month"))
    print(as_text(steps, result))
    print(f"the same as a picture: {FOLDER / 'replay.svg'}; what the stages printed: {FOLDER / 'stages.log'}")
