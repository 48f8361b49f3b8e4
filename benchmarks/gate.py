"""How often the gate refuses a retrain that is as good as the champion, and how small a real loss it catches.

    uv run python -m benchmarks.gate [--quick]

Bakes the example, and fits its model on pairs of random draws of a year's flights, 17,600 rows each, judged on 2,968
others: two models of the same recipe, as a retrain gives. What the gate's own rules reject of such a pair is rejected
for nothing. Then the challenger is made worse by known amounts. `--quick` draws few pairs, and leaves regression out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cookiecutter.main import cookiecutter

from benchmarks.laptop import ENVIRONMENT, ROOT, seconds

EXPERIMENT = Path(__file__).parent / "gate_experiment.py"
HELD_OUT, LEARNT = 2_968, 17_600  # rows, as in the example
PATIENCE = 3 * 60 * 60  # seconds
MARGINS = {"classification": (0.0, 0.0025, 0.005, 0.01), "regression": (0.0, 0.005, 0.01, 0.02)}
DEFAULT = {"classification": 0.005, "regression": 0.01}

Round = dict[str, Any]


def project(folder: Path, problem: str) -> Path:
    """Return a baked project with a year's rows."""
    made = Path(
        cookiecutter(
            str(ROOT), no_input=True, default_config=True, output_dir=str(folder), extra_context={"problem": problem}
        )
    )
    params = made / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("2013-07-31", "2013-12-31")
    params.write_text(text.replace("bootstrap_rounds: 1000", "bootstrap_rounds: 400"), encoding="utf-8")
    seconds(["make", "setup"], made)
    seconds([".venv/bin/cd4ml", "stage", "ingest"], made)
    return made


def rounds(folder: Path, pairs: int) -> list[Round]:
    """Return what the rules said of each pair.

    Raises:
        SystemExit: the experiment failed.
    """
    command = [".venv/bin/python", str(EXPERIMENT), str(pairs), str(HELD_OUT), str(LEARNT)]
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        sys.exit("benchmark: the experiment failed")
    drawn: list[Round] = json.loads(done.stdout.splitlines()[-1])
    return drawn


def rejected(pair: tuple[float, float], margin: float) -> bool:
    """Whether the comparison rejects a gain and the upper end of its interval, as gate/rules.py does."""
    gain, high = pair
    return gain < -margin and high < 0


def share(outcomes: list[bool]) -> float:
    return sum(outcomes) / len(outcomes)


def show(problem: str, drawn: list[Round]) -> None:
    """Print how each margin would have decided."""
    losses = {size: -sum(one["worse"][size][0] for one in drawn) / len(drawn) for size in drawn[0]["worse"]}
    print(f"\n{problem}: rejected by the comparison, of {len(drawn)} pairs")
    print("  max_regression   as good  " + "  ".join(f"lost {loss:.4f}" for loss in losses.values()))
    for margin in MARGINS[problem]:
        equal = share([rejected(one["equal"], margin) for one in drawn])
        each = [share([rejected(one["worse"][size], margin) for one in drawn]) for size in losses]
        chosen = "  <- default" if margin == DEFAULT[problem] else ""
        print(f"  {margin:<15g} {100 * equal:6.1f} %  " + "  ".join(f"{100 * one:9.0f} %" for one in each) + chosen)
    for name in drawn[0]["broken"]:
        part = name.partition(" (")[0]
        caught = share([next(v for k, v in one["broken"].items() if k.startswith(part)) == "rejected" for one in drawn])
        print(f"  answers shuffled in {name}: rejected by slices in {100 * caught:.0f} %")
    for factor in drawn[0]["sharper"]:
        caught = share([one["sharper"][factor] == "rejected" for one in drawn])
        print(f"  log odds times {factor}: rejected by calibration in {100 * caught:.0f} %")


def goals(problem: str, drawn: list[Round]) -> None:
    """Print a line for each promise: what was reached, the goal, and whether it was kept."""
    margin = DEFAULT[problem]
    false = [rejected(one["equal"], margin) or "rejected" in (one["slices"], one["calibration"]) for one in drawn]
    middle = list(drawn[0]["worse"])[2]
    loss = -sum(one["worse"][middle][0] for one in drawn) / len(drawn)
    caught = share([rejected(one["worse"][middle], margin) for one in drawn])
    slices = share([value == "rejected" for one in drawn for value in one["broken"].values()])
    print(
        f"{problem}, as good, rejected by any rule  {share(false):.3f}  at most 0.05  {verdict(share(false) <= 0.05)}"
    )
    print(f"{problem}, a loss of {loss:.3f} caught  {caught:.3f}  at least 0.8  {verdict(caught >= 0.8)}")
    print(f"{problem}, a broken slice caught  {slices:.3f}  at least 0.8  {verdict(slices >= 0.8)}")


def verdict(kept: bool) -> str:
    return "ok" if kept else "short"


def main() -> None:
    """Run the experiments and say what the defaults give."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what takes under three minutes")
    parser.add_argument("--pairs", type=int, help="pairs of models to draw: 200, or 16 when quick")
    given = parser.parse_args()
    pairs = given.pairs or (16 if given.quick else 200)
    drawn: dict[str, list[Round]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for problem in ("classification",) if given.quick else ("classification", "regression"):
            (Path(folder) / problem).mkdir()
            drawn[problem] = rounds(project(Path(folder) / problem, problem), pairs)
    for problem, outcomes in drawn.items():
        show(problem, outcomes)
    print()
    for problem, outcomes in drawn.items():
        goals(problem, outcomes)


if __name__ == "__main__":
    main()
