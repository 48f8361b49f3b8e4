"""How many rows a second `cd4ml score` scores, and in how much memory, beside pandas and scikit-learn in one shot.

    uv run python -m benchmarks.batch [--quick] [--rows 1000000]

The rows are the example's flights, drawn with replacement and written as one Parquet file; the model is the example's,
trained here. The usual way reads the file with pandas, derives the features, calls the pipeline's `predict_proba` and
writes the answers. Each is a process of its own, in turns, from its start to its end; the median counts. "One core" is
`taskset`, with every library's threads. Peak memory is the largest resident set, for several processes their sum of
proportional shares (PSS). `--quick` scores fewer rows, once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cookiecutter.main import cookiecutter

from benchmarks.laptop import ROOT

ROWS, MORE_ROWS, TURNS = 1_000_000, 10_000_000, 3
QUICK_ROWS = 200_000
PIECE = 250_000  # rows

USUAL = """
import sys
from importlib import import_module
from pathlib import Path
import pandas as pd
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table
from cd4ml.training import skops_file

source, target = sys.argv[1:]
frame = pd.read_parquet(source)
bundle = Bundle.load(Path("models/bundle"))
pipeline = skops_file.load(Path("models/pipeline.skops"))
features = bundle.code.derive(columns_of_table(frame, bundle.contract))
positive = pipeline.predict_proba(pd.DataFrame(features))[:, 1]
answers = frame[["flight_id", "scheduled_departure"]].assign(
    prediction=positive >= bundle.manifest.threshold, probability=positive, model_version=bundle.version
)
answers.to_parquet(target, index=False)
"""


@dataclass(frozen=True)
class Measured:
    """One process from its start to its end."""

    seconds: float
    cpu: float
    """Seconds of all its threads and children together: what counts on a machine that does something else, too."""
    megabytes: float


def trained(folder: Path) -> Path:
    """Generate the example and train its model; return its folder.

    Raises:
        SystemExit: the training failed.
    """
    project = Path(cookiecutter(str(ROOT), no_input=True, default_config=True, output_dir=str(folder)))
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "cd4ml", "train", "--no-track"]):
        done = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"benchmark: {' '.join(command)} failed:\n{done.stdout.decode()}{done.stderr.decode()}")
    return project


def environment(project: Path) -> dict[str, str]:
    """Let the programs of this environment import the project's own copies."""
    return os.environ | {"PYTHONPATH": f"{project}/cd4ml/src:{project}/src"}


def write_rows(project: Path, path: Path, rows: int) -> None:
    """Write flights that are drawn with replacement."""
    files = sorted((project / "data/source").glob("*.parquet"))
    flights = pa.concat_tables([pq.read_table(file) for file in files])
    random = np.random.default_rng(0)
    with pq.ParquetWriter(path, flights.schema) as writer:
        for start in range(0, rows, PIECE):
            drawn = random.integers(0, flights.num_rows, min(PIECE, rows - start))
            writer.write_table(flights.take(pa.array(drawn)))


def measure(project: Path, command: list[str], cores: str) -> Measured:
    """Run a program on some cores; return what it took.

    Raises:
        SystemExit: it failed.
    """
    before, started = os.times(), time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "-c", cores, sys.executable, *command],
        cwd=project,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = [0.0]
    watch = threading.Thread(target=watch_memory, args=(process, peak))
    watch.start()
    output, _ = process.communicate()
    seconds, after = time.perf_counter() - started, os.times()
    watch.join()
    if process.returncode:
        sys.exit(f"benchmark: {' '.join(command)} failed:\n{output}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(seconds, cpu, peak[0])


def watch_memory(process: subprocess.Popen[str], peak: list[float]) -> None:
    """Note the largest memory of a process and its children, in megabytes, until it ends."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(map(proportional_share, family(process.pid))))
        time.sleep(0.1)


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:
        return []
    return [pid, *(descendant for child in children for descendant in family(int(child)))]


def proportional_share(pid: int) -> float:
    """Return a process's memory in megabytes, of what it shares with others its share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def show(name: str, rows: int, turns: list[Measured]) -> Measured:
    """Print the median of several turns; return it."""
    seconds, cpu, megabytes = (
        statistics.median(getattr(turn, key) for turn in turns) for key in ("seconds", "cpu", "megabytes")
    )
    print(
        f"{name:<28} {rows:>10,} rows  {rows / seconds:>9,.0f} rows/s  {rows / cpu:>9,.0f} rows per CPU second  "
        f"{megabytes:>6,.0f} MB",
        flush=True,
    )
    return Measured(seconds, cpu, megabytes)


def goal(name: str, ratio: float, limit: float, *, at_most: bool = False) -> None:
    """Print a ratio beside its goal."""
    reached = ratio <= limit if at_most else ratio >= limit
    print(f"{name:<44} {ratio:5.2f}  goal {'<=' if at_most else '>='} {limit:g}  {'ok' if reached else 'short'}")


def main() -> None:
    """Measure all in turns, and print the ratios beside their goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, and ten times as many, once")
    parser.add_argument("--rows", type=int, default=ROWS, help="in the smaller table; the other one has ten times more")
    given = parser.parse_args()
    rows, turns = (QUICK_ROWS, 1) if given.quick else (given.rows, TURNS)
    if shutil.which("taskset") is None or len(os.sched_getaffinity(0)) < 2:
        sys.exit("benchmark: this needs taskset (util-linux) and two cores")
    one, two = (",".join(map(str, sorted(os.sched_getaffinity(0))[:count])) for count in (1, 2))
    with tempfile.TemporaryDirectory() as name:
        project = trained(Path(name))
        small, large, answers = (Path(name) / file for file in ("small.parquet", "large.parquet", "answers.parquet"))
        write_rows(project, small, rows)
        write_rows(project, large, 10 * rows)
        (Path(name) / "usual.py").write_text(USUAL, encoding="utf-8")
        usual = [str(Path(name) / "usual.py"), str(small), str(answers)]
        ours = ["-m", "cd4ml", "score", str(small), str(answers), "--workers"]
        contenders = {
            "pandas, scikit-learn, 1 core": (usual, one),
            "cd4ml score, 1 core": ([*ours, "1"], one),
            "cd4ml score, 2 cores": ([*ours, "2"], two),
        }
        measured: dict[str, list[Measured]] = {what: [] for what in contenders}
        for _ in range(turns):
            for what, (command, cores) in contenders.items():
                measured[what].append(measure(project, command, cores))
        beside, alone, both = (show(what, rows, taken) for what, taken in measured.items())
        ten = [str(large) if part == str(small) else part for part in ours]
        one_core = show("cd4ml score, 1 core", 10 * rows, [measure(project, [*ten, "1"], one)])
        two_cores = show("cd4ml score, 2 cores", 10 * rows, [measure(project, [*ten, "2"], two)])
    print()
    goal("rows/s on one core, of pandas'", beside.seconds / alone.seconds, 1.5)
    goal("rows/s on two cores, of one's", one_core.seconds / two_cores.seconds, 1.8)
    goal("peak memory for ten times the rows, one core", one_core.megabytes / alone.megabytes, 1.2, at_most=True)
    goal("peak memory for ten times the rows, two cores", two_cores.megabytes / both.megabytes, 1.2, at_most=True)


if __name__ == "__main__":
    main()
