"""The stage evaluate: reports are complete, valid, the same for the same inputs, and computed from the bundle."""

import csv
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.errors import BundleError
from cd4ml.evaluation.metric_table import METRICS
from house_project import Project

TASKS = pytest.mark.parametrize("task", METRICS)


def all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@TASKS
def test_each_metric_has_an_interval_and_a_baseline(projects_with_reports: dict[str, Project], task: str) -> None:
    results = projects_with_reports[task].read_json("reports/metrics.json")

    names = {metric.name for metric in METRICS[task]}  # type: ignore[index]
    assert set(results) == {"rows", "intervals", "baseline"} | names
    assert set(results["intervals"]) == set(results["baseline"]) == names
    for name in names - {"calibration_error"}:  # resampling adds to it: its interval may be above it
        assert results["intervals"][name]["low"] <= results[name] <= results["intervals"][name]["high"]


@TASKS
def test_the_bundle_is_evaluated_not_the_pipeline(projects_with_reports: dict[str, Project], task: str) -> None:
    project = projects_with_reports[task]
    test_set = pd.read_parquet(project.folder / "data/holdout.parquet")
    bundle = Bundle.load(project.bundle)

    predicted = bundle.decision.labels(bundle.scores_of_rows(as_rows(test_set, bundle.contract)))

    results = project.read_json("reports/metrics.json")
    target = test_set[bundle.contract.target.name].to_numpy()
    if task == "regression":
        assert results["mae"] == pytest.approx(np.abs(predicted - target).mean(), rel=1e-5)
    else:
        assert results["accuracy"] == pytest.approx((predicted == target).mean(), rel=1e-5)


def as_rows(table: pd.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Return a table of houses as the rows of a request."""
    rows = table[list(contract.columns)].copy()
    rows["heated"] = rows["heated"].map({"true": True, "false": False, True: True, False: False})
    rows["built"] = pd.to_datetime(rows["built"]).dt.strftime("%Y-%m-%dT%H:%M:%S")
    without_nan = [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in rows.to_dict("records")
    ]
    return list(json.loads(json.dumps(without_nan)))


@TASKS
def test_another_process_writes_the_same_bytes(projects_with_reports: dict[str, Project], task: str) -> None:
    project = projects_with_reports[task]
    before = all_files(project.folder / "reports")

    command = "from cd4ml.pipeline import evaluate; evaluate.run()"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", command], cwd=project.folder, env=environment, check=True, timeout=120)

    assert all_files(project.folder / "reports") == before


@TASKS
def test_all_curves_have_the_columns_x_and_y(projects_with_reports: dict[str, Project], task: str) -> None:
    expected = {
        "binary": {"roc.csv", "precision-recall.csv", "calibration.csv"},
        "multiclass": {"calibration.csv"},
        "regression": {"actual-by-predicted.csv", "error-quantiles.csv"},
    }
    files = list((projects_with_reports[task].folder / "reports/curves").iterdir())

    assert {file.name for file in files} == expected[task]
    for file in files:
        points = list(csv.DictReader(file.open(encoding="utf-8")))
        assert 2 <= len(points) <= 200
        assert all(np.isfinite([float(point["x"]), float(point["y"])]).all() for point in points)


def test_the_roc_curve_has_the_area_in_the_metrics(projects_with_reports: dict[str, Project]) -> None:
    project = projects_with_reports["binary"]
    points = pd.read_csv(project.folder / "reports/curves/roc.csv")

    assert points[["x", "y"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    area = np.trapezoid(points["y"], points["x"])
    assert area == pytest.approx(project.read_json("reports/metrics.json")["roc_auc"], abs=0.01)


@TASKS
def test_the_card_links_small_valid_pictures(projects_with_reports: dict[str, Project], task: str) -> None:
    reports = projects_with_reports[task].folder / "reports"
    card = (reports / "model-card.md").read_text(encoding="utf-8")

    pictures = list((reports / "pictures").iterdir())

    assert len(pictures) >= 2
    for picture in pictures:
        assert f"](pictures/{picture.name})" in card
        assert ElementTree.parse(picture).getroot().tag.endswith("svg")
        assert picture.stat().st_size < 40_000


def test_a_failed_run_does_not_change_the_reports(projects_with_reports: dict[str, Project], tmp_path: Path) -> None:
    project = projects_with_reports["binary"].copy_to(tmp_path / "copy")
    before = all_files(project.folder / "reports")
    (project.bundle / "model.onnx").write_bytes(b"cut short")

    with pytest.raises(BundleError, match=r"model\.onnx was altered"):
        project.run("evaluate")

    assert all_files(project.folder / "reports") == before


def test_the_terminal_shows_the_metrics_and_what_to_do_next(
    tiny_projects: dict[str, Project], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_projects["binary"].copy_to(tmp_path / "copy").run("evaluate")

    printed = capsys.readouterr().out
    assert "roc_auc" in printed
    assert "95 % interval" in printed
    assert printed.rstrip().endswith("next: `make serve`")
