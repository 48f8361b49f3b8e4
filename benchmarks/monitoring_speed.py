"""How long `cd4ml monitor` takes for a week of a million predictions, and in how much memory.

    uv run python -m benchmarks.monitoring_speed [--quick] [--rows 1000000]

The flights of the example, drawn with replacement, are answered by its model, and logged in files of 10,000 records, as
a busy service writes them; then in files of 5,000; then, fewer rows, in one file for each request of one row, as an
instance of Cloud Run does that gets a request now and then. 300,000 of the answers have an outcome in the source. Each
run is a process of its own on two cores. Seconds are those of its threads' processor time, and of the clock: the former
count on a machine that does something else, too. Memory is the largest resident set. `--quick` takes a fifth of all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from cd4ml.contract.columns import Columns
from cd4ml.prediction_log.parquet import as_files
from cd4ml.prediction_log.record import Entry, Layout
from cd4ml.serving.answer import Answer

from benchmarks.laptop import ROOT
from benchmarks.monitoring_world import World, generated, trained

ROWS, OUTCOMES, SINGLE = 1_000_000, 300_000, 20_000
LAST, DAYS = date(2013, 9, 1), 7
REQUEST = 100  # rows
GOAL_SECONDS, GOAL_MEMORY = 30.0, 1.15


@dataclass(frozen=True)
class Measured:
    """One run of the verb."""

    seconds: float
    cpu: float
    megabytes: float


def write_log(folder: Path, world: World, rows: int, in_file: int, in_request: int = REQUEST) -> None:
    """Log answers to rows that are drawn with replacement; their ids are their numbers."""
    bundle, random = world.live.bundle, np.random.default_rng(0)
    pool = random.integers(0, len(world.days), 20_000)
    columns = {name: values[pool] for name, values in world.columns.items()}
    scores = bundle.scores(columns)
    predictions = bundle.decision.predictions(scores)
    probabilities = bundle.decision.probabilities(scores)
    layout, start = Layout.of(bundle), 0
    while start < rows:
        entries, day = [], LAST - timedelta(days=DAYS - 1 - start * DAYS // rows)
        noon = int((np.datetime64(day, "ns") + np.timedelta64(12, "h")).astype(np.int64))
        for first in range(start, min(start + in_file, rows), in_request):
            at = int(random.integers(0, len(pool) - in_request + 1))
            part = slice(at, at + in_request)
            answer = Answer(
                _part(columns, part),
                [str(number) for number in range(first, first + in_request)],
                predictions[part],
                None if probabilities is None else probabilities[part],
            )
            entries.append(Entry(noon + first * 1000, f"request-{first}", "user", answer))
        for path, content in as_files(entries, layout):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        start += in_file


def _part(columns: Columns, part: slice) -> Columns:
    return {name: values[part] for name, values in columns.items()}


def write_outcomes(project: Path, count: int, rows: int) -> None:
    """Make a source of this many outcomes, of answers that are spread over the log."""
    example = pd.read_parquet(sorted((project / "data/source").glob("2013-08*"))[0])
    table = example.iloc[np.random.default_rng(1).integers(0, len(example), count)]
    ids = np.linspace(0, rows - 1, count).astype(int).astype(str)
    for path in (project / "data/source").glob("*.parquet"):
        path.unlink()
    table.assign(flight_id=ids).to_parquet(project / "data/source/outcomes.parquet", index=False)


def measure(project: Path, log: Path, last: date = LAST) -> Measured:
    """Run the verb on two cores; return what it took.

    Raises:
        SystemExit: it failed.
    """
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[:2]))
    command = [
        "taskset",
        "-c",
        cores,
        sys.executable,
        "-m",
        "cd4ml",
        "monitor",
        "--log",
        str(log),
        "--until",
        str(last),
    ]
    environment = os.environ | {"PYTHONPATH": f"{project}/cd4ml/src:{project}/src"}
    began = perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=project, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"benchmark: {' '.join(command)} failed:\n{output.read()}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def show(what: str, rows: int, measured: Measured) -> Measured:
    """Print a run; return it."""
    print(
        f"{what:<34} {rows:>9,} rows  {measured.cpu:6.1f} s of processor  {measured.seconds:6.1f} s  "
        f"{measured.megabytes:6,.0f} MB",
        flush=True,
    )
    return measured


def main() -> None:
    """Write the logs, run the verb on each, and print the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the rows, of the outcomes and of the files")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the week")
    parser.add_argument("--keep", type=Path, help="a folder for the trained project, which the next run uses again")
    given = parser.parse_args()
    share = 5 if given.quick else 1
    rows, outcomes, single = given.rows // share, OUTCOMES // share, SINGLE // share
    if shutil.which("taskset") is None:
        sys.exit("benchmark: this needs taskset (util-linux)")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        kept = given.keep or scratch
        example = kept / "flight-delays" if (kept / "flight-delays").is_dir() else generated(kept)
        project = scratch / "watched"
        shutil.copytree(trained(example, kept / "until-2013-07-31", "2013-07-31"), project)
        library = ROOT / "<<cookiecutter.project_slug>>/cd4ml"
        shutil.copytree(library, project / "cd4ml", dirs_exist_ok=True)  # the present one, also in a kept project
        world = World.of(project)
        write_outcomes(project, outcomes, rows)
        measured = {}
        for what, count, in_file, in_request in (
            ("files of 10,000 records", rows, 10_000, REQUEST),
            ("files of 5,000 records", rows, 5_000, REQUEST),
            ("four times as many predictions", 4 * rows, 10_000, REQUEST),
            ("a file for each request of a row", single, 1, 1),
        ):
            log = scratch / "log"
            write_log(log, world, count, in_file, in_request)
            measured[what] = show(what, count, measure(project, log))
            shutil.rmtree(log)
    week, small, four, _ = measured.values()
    print()
    goal = GOAL_SECONDS / share
    for what, value, limit, unit in (
        ("a week in files of 10,000, seconds of processor", week.cpu, goal, " s"),
        ("a week in files of 5,000, seconds of processor", small.cpu, goal, " s"),
        ("memory for four times the predictions", four.megabytes / week.megabytes, GOAL_MEMORY, " times"),
    ):
        print(f"{what:<50} {value:6.2f}{unit}  goal <= {limit:g}  {'ok' if value <= limit else 'short'}")


if __name__ == "__main__":
    main()
