"""The card of a small table shows a repeated cross-validation of its training set, beside the test set's metrics."""

import re

import pytest
from cd4ml.settings import paths
from house_project import TARGETS, Project

WITH = "evaluate:\n  cross_validation_below: 300\n"


@pytest.fixture
def timeless(project: Project) -> Project:
    """A small project without a time."""
    project.replace("contract.yaml", "time: sold_on\n", "")
    project.replace("params.yaml", '  until: "2024-06-30"\n', "")
    project.write("params.yaml", (project.folder / "params.yaml").read_text(encoding="utf-8") + WITH)
    return project


def card(project: Project) -> str:
    project.run("ingest", "validate", "split", "train", "package", "evaluate")
    return (project.folder / paths.CARD).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("task", "label"), [("binary", "ROC AUC"), ("multiclass", "Accuracy"), ("regression", "Mean absolute error")]
)
def test_a_small_table_has_a_repeated_cross_validation(timeless: Project, task: str, label: str) -> None:
    timeless.replace("contract.yaml", TARGETS["binary"], TARGETS[task])

    section = card(timeless).partition("## Cross-validation")[2].partition("\n!")[0]

    assert re.search(r"5 times its 3\d\d rows were divided into 5 folds", section)
    row = re.search(rf"\| {label}[^|]*\| \*\*([\d.]+)\*\* \| ([\d.]+) \| ([\d.]+) \|", section)
    assert row is not None, section
    mean, low, high = map(float, row.groups())
    assert low <= mean <= high
    assert low < high


def test_folds_keep_the_rows_of_a_group_together(timeless: Project) -> None:
    table = timeless.table
    table["owner"] = [f"owner {row % 20}" for row in range(len(table))]
    table["sold_fast"] = [row % 20 % 2 == 0 for row in range(len(table))]  # only the owner tells
    table["size"] = [float(row % 20) * 7.3 % 20 for row in range(len(table))]  # and the size tells the owner
    timeless.table = table
    timeless.replace("params.yaml", "iterations: 10", "iterations: 50\n  min_samples_leaf: 2")
    timeless.replace("params.yaml", "holdout_days: 60", "minimum_rows: 10")
    random = float(re.search(r"\| ROC AUC \| \*\*([\d.]+)\*\* \| [\d.]+ \|", _section(timeless))[1])

    timeless.replace("contract.yaml", "id: house_id\n", "id: house_id\ngroup: owner\n")
    grouped = float(re.search(r"\| ROC AUC \| \*\*([\d.]+)\*\* \| [\d.]+ \|", _section(timeless))[1])

    assert random > 0.95
    assert grouped < 0.75


def _section(project: Project) -> str:
    return card(project).partition("## Cross-validation")[2]


def test_a_table_with_a_time_has_none(project: Project) -> None:
    project.write("params.yaml", (project.folder / "params.yaml").read_text(encoding="utf-8") + WITH)
    assert "## Cross-validation" not in card(project)


def test_a_large_test_set_has_none(timeless: Project) -> None:
    timeless.replace("params.yaml", "cross_validation_below: 300", "cross_validation_below: 20")
    assert "## Cross-validation" not in card(timeless)
