"""`cd4ml door` writes files of the team's package that work at once, with their tests, and overwrites none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.cli import main
from house_project import PYPROJECT, TARGETS, Project

TEMPLATE = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>"
SETTINGS = (TEMPLATE / "pyproject.toml").read_text(encoding="utf-8")
OWN = {"binary": "mean_gain", "multiclass": "among_two", "regression": "within_a_tenth"}
NAMES = ("metrics", "split", "card", "service", "notify")
WRITTEN = ("src/houses/metrics.py", "src/houses/split.py", "src/houses/service.py", "src/houses/notify.py")
QUICK = "evaluate: {bootstrap_rounds: 100}\n"


def door(project: Project, *arguments: str) -> int:
    """Run the verb in a project's folder; return its exit code."""
    with project.inside():
        return main(["door", *arguments])


def run_in(project: Project, *command: str, fails: bool = False) -> str:
    """Run a Python module in a project's folder, with its package on the path; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == fails, done.stdout + done.stderr
    return done.stdout


def with_checks(project: Project) -> Project:
    """Give a project the settings of ruff, mypy and pytest, and the tests' fixtures, of a generated project."""
    project.write("pyproject.toml", PYPROJECT + SETTINGS[SETTINGS.index("[tool.ruff]") :])
    project.write("tests/conftest.py", (TEMPLATE / "tests/conftest.py").read_text(encoding="utf-8"))
    return project


@pytest.mark.parametrize("task", TARGETS)
def test_what_it_writes_works_at_once(tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]) -> None:
    project = with_checks(Project(tmp_path / task, task))
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + QUICK)
    project.run("ingest", "validate", "split", "train", "package", "evaluate")
    before = {name: (project.folder / f"data/{name}.parquet").read_bytes() for name in ("train", "holdout")}

    assert [door(project, name) for name in NAMES] == [0] * len(NAMES)
    project.run("split", "train", "package", "evaluate")

    printed = capsys.readouterr().out
    assert "wrote src/houses/metrics.py and tests/test_metrics.py: they work as they are; " in printed
    assert {name: (project.folder / f"data/{name}.parquet").read_bytes() for name in before} == before
    results = project.read_json("reports/metrics.json")
    assert results["intervals"][OWN[task]]["low"] <= results[OWN[task]] <= results["intervals"][OWN[task]]["high"]
    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert "## What it is for\n\nWho uses the predictions of `" in card
    assert "The test set was chosen by in\\_test\\_set in src/houses/split.py: The rows of the newest 60 days." in card
    assert " passed" in run_in(project, "pytest", "-q", "tests")
    run_in(project, "ruff", "check", "--no-cache", *WRITTEN, "tests")
    run_in(project, "ruff", "format", "--check", "--no-cache", *WRITTEN, "tests")


def test_without_a_time_the_rows_stay_on_their_side_and_types_are_right(project: Project) -> None:
    with_checks(project)
    project.replace("contract.yaml", "time: sold_on\n", "")
    project.replace("params.yaml", '"2024-06-30"', "null")
    project.run("ingest", "validate", "split")
    before = pd.read_parquet(project.folder / "data/holdout.parquet")

    assert [door(project, name) for name in NAMES] == [0] * len(NAMES)
    project.run("split")

    pd.testing.assert_frame_equal(pd.read_parquet(project.folder / "data/holdout.parquet"), before)
    assert " passed" in run_in(project, "pytest", "-q", "tests/test_split.py")
    run_in(project, "ruff", "format", "--check", "--no-cache", *WRITTEN, "tests")
    run_in(project, "mypy", "--cache-dir", ".mypy_cache", *WRITTEN)


def test_the_tests_that_it_writes_fail_if_the_file_is_wrong(project: Project) -> None:
    door(project, "metrics")
    project.replace("src/houses/metrics.py", "GAIN * y - COST", "GAIN * y")

    assert "1 failed" in run_in(project, "pytest", "-q", "tests", fails=True)


@pytest.mark.parametrize("existing", ["src/houses/split.py", "tests/test_split.py"])
def test_nothing_is_overwritten(project: Project, capsys: pytest.CaptureFixture[str], existing: str) -> None:
    project.write(existing, "ours\n")

    assert door(project, "split") == 1

    assert capsys.readouterr().err == (
        f"door: {existing} exists, so nothing was written; edit it, or move it away first (cd4ml/docs/doors.md)\n"
    )
    assert (project.folder / existing).read_text(encoding="utf-8") == "ours\n"
    others = {"src/houses/split.py", "tests/test_split.py"} - {existing}
    assert not [name for name in others if (project.folder / name).exists()]


def test_the_list_says_which_files_exist_and_what_is_called(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    door(project, "card")
    capsys.readouterr()

    assert door(project) == 0

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "name file there what the library calls",
        "features src/houses/features.py yes derive(columns) -> features by name",
        "model src/houses/model.py yes build_model(task, numbers, categories, *, ...) -> a pipeline",
        "metrics src/houses/metrics.py no each public function (y, p, weights) -> float",
        "split src/houses/split.py no in_test_set(table) -> one boolean for each row",
        "card src/houses/model_card.md.jinja yes a Jinja2 template",
        "service src/houses/service.py no add_routes(app, model), which adds routes beside POST /predict",
        "notify src/houses/notify.py no on_rejected(event), on_released(event), on_alert(event), to tell people",
        "next: cd4ml door metrics | split | card | service | notify writes one to start from; "
        "cd4ml/docs/doors.md explains them",
    ]


def test_an_unknown_name_and_a_folder_without_a_project_are_errors_of_one_line(
    project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert door(project, "window") == 1
    printed = capsys.readouterr().err
    assert printed.startswith("door: argument name: invalid choice: 'window' (choose from ")
    shutil.rmtree(project.folder / "src")
    (project.folder / "pyproject.toml").unlink()
    assert door(project) == 1
    assert capsys.readouterr().err == "door: pyproject.toml does not exist; run this from the project's folder\n"
