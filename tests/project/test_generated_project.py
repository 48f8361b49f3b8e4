"""A generated project passes its own checks, before and after its first training."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake
from tests.project.baked import Project

NEWEST = "3.13"
STAGES = ("ingest", "validate", "split", "train", "package", "evaluate")


@pytest.fixture(params=["classifier", "regressor"])
def trained(request: pytest.FixtureRequest) -> Project:
    """Each default project, trained."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_its_own_checks_pass_as_agents_md_lists_them(trained: Project) -> None:
    page = (trained.folder / "AGENTS.md").read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S) for line in block.splitlines()]
    commands.remove("make gate")  # test_gate.py runs it: it writes its verdict into reports/

    printed = "".join(trained.run(*command.split()).stdout for command in commands)

    assert commands == ["make lint", "make train", "make test", "make status"]
    assert " passed" in printed
    assert "skipped" not in printed
    trained.make("format")
    assert trained.run("git", "status", "--porcelain").stdout == ""


def test_every_check_passes_before_it_is_trained_on_the_newest_python(
    bake: Bake, uv: str, need: Callable[[str, object, str], None], tmp_path: Path
) -> None:
    found = subprocess.run(
        [uv, "python", "find", "--no-python-downloads", NEWEST], capture_output=True, text=True, check=False
    )
    need("newest-python", found.returncode == 0, f"Python {NEWEST} is not here")
    fresh = Project(bake(into=tmp_path))
    fresh.make("setup", settings={"UV_PYTHON": found.stdout.strip()})

    printed = fresh.make("test").stdout

    assert NEWEST in fresh.run(fresh.python, "--version").stdout
    assert " passed" in printed
    assert "run make train" in printed  # why the tests of data and model were skipped


def test_the_model_beats_the_baseline_as_the_readme_says(classifier: Project, regressor: Project) -> None:
    classified, regressed = classifier.read_json("reports/metrics.json"), regressor.read_json("reports/metrics.json")

    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    ends = classified["intervals"]["roc_auc"]
    interval = f"(95 % interval {ends['low']:.2f} to {ends['high']:.2f})"
    assert f"ROC AUC {classified['roc_auc']:.2f} {interval}" in readme
    assert f"of {regressed['mae']:.1f} minutes" in readme
    assert f"the median has {regressed['baseline']['mae']:.1f}." in readme
    assert classified["log_loss"] < classified["baseline"]["log_loss"]
    assert classified["brier"] < classified["baseline"]["brier"]
    assert regressed["mae"] < regressed["baseline"]["mae"]


def test_both_are_exported_exactly(trained: Project) -> None:
    manifest = trained.read_json("models/bundle/bundle.json")

    assert manifest["runtime"] == "onnx"
    assert manifest["reason"].startswith("ONNX, proved equal to the pipeline on ")


def test_nothing_changed_means_nothing_runs(classifier: Project) -> None:
    before = classifier.state()

    printed = classifier.make("train").stdout

    assert "Running stage" not in printed
    assert classifier.state() == before


def test_a_change_runs_what_depends_on_it_and_nothing_else(small: Project) -> None:
    small.replace("params.yaml", "bootstrap_rounds: 100", "bootstrap_rounds: 120")

    printed = small.make("train").stdout

    assert [stage for stage in STAGES if f"Running stage '{stage}'" in printed] == ["evaluate"]


def test_newer_data_make_another_version_whose_metrics_and_plots_are_shown_beside_the_committed(small: Project) -> None:
    before = small.digest
    small.replace("params.yaml", "2013-02-28", "2013-03-31")

    small.make("train")
    metrics = small.make("metrics").stdout
    page = small.make("plots").stdout.strip().splitlines()[-1].removeprefix("file://")

    assert small.digest != before
    assert small.read_json("models/bundle/bundle.json")["until"] == "2013-03-31"
    assert "roc_auc" in metrics
    assert "data.until" in metrics
    assert "vega" in small.run("cat", page).stdout


COMPARE = """
import sys; from pathlib import Path; import numpy as np
from cd4ml.bundle.bundle import Bundle; from cd4ml.contract.table import columns_of_table, target_of_table
from cd4ml.settings.params import Params; from cd4ml.source.read import read_source
from cd4ml.training import skops_file; from cd4ml.training.estimator import predict_scores
bundle, table = Bundle.load(Path("models/bundle")), read_source(Params.load().data).rows
columns = columns_of_table(table, bundle.contract)
model = skops_file.load(Path("models/pipeline.skops"))
expected = predict_scores(model, bundle.code.derive(columns), bundle.contract.task)
spread = target_of_table(table, bundle.contract).std() if bundle.contract.task == "regression" else 1
print(len(expected), float(np.abs(bundle.scores(columns) - expected).max() / spread))
"""


def test_the_bundle_answers_as_the_pipeline_on_a_year_that_neither_has_seen(trained: Project) -> None:
    printed = trained.run(trained.python, "-c", COMPARE).stdout

    rows, gap = printed.splitlines()[-1].split()
    print(printed)
    assert int(rows) > 35_000
    assert float(gap) < 1e-5


def test_without_uv_it_gets_uv_into_its_own_folder(bake: Bake, tmp_path: Path) -> None:
    fresh = Project(bake(into=tmp_path))
    path = ":".join(folder for folder in os.environ["PATH"].split(":") if not (Path(folder) / "uv").exists())
    what_serves = {"UV_NO_DEFAULT_GROUPS": "1"}  # the newest uv has a cache of its own, which is empty

    printed = fresh.make("setup", settings={"PATH": path} | what_serves).stdout

    assert "uv is not here: installing it into .uv" in printed
    assert (fresh.folder / ".uv/bin/uv").exists()
    assert fresh.run(fresh.python, "-c", f"import {fresh.package}, cd4ml, fastapi").returncode == 0
