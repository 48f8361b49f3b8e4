"""How long a person waits on a laptop: the demo, the fast tests, and a run in which nothing changed.

    uv run python -m benchmarks.laptop [--quick]

Wall-clock seconds of whole commands, from a folder of its own, with a warm package cache (one set-up goes first, not
counted). Each goal is a limit; the last lines give the share of it that was used. `--quick` leaves the demo and the
tests out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
PATIENCE = 600  # seconds that one command may take

GOALS = {
    "make demo, the first time": 90.0,
    "make demo, nothing changed": 30.0,
    "make test": 180.0,
    "dvc repro, nothing changed": 2.0,
    "make train, nothing changed": 4.0,
}


def seconds(command: list[str], folder: Path) -> float:
    """Run a command and return its wall time.

    Raises:
        SystemExit: it failed; its last lines say why.
    """
    print(f"  {' '.join(command)}", end="", flush=True)
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    took = time.perf_counter() - began
    print(f"  {took:.1f} s", flush=True)
    if done.returncode:
        sys.exit(f"{done.stdout[-2000:]}{done.stderr[-2000:]}\nbenchmark: `{' '.join(command)}` failed")
    return took


def median(command: list[str], folder: Path, runs: int = 5) -> float:
    """Return the median wall time of several runs, after one that is not counted."""
    seconds(command, folder)
    return sorted(seconds(command, folder) for _ in range(runs))[runs // 2]


def copy_of_the_template(folder: Path) -> Path:
    """Return a copy of this checkout without what was made in it."""
    made = shutil.ignore_patterns("build", ".git", ".venv", "__pycache__", ".*_cache")
    return Path(shutil.copytree(ROOT, folder / "template", ignore=made))


def main() -> None:
    """Measure, and say how much of each goal was used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what takes under three minutes")
    quick = parser.parse_args().quick
    took: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        template = copy_of_the_template(Path(scratch))
        if not quick:
            seconds(["make", "demo"], template)
            shutil.rmtree(template / "build")
            took["make demo, the first time"] = seconds(["make", "demo"], template)
            took["make demo, nothing changed"] = seconds(["make", "demo"], template)
            took["make test"] = seconds(["make", "test"], template)
            project = next(path for path in (template / "build").iterdir() if path.is_dir())
        else:
            baking = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", str(template)]
            seconds([*baking, "--output-dir", scratch], template)
            project = Path(scratch) / "flight-delays"
            seconds(["make", "train"], project)
        took["dvc repro, nothing changed"] = median(["uv", "run", "dvc", "repro"], project)
        took["make train, nothing changed"] = median(["make", "train"], project)
    print()
    for name, measured in took.items():
        ratio = measured / GOALS[name]
        verdict = "ok" if ratio <= 1 else "short"
        print(f"{name:<28} {measured:6.1f} s  {ratio:5.2f} of {GOALS[name]:g} s  {verdict}")


if __name__ == "__main__":
    main()
