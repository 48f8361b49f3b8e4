"""The reports: whole, readable, the same for the same inputs, and honest about what they do not know."""

import copy
import csv
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.errors import BundleError
from cd4ml.evaluation import markdown
from cd4ml.evaluation.card import verdict
from cd4ml.evaluation.metrics import METRICS, main_metric
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.slices import slices
from cd4ml.settings.params import EvaluateParams

PROBLEMS = pytest.mark.parametrize("problem", METRICS)
HOSTILE = "a | b\n# not a title <script>alert(1)</script> `code` *stars* [link](x) $x$ & ☃"


def copied(project: Any, folder: Path) -> Any:
    """Return a project of one's own, to be changed at will."""
    own = copy.copy(project)
    own.folder = folder / "own"
    shutil.copytree(project.folder, own.folder)
    return own


def is_svg(picture: Path) -> bool:
    return ElementTree.parse(picture).getroot().tag.endswith("svg")


@pytest.fixture(scope="module")
def judged_projects(tiny_projects: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = {name: copied(project, tmp_path_factory.mktemp(name)) for name, project in tiny_projects.items()}
    for project in made.values():
        project.run("evaluate")
    return made


def all_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@PROBLEMS
def test_metrics_stand_beside_their_intervals_and_the_baseline(judged_projects: dict[str, Any], problem: str) -> None:
    told = judged_projects[problem].read_json("reports/metrics.json")

    names = {metric.name for metric in METRICS[problem]}  # type: ignore[index]
    assert set(told) == {"rows", "intervals", "baseline"} | names
    assert set(told["intervals"]) == set(told["baseline"]) == names
    for name in names - {"calibration_error"}:  # resampling adds to it: its interval may lie above it
        assert told["intervals"][name]["low"] <= told[name] <= told["intervals"][name]["high"]


@PROBLEMS
def test_the_bundle_is_judged_not_the_pipeline(judged_projects: dict[str, Any], problem: str) -> None:
    project = judged_projects[problem]
    holdout = pd.read_parquet(project.folder / "data/holdout.parquet")

    bundle = Bundle.load(project.bundle)

    said = bundle.decision.labels(bundle.scores_of_rows(json.loads(holdout_json(holdout, bundle.contract))))
    told = project.read_json("reports/metrics.json")
    target = holdout[bundle.contract.target.name].to_numpy()
    if problem == "regression":
        assert told["mae"] == pytest.approx(np.abs(said - target).mean(), rel=1e-5)
    else:
        assert told["accuracy"] == pytest.approx((said == target).mean(), rel=1e-5)


def holdout_json(holdout: pd.DataFrame, contract: Contract) -> str:
    rows = holdout[list(contract.columns)].copy()
    rows["heated"] = rows["heated"].map({"true": True, "false": False, True: True, False: False})
    rows["built"] = pd.to_datetime(rows["built"]).dt.strftime("%Y-%m-%dT%H:%M:%S")
    return json.dumps([{k: None if pd.isna(v) else v for k, v in row.items()} for row in rows.to_dict("records")])


@PROBLEMS
def test_the_same_inputs_give_the_same_bytes_in_another_process(judged_projects: dict[str, Any], problem: str) -> None:
    project = judged_projects[problem]
    before = all_files(project.folder / "reports")

    command = "from cd4ml.pipeline import evaluate; evaluate.run()"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", command], cwd=project.folder, env=environment, check=True, timeout=120)

    assert all_files(project.folder / "reports") == before


@PROBLEMS
def test_curves_share_the_columns_that_plots_are_drawn_from(judged_projects: dict[str, Any], problem: str) -> None:
    expected = {
        "binary": {"roc.csv", "precision-recall.csv", "calibration.csv"},
        "multiclass": {"calibration.csv"},
        "regression": {"actual-by-predicted.csv", "error-quantiles.csv"},
    }
    files = list((judged_projects[problem].folder / "reports/curves").iterdir())

    assert {file.name for file in files} == expected[problem]
    for file in files:
        points = list(csv.DictReader(file.open(encoding="utf-8")))
        assert 2 <= len(points) <= 200
        assert all(np.isfinite([float(point["x"]), float(point["y"])]).all() for point in points)


@PROBLEMS
def test_pictures_and_links_of_the_card_are_there(judged_projects: dict[str, Any], problem: str) -> None:
    reports = judged_projects[problem].folder / "reports"
    card = (reports / "model-card.md").read_text(encoding="utf-8")

    pictures = list((reports / "pictures").iterdir())

    assert len(pictures) >= 2
    for picture in pictures:
        assert f"](pictures/{picture.name})" in card
        assert is_svg(picture)
        assert picture.stat().st_size < 40_000


def test_the_roc_curve_has_the_area_that_is_reported(judged_projects: dict[str, Any]) -> None:
    project = judged_projects["binary"]
    points = pd.read_csv(project.folder / "reports/curves/roc.csv")

    assert points[["x", "y"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    area = np.trapezoid(points["y"], points["x"])
    assert area == pytest.approx(project.read_json("reports/metrics.json")["roc_auc"], abs=0.01)


@PROBLEMS
def test_the_card_tells_what_where_from_and_what_not(judged_projects: dict[str, Any], problem: str) -> None:
    project = judged_projects[problem]
    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")

    manifest = Bundle.load(project.bundle).manifest

    assert card.startswith("# houses\n\nHouses that were sold\n")
    for heading in (
        "answers",
        "data",
        "How good",
        "Where it is worse",
        "row looks like",
        "Limits",
        "Lineage",
    ):
        assert any(heading in line for line in card.splitlines() if line.startswith("## "))
    for known in (manifest.version, manifest.digest, manifest.made_of["data"][:12], "`street`", "m²", "0 to 500"):
        assert known in card
    assert "2024-06-30" in card


def test_free_text_is_shown_as_it_is_and_breaks_no_table(tiny_projects: dict[str, Any], tmp_path: Path) -> None:
    project = copied(tiny_projects["multiclass"], tmp_path)
    project.replace("contract.yaml", "description: Houses that were sold", f"description: {json.dumps(HOSTILE)}")
    project.replace("contract.yaml", "unit: m²", f"unit: {json.dumps(HOSTILE)}, description: {json.dumps(HOSTILE)}")
    table = project.table
    project.table = table.assign(kind=table["kind"].replace({"flat": HOSTILE.replace("\n", " "), "villa": "$x_1$ | y"}))

    project.run("ingest", "validate", "split", "train", "package", "evaluate")

    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert card.count("\n# ") == 0
    outside_code = [line for line in card.splitlines() if "<script>" in line]
    assert outside_code == []
    tables = [line.replace("\\|", "") for line in card.splitlines()]
    for before, line in pairwise(tables):
        if line.startswith("| ---") or (before.startswith("|") and line.startswith("|")):
            assert line.count("|") == before.count("|")
    for picture in (project.folder / "reports/pictures").iterdir():
        assert is_svg(picture)


@pytest.mark.parametrize(
    ("text", "shown"), [("a|b", "a\\|b"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\nb", "`a b`"), ("x_y", "`x_y`")]
)
def test_names_are_code_where_code_can_hold_them(text: str, shown: str) -> None:
    assert markdown.code(text) == shown


def test_a_holdout_of_one_outcome_gives_dashes_not_a_crash(tiny_projects: dict[str, Any], tmp_path: Path) -> None:
    project = copied(tiny_projects["binary"], tmp_path)
    holdout = pd.read_parquet(project.folder / "data/holdout.parquet")
    holdout[~holdout["sold_fast"].astype(bool)].to_parquet(project.folder / "data/holdout.parquet")

    project.run("evaluate")

    assert project.read_json("reports/metrics.json")["roc_auc"] is None
    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert "| ROC AUC | **\N{EN DASH}** | \N{EN DASH} | \N{EN DASH} | higher |" in card
    assert "cannot be told" in card


def test_classes_never_trained_on_are_named_among_the_limits(tiny_projects: dict[str, Any], tmp_path: Path) -> None:
    project = copied(tiny_projects["multiclass"], tmp_path)
    holdout = pd.read_parquet(project.folder / "data/holdout.parquet")
    holdout.loc[:4, "kind"] = "castle"
    holdout.to_parquet(project.folder / "data/holdout.parquet")

    project.run("evaluate")

    assert sum(project.read_json("reports/slices.json")["confusion"]["castle"].values()) == 5
    assert "never saw, and so never answers" in (project.folder / "reports/model-card.md").read_text(encoding="utf-8")


def test_a_slice_that_is_judged_worse_is_flagged_and_comes_first(tiny_projects: dict[str, Any], tmp_path: Path) -> None:
    project = copied(tiny_projects["regression"], tmp_path)
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "evaluate: {slice_minimum_rows: 10}\n")
    holdout = pd.read_parquet(project.folder / "data/holdout.parquet")
    holdout.loc[holdout["district"] == "south", "price"] += 900
    holdout.to_parquet(project.folder / "data/holdout.parquet")

    project.run("evaluate")

    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    first = card.split("## Where it is worse")[1].split("---:")[-1].splitlines()[1]
    assert first.startswith("| `district` | `south` |")
    assert first.endswith("▼\N{NO-BREAK SPACE}worse |")


def sliced(rows: int, least: int, most: int = 20) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    contract = Contract.model_validate(
        {
            "name": "c",
            "target": {"name": "t", "type": "boolean"},
            "columns": {"flag": {"type": "boolean"}, "kind": {"type": "category"}, "size": {"type": "number"}},
        }
    )
    columns = {
        "flag": np.where(np.arange(rows) % 10 == 0, np.nan, np.arange(rows) % 2).astype(np.float32),
        "kind": np.array(["a", "b", "c", ""], dtype=object)[np.arange(rows) % 4],
        "size": rng.random(rows).astype(np.float32),
    }
    scores = rng.random(rows)
    judged = Predictions("binary", [False, True], (rng.random(rows) < scores).astype(np.int64), scores, 0.5)
    params = EvaluateParams(bootstrap_rounds=100, slice_minimum_rows=least, slice_maximum_values=most)
    return slices(judged, columns, contract, params)


def test_every_value_of_categories_and_booleans_is_a_slice_nulls_too() -> None:
    told = sliced(rows=400, least=10)

    found = [(one["column"], one["value"], one["rows"]) for one in told["slices"]]
    assert found[:3] == [("flag", False, 160), ("flag", True, 200), ("flag", None, 40)]
    assert found[3:] == [("kind", value, 100) for value in (None, "a", "b", "c")]
    assert told["left_out"] == {}


def test_small_slices_and_columns_of_many_values_are_counted_not_judged() -> None:
    assert sliced(rows=400, least=150)["left_out"] == {"flag": 1, "kind": 4}
    assert sliced(rows=400, least=10, most=3)["left_out"] == {"kind": 4}


@pytest.mark.parametrize(
    ("value", "low", "expected"), [(0.8, 0.7, "Better"), (0.6, 0.4, "Not surely"), (0.4, 0.3, "Not better")]
)
def test_the_verdict_names_a_model_that_is_not_better_than_trivial(value: float, low: float, expected: str) -> None:
    interval = {"low": low, "high": 0.9}
    told = {"roc_auc": value, "baseline": {"roc_auc": 0.5}, "intervals": {"roc_auc": interval}}

    assert verdict(told, main_metric("binary")).startswith(f"**{expected}")


def test_a_failed_run_leaves_the_reports_as_they_were(judged_projects: dict[str, Any], tmp_path: Path) -> None:
    project = copied(judged_projects["binary"], tmp_path)
    before = all_files(project.folder / "reports")
    (project.bundle / "model.onnx").write_bytes(b"cut short")

    with pytest.raises(BundleError, match=r"model\.onnx was altered"):
        project.run("evaluate")

    assert all_files(project.folder / "reports") == before


def test_the_terminal_shows_metrics_and_what_to_do_next(
    tiny_projects: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied(tiny_projects["binary"], tmp_path).run("evaluate")

    said = capsys.readouterr().out
    assert "roc_auc" in said
    assert "95 % interval" in said
    assert said.rstrip().endswith("next: `make serve`")
