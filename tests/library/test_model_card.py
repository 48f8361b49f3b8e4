"""The model card: complete, valid Markdown whatever the text in it, and explicit about what was not measured."""

import json
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.evaluation.card_quality import summary_sentence
from cd4ml.evaluation.markdown import code_span
from cd4ml.evaluation.metric_table import METRICS
from house_project import Project

HEADINGS = [
    "## What it predicts",
    "## Training set and test set",
    "## Quality on the test set",
    "## Quality by slice",
    "## Columns of a request",
    "## Limits",
    "## Lineage",
]
HOSTILE = "a | b\n# not a title <script>alert(1)</script> `code` *stars* [link](x) $x$ & ☃"


def card_of(project: Project) -> str:
    return str((project.folder / "reports/model-card.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("task", METRICS)
def test_the_card_has_every_section_and_the_lineage(projects_with_reports: dict[str, Project], task: str) -> None:
    project = projects_with_reports[task]
    card = card_of(project)

    manifest = Bundle.load(project.bundle).manifest

    assert card.startswith("# houses\n\nHouses that were sold\n")
    assert [line for line in card.splitlines() if line.startswith("## ")] == HEADINGS
    for text in (manifest.version, manifest.digest, manifest.made_of["data"][:12], "`street`", "m²", "0 to 500"):
        assert text in card
    assert "2024-06-30" in card
    assert "3 of `district`, 4 of `street`." in card


def test_free_text_is_shown_as_it_is_and_breaks_no_table(tiny_projects: dict[str, Project], tmp_path: Path) -> None:
    project = tiny_projects["multiclass"].copy_to(tmp_path / "copy")
    project.replace("contract.yaml", "description: Houses that were sold", f"description: {json.dumps(HOSTILE)}")
    project.replace("contract.yaml", "unit: m²", f"unit: {json.dumps(HOSTILE)}, description: {json.dumps(HOSTILE)}")
    table = project.table
    project.table = table.assign(kind=table["kind"].replace({"flat": HOSTILE.replace("\n", " "), "villa": "$x_1$ | y"}))

    project.run("ingest", "validate", "split", "train", "package", "evaluate")

    card = card_of(project)
    assert card.count("\n# ") == 0
    assert [line for line in card.splitlines() if "<script>" in line] == []
    without_escaped_bars = [line.replace("\\|", "") for line in card.splitlines()]
    for before, line in pairwise(without_escaped_bars):
        if line.startswith("| ---") or (before.startswith("|") and line.startswith("|")):
            assert line.count("|") == before.count("|")
    for picture in (project.folder / "reports/pictures").iterdir():
        assert ElementTree.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("text", "markdown"),
    [("a|b", "a\\|b"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\nb", "`a b`"), ("x_y", "`x_y`")],
)
def test_a_name_is_a_code_span_if_a_code_span_can_contain_it(text: str, markdown: str) -> None:
    assert code_span(text) == markdown


def test_a_test_set_with_one_outcome_gives_dashes(tiny_projects: dict[str, Project], tmp_path: Path) -> None:
    project = tiny_projects["binary"].copy_to(tmp_path / "copy")
    test_set = pd.read_parquet(project.folder / "data/holdout.parquet")
    test_set[~test_set["sold_fast"].astype(bool)].to_parquet(project.folder / "data/holdout.parquet")

    project.run("evaluate")

    assert project.read_json("reports/metrics.json")["roc_auc"] is None
    card = card_of(project)
    assert "| ROC AUC | **\N{EN DASH}** | \N{EN DASH} | \N{EN DASH} | higher |" in card
    assert "cannot be computed on this test set" in card


def test_classes_that_the_training_set_lacks_are_named_among_the_limits(
    tiny_projects: dict[str, Project], tmp_path: Path
) -> None:
    project = tiny_projects["multiclass"].copy_to(tmp_path / "copy")
    test_set = pd.read_parquet(project.folder / "data/holdout.parquet")
    test_set.loc[:4, "kind"] = "castle"
    test_set.to_parquet(project.folder / "data/holdout.parquet")

    project.run("evaluate")

    assert sum(project.read_json("reports/slices.json")["confusion"]["castle"].values()) == 5
    assert "that the training set lacks, and that are never predicted: `castle`" in card_of(project)


def test_a_slice_that_is_worse_is_marked_and_comes_first(tiny_projects: dict[str, Project], tmp_path: Path) -> None:
    project = tiny_projects["regression"].copy_to(tmp_path / "copy")
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "evaluate: {slice_minimum_rows: 10}\n")
    test_set = pd.read_parquet(project.folder / "data/holdout.parquet")
    test_set.loc[test_set["district"] == "south", "price"] += 900
    test_set.to_parquet(project.folder / "data/holdout.parquet")

    project.run("evaluate")

    first = card_of(project).split("## Quality by slice")[1].split("---:")[-1].splitlines()[1]
    assert first.startswith("| `district` | `south` |")
    assert first.endswith("▼\N{NO-BREAK SPACE}worse |")


@pytest.mark.parametrize(
    ("value", "low", "expected"),
    [
        (0.8, 0.7, "Significantly better than the baseline"),
        (0.6, 0.4, "Not significantly better than the baseline"),
        (0.4, 0.3, "Not better than the baseline"),
    ],
)
def test_the_summary_compares_the_model_with_the_baseline(value: float, low: float, expected: str) -> None:
    interval = {"low": low, "high": 0.9}
    results = {"roc_auc": value, "baseline": {"roc_auc": 0.5}, "intervals": {"roc_auc": interval}}

    assert summary_sentence(results, METRICS["binary"][0]).startswith(f"**{expected}.**")


def test_without_an_interval_the_card_says_that_nothing_can_be_decided() -> None:
    results = {"roc_auc": 0.98, "intervals": {"roc_auc": None}, "baseline": {"roc_auc": 0.5}}

    sentence = summary_sentence(results, METRICS["binary"][0])

    assert sentence.startswith("**It cannot be decided whether the model is better than the baseline**: the test set")
    assert "ROC AUC is 0.980; the baseline has 0.500." in sentence
