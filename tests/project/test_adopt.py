"""A table of the team's own, by `make adopt`: everything passes without an edit."""

import re
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from tests.conftest import Bake
from tests.project.baked import Project
from tests.project.linked_environment import link


@pytest.mark.parametrize("name", ["cancer", "diabetes"])
def test_a_table_is_adopted_and_everything_passes_without_an_edit(
    name: str, bake: Bake, environment: Path, tmp_path: Path
) -> None:
    data = (load_breast_cancer if name == "cancer" else load_diabetes)(as_frame=True)
    table = data.frame
    if name == "cancer":
        table["target"] = data.target_names[table["target"]]
    table.to_csv(tmp_path / f"{name}.csv", index=False, sep=";", decimal=",")
    project = Project(bake(into=tmp_path / "baked"))
    link(environment, project.folder)

    printed = project.make("adopt", f"DATA={tmp_path / name}.csv", "TARGET=target").stdout
    print(printed)
    project.commit("adopt a table")
    project.make("train", "TRACK=no")
    gate = project.make("gate").stdout
    tests = project.make("test").stdout
    project.make("notebook")
    project.make("lint")
    project.make("format")

    assert "columns separated by semicolons" in printed
    assert re.search(r"model: \w+ \(.*\), the best of \d; (ROC AUC|MAE) [\d.]+ in cross-validation", printed)
    assert "may be released" in gate
    assert " passed" in tests
    assert project.run("git", "status", "--porcelain", "src", "tests").stdout == ""
    assert not list((project.folder / "data/source").glob("*.parquet"))
