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
main(sys.argv[1:])
for stage in ("ingest", "validate", "split", "train", "package"):
    main(["stage", stage])
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
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # more threads than processors wait for each other
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{table.name}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    took = time.perf_counter() - began
    bundle = Bundle.load(project / "models/bundle")
    train, test = (read_table(project / f"data/{name}.parquet") for name in ("train", "holdout"))
    qualities = _qualities(bundle, train, test)
    (model,) = (line for line in done.stdout.splitlines() if line.startswith("model: "))
    return Adopted(
        done.stdout, bundle.contract, model.removeprefix("model: "), bundle.manifest.runtime, len(test), qualities, took
    )


def _qualities(bundle: Bundle, train: pd.DataFrame, test: pd.DataFrame) -> list[Quality]:
    contract = bundle.contract
    columns = [columns_of_table(rows, contract) for rows in (train, test)]
    targets = [target_of_table(rows, contract) for rows in (train, test)]
    own = bundle.scores(columns[1])
    if contract.task == "multiclass":
        targets = [np.searchsorted(np.array(bundle.decision.classes), target) for target in targets]
    plain = plain_scores(contract.task, _as_table(columns[0]), targets[0], _as_table(columns[1]))
    return compare(contract.task, targets[1], own, plain)


def _as_table(columns: Columns) -> pd.DataFrame:
    """Return columns as the table that people give to scikit-learn: a time is a number of days."""

    def plain(values: Array) -> Array:
        return (values - np.datetime64("1970-01-01", "us")) / DAY if values.dtype.kind == "M" else values

    return pd.DataFrame({name: plain(values) for name, values in columns.items()})
