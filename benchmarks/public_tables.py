"""How good a model `make adopt` starts with, beside plain scikit-learn, on real tables that come inside packages.

    uv run --group slow python -m benchmarks.public_tables [--quick]

Each table is adopted in a new project without a question, trained and packaged; the bundle is compared on the test set
with histogram trees, a forest and a linear model with the settings of scikit-learn itself, fitted on the same
columns and rows. A ratio is that of ROC AUC to the best of them (goal: 0.97 or more), or of the mean absolute and the
root mean squared error (goal: 1.03 or less), with the 95 % interval of paired resamples. `--quick` takes 6 tables.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.laptop import ROOT
from tests.adopted_table import Adopted, adopt
from tests.public_tables import CLASSES, NUMBERS, PublicTable

QUICK = ("breast_cancer", "iris", "AER.HMDA", "diabetes", "ISLR.Hitters", "MASS.Boston")


def generate(folder: Path) -> Path:
    """Return a new project with the default answers."""
    command = ["cookiecutter", str(ROOT), "--no-input", "--default-config", "--output-dir", str(folder)]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    (project,) = folder.iterdir()
    return project


def lines(table: PublicTable, adopted: Adopted) -> list[str]:
    """Return a line for each metric: what was found out about the table, and how good its model is."""
    contract = adopted.contract
    left_out = table.load().shape[1] - 1 - len(contract.columns)
    found = f"{adopted.contract.task:<10} {len(contract.columns):>3} {left_out:>3}"
    roles = ", ".join(f"{role} {name}" for role in ("id", "group", "time") if (name := getattr(contract, role)))
    model = f"{adopted.model.partition(' ')[0]}, {adopted.runtime}"
    return [
        f"{table.name:<24} {found} {roles or '-':<15} {model:<15} {adopted.test_rows:>5} {adopted.seconds:>4.0f} s  "
        f"{quality.metric:<7} {quality.own:>9.4g}  {quality.best:<6} {quality.plain[quality.best]:>9.4g}  "
        f"{quality.ratio:.3f} ({quality.low:.3f} to {quality.high:.3f})  {quality.verdict}"
        for quality in adopted.qualities
    ]


def main() -> None:
    """Adopt all tables, print a line for each metric, and say how many keep the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{len(QUICK)} tables")
    quick = parser.parse_args().quick
    tables = [table for table in (*CLASSES, *NUMBERS) if not quick or table.name in QUICK]
    print(f"{'table':<24} {'task':<10} used out roles           model           tests        metric       own  best")
    worse = 0
    for table in tables:
        with tempfile.TemporaryDirectory() as scratch:
            adopted = adopt(table, generate(Path(scratch)))
        print("\n".join(lines(table, adopted)), flush=True)
        worse += any(quality.is_worse for quality in adopted.qualities)
    good = len(tables) - worse
    print(f"\ntables as good as plain scikit-learn  {good / len(tables):.2f} of 1  {'short' if worse else 'ok'}")
    sys.exit(bool(worse))


if __name__ == "__main__":
    main()
