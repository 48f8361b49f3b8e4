"""Adopt a public table in a generated project, train it, and compare its model with plain scikit-learn."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, read_table, target_of_table

from tests.plain_scikit_learn import Array, Quality, compare, plain_scores
from tests.public_tables import PublicTable

PATIENCE = 600  # seconds
DAY = np.timedelta64(1, "D")
# One process for all stages: most of each one's time is the import of scikit-learn.
STAGES = """
import sys
from cd4ml.cli import main
for arguments in (sys.argv[1:], *(["stage", stage] for stage in ("ingest", "validate", "split", "train", "package"))):
    if main(arguments):
        sys.exit(1)
"""


@dataclass(frozen=True)
class Adopted:
    """What became of a table."""

    printed: str
    contract: Contract
    model: str
    """The line about the model that `adopt` printed."""
    runtime: str
    test_rows: int
    qualities: list[Quality]
    seconds: float


def adopt(table: PublicTable, project: Path) -> Adopted:
    """Adopt a table in a project as it was generated, without a question, and run the stages up to the bundle.

    Raises:
        RuntimeError: a command failed; with what it printed.
    """
    source, began = table.write(project), time.perf_counter()
    command = [sys.executable, "-c", STAGES, "adopt", source.name, "--target", table.target, "--tune", str(PATIENCE)]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",  # more threads than processors wait for each other
        "PYTHONPATH": str(project / "cd4ml/src"),  # a project refuses another one's copy of the library
    }
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{table.name}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    took = time.perf_counter() - began
    bundle = Bundle.load(project / "models/bundle")
    sides, task = Sides.read(project, bundle), bundle.contract.task
    qualities = compare(task, sides.test_target, bundle.scores(sides.test), sides.plain_scores(task))
    (model,) = (line for line in done.stdout.splitlines() if line.startswith("model: "))
    return Adopted(
        printed=done.stdout,
        contract=bundle.contract,
        model=model.removeprefix("model: "),
        runtime=bundle.manifest.runtime,
        test_rows=len(sides.test_target),
        qualities=qualities,
        seconds=took,
    )


@dataclass(frozen=True)
class Sides:
    """The training set and the test set: columns and targets, classes as 0, 1, ..."""

    train: Columns
    train_target: Array
    test: Columns
    test_target: Array

    @classmethod
    def read(cls, project: Path, bundle: Bundle) -> Sides:
        """Return the sides of a project's table."""
        contract = bundle.contract
        tables = [read_table(project / f"data/{name}.parquet") for name in ("train", "holdout")]
        targets = [target_of_table(rows, contract) for rows in tables]
        if contract.task == "multiclass":
            targets = [np.searchsorted(np.array(bundle.decision.classes), target) for target in targets]
        train, test = (columns_of_table(rows, contract) for rows in tables)
        return cls(train, targets[0], test, targets[1])

    def plain_scores(self, task: str) -> dict[str, Array]:
        """Return the scores of plain scikit-learn models for the test set."""
        return plain_scores(task, _as_table(self.train), self.train_target, _as_table(self.test))


def _as_table(columns: Columns) -> pd.DataFrame:
    """Return columns as the table that people give to scikit-learn: a time is a number of days."""

    def plain(values: Array) -> Array:
        return (values - np.datetime64("1970-01-01", "us")) / DAY if values.dtype.kind == "M" else values

    return pd.DataFrame({name: plain(values) for name, values in columns.items()})
