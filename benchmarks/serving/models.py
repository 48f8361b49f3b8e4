"""What is served: the default project's model, and a logistic regression on the same table."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from cd4ml.contract.columns import evenly_spaced_rows, rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table
from cd4ml.training import skops_file
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from benchmarks.laptop import ENVIRONMENT, ROOT

BUILD = ROOT / "build/serving"
PEERS = ROOT / "benchmarks/serving_peers"
TEMPLATE = ROOT / "<<cookiecutter.project_slug>>"
STAGES = ("ingest", "validate", "split", "train", "package")
PATIENCE = 300  # seconds that one stage may take
ROWS = 300  # different rows in the requests
LARGE, LARGE_BODIES = 100, 60  # rows of a large request, and how many different ones there are


@dataclass(frozen=True)
class Model:
    """A trained model, the rows to ask for, and what the fitted pipeline itself answers."""

    name: str
    folder: Path
    project: Path
    rows: list[dict[str, Any]]
    expected: list[float]

    @property
    def pickled(self) -> Path:
        """The fitted pipeline with its features, as the peers load it."""
        return self.folder / "model.joblib"

    @property
    def contract(self) -> Path:
        return self.folder / "onnx/models/bundle/contract.json"

    def requests(self, size: int) -> list[list[int]]:
        """Return the row numbers of each of the requests of one size."""
        count = ROWS if size == 1 else LARGE_BODIES
        step = ROWS // count
        return [[(number * step + offset) % ROWS for offset in range(size)] for number in range(count)]


def run(command: list[str], folder: Path, settings: dict[str, str]) -> None:
    """Run a command to its end.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-2000:]}{done.stderr[-2000:]}\nbenchmark: `{' '.join(command)}` failed in {folder}")


def stage(project: Path, name: str) -> None:
    """Run one stage of a project in this environment, with the project's own copy of the library."""
    modules = os.pathsep.join([str(project / "cd4ml/src"), str(project / "src")])
    run([sys.executable, "-m", "cd4ml", "stage", name], project, ENVIRONMENT | {"PYTHONPATH": modules})


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, which must have it."""
    text = path.read_text(encoding="utf-8")
    if old not in text:
        sys.exit(f"benchmark: {path.relative_to(ROOT)} has no {old!r}")
    path.write_text(text.replace(old, new), encoding="utf-8")


def make_linear(project: Path) -> None:
    """Replace a project's model by the library's linear starter: a logistic regression."""
    starter = TEMPLATE / "cd4ml/src/cd4ml/adoption/starters/linear.py"
    shutil.copy(starter, project / "src/flight_delays/model.py")
    text = (project / "params.yaml").read_text(encoding="utf-8")
    model, decision, tune = (text.index(f"\n{section}:") for section in ("model", "decision", "tune"))
    text = f"{text[:model]}\nmodel:\n  regularization: 1.0\n{text[decision:tune]}"
    (project / "params.yaml").write_text(text, encoding="utf-8")


def deployed(project: Path, folder: Path) -> None:
    """Copy what an image of the service has of a project."""
    for name in ("models/bundle", "reports"):
        if (project / name).exists():
            shutil.copytree(project / name, folder / name)


def trained(name: str) -> Model:
    """Generate and train a project, package it for both runtimes, and ask its pipeline for the expected answers."""
    print(f"training {name}", flush=True)
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    baking = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--default-config", "-o", str(folder)]
    run(baking, ROOT, ENVIRONMENT)
    project = folder / "flight-delays"
    if name == "logistic":
        make_linear(project)
    for one in STAGES:
        stage(project, one)
    runtime = json.loads((project / "models/bundle/bundle.json").read_bytes())["runtime"]
    if runtime != "onnx":
        sys.exit(f"benchmark: the bundle of {name} runs on {runtime}, not on ONNX; see {project}/models/bundle")
    deployed(project, folder / "onnx")
    replace(project / "params.yaml", "runtime: auto", "runtime: sklearn")
    stage(project, "package")
    deployed(project, folder / "sklearn")
    return write_model(name, folder, project)


def write_model(name: str, folder: Path, project: Path) -> Model:
    """Write the pipeline as the peers load it; return the model with rows of the test set and their probabilities."""
    contract = Contract.load(project / "contract.yaml")
    columns = columns_of_table(pd.read_parquet(project / "data/holdout.parquet"), contract)
    rows = rows_of_columns(evenly_spaced_rows(columns, ROWS), contract)
    sys.path.insert(0, str(PEERS / "model"))
    from flight_features import derive  # by the name under which the peers import it, too

    fitted = skops_file.load(project / "models/pipeline.skops")
    pipeline = Pipeline([("features", FunctionTransformer(derive)), *fitted.steps])
    probabilities = np.asarray(pipeline.predict_proba(pd.DataFrame(rows)))[:, 1]
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    joblib.dump(pipeline, folder / "model.joblib")
    return Model(name, folder, project, rows, probabilities.tolist())
