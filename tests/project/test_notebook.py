"""The notebook runs from top to bottom, sees the training set alone, and what it tries moves into the team's files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.conftest import ROOT
from tests.project.baked import Project

NOTEBOOK = "notebooks/explore.ipynb"


def cells(project: Project) -> dict[str, str]:
    """Return the text of each cell, by its id."""
    return {cell["id"]: "".join(cell["source"]) for cell in project.read_json(NOTEBOOK)["cells"]}


def test_no_output_is_committed() -> None:
    notebook = json.loads((ROOT / "<<cookiecutter.project_slug>>" / NOTEBOOK).read_text(encoding="utf-8"))

    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_it_runs_without_the_test_set_and_leaves_no_trace(
    problem: str, trained_project: Callable[..., Project]
) -> None:
    project = trained_project(f"small-{problem}", small=True, problem=problem)
    (project.folder / "data/holdout.parquet").unlink()
    before = project.state()

    print(project.make("notebook").stdout)

    assert project.state() == before


def test_a_cell_that_fails_fails_the_verb_and_a_project_may_have_none(small: Project) -> None:
    text = (small.folder / NOTEBOOK).read_text(encoding="utf-8")
    small.replace(NOTEBOOK, "older_and_newer(table, contract)", "older_and_newer(nothing, contract)")
    failed = small.make("notebook", check=False)
    assert failed.returncode != 0
    assert "name 'nothing' is not defined" in failed.stdout

    (small.folder / NOTEBOOK).write_text(text, encoding="utf-8")
    (small.folder / "data/train.parquet").unlink()
    assert "the stage split writes it: run make train" in small.make("notebook", check=False).stdout

    (small.folder / NOTEBOOK).unlink()
    assert "there is no notebook" in small.make("notebook").stdout


def test_its_model_and_its_feature_move_into_the_teams_files(small: Project) -> None:
    imports, build = cells(small)["imports"], cells(small)["build"]
    lines = [line for line in imports.splitlines() if "sklearn" in line and "import" in line]
    function = build[: build.index("\n\n\ncompare(")]
    (small.source / "model.py").write_text('"""The model."""\n\n' + "\n".join([*lines, "\n", function, ""]))
    params = (small.folder / "params.yaml").read_text(encoding="utf-8")
    params = re.sub(r"^model:.*?^\n", "model: {regularization: 3.0}\n\n", params, flags=re.MULTILINE | re.DOTALL)
    params = re.sub(r"^  space:.*\Z", "  space: {regularization: [1.0, 3.0]}\n", params, flags=re.MULTILINE | re.DOTALL)
    (small.folder / "params.yaml").write_text(params, encoding="utf-8")
    (line,) = [line for line in cells(small)["derive"].splitlines() if 'features["difference"]' in line]
    line = line.strip().replace("pair[0]", '"wind_speed"').replace("pair[1]", '"wind_gust"')
    features = small.source / "features.py"
    text = features.read_text(encoding="utf-8")
    features.write_text(text.replace("    return features\n", f"    {line}\n    return features\n"), encoding="utf-8")

    small.make("train")

    manifest = small.read_json("models/bundle/bundle.json")
    assert "difference" in manifest["numbers"]
    assert small.run("git", "status", "--porcelain", "reports/metrics.json").stdout
