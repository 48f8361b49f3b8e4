"""A stage that is run without the one before it, and a column that has no value to learn from: one line each."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cd4ml.adoption import model_choice
from cd4ml.cli import main
from house_project import Project

Captured = pytest.CaptureFixture[str]
ADVICE = "leave it out of features.py and contract.yaml, or train on more rows that have it\n"


def null_until(project: Project, day: str) -> None:
    """Let the houses have a size only from a day on."""
    table = project.table
    table.loc[pd.to_datetime(table["sold_on"]) < day, "size"] = np.nan
    project.table = table
    project.replace("contract.yaml", "unit: m², example", "unit: m², nullable: true, example")


@pytest.mark.parametrize(
    ("removed", "stage", "message"),
    [
        ("data/raw.parquet", "validate", "data/raw.parquet does not exist; the stage ingest writes it"),
        ("data/validated.json", "split", "data/validated.json does not exist; the stage validate writes it"),
        ("data/train.parquet", "train", "data/train.parquet does not exist; the stage split writes it"),
        ("models/pipeline.skops", "package", "models/pipeline.skops does not exist; the stage train writes it"),
        ("models/threshold.json", "package", "models/threshold.json does not exist; the stage train writes it"),
    ],
)
def test_a_stage_without_the_one_before_it_names_that(
    removed: str, stage: str, message: str, tiny_projects: dict[str, Project], tmp_path: Path, capsys: Captured
) -> None:
    project = tiny_projects["binary"].copy_to(tmp_path / "copy")
    (project.folder / removed).unlink()

    with project.inside():
        assert main(["stage", stage]) == 1

    assert capsys.readouterr().err == f"stage {stage}: {message}: run make train\n"


def test_split_takes_no_rows_that_were_not_validated(project: Project, capsys: Captured) -> None:
    project.run("ingest", "validate")
    project.table = project.table.drop(columns=["sold_on"]).assign(sold_on="2024-01-01")[:300]
    project.run("ingest")

    with project.inside():
        assert main(["stage", "split"]) == 1

    assert capsys.readouterr().err == (
        "stage split: data/validated.json is of other rows than data/raw.parquet, or of another contract: "
        "run the stage validate first\n"
    )


def test_a_column_without_a_value_in_the_training_set_is_named(project: Project, capsys: Captured) -> None:
    null_until(project, "2024-05-02")
    project.run("ingest", "validate", "split")

    with project.inside():
        assert main(["stage", "train"]) == 1

    (line,) = capsys.readouterr().err.splitlines(keepends=True)
    assert line.startswith("stage train: src/houses/model.py: the model cannot be fitted: ")
    assert line.endswith(f"; size is null in all rows to fit on: {ADVICE}")


def test_a_column_with_a_value_in_one_row_of_the_training_set_is_named(project: Project, capsys: Captured) -> None:
    null_until(project, "2024-05-01")
    table = project.table
    first = table.index[pd.to_datetime(table["sold_on"]) == "2024-05-01"][1:]
    table.loc[first, "size"] = np.nan
    project.table = table
    project.run("ingest", "validate", "split")

    with project.inside():
        assert main(["stage", "train"]) == 1

    (line,) = capsys.readouterr().err.splitlines(keepends=True)
    assert line.endswith(f"; size is null in nearly all rows, perhaps in all that one fold is fitted on: {ADVICE}")


def test_an_error_of_a_model_whose_columns_have_values_names_none(project: Project, capsys: Captured) -> None:
    project.replace("params.yaml", "iterations: 10", "iterations: -1")
    project.run("ingest", "validate", "split")

    with project.inside():
        assert main(["stage", "train"]) == 1

    assert "null in all" not in capsys.readouterr().err


def test_tune_names_a_column_without_a_value_in_the_older_rows(
    project: Project, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    null_until(project, "2024-04-25")
    project.run("ingest", "validate", "split")
    project.write("params.yaml", (project.folder / "params.yaml").read_text(encoding="utf-8") + TUNE)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr("cd4ml.tuning.tune.reproduce", lambda *_: None)
    monkeypatch.setattr("cd4ml.cli._check_place", lambda _: None)

    with project.inside():
        assert main(["tune"]) == 1

    printed = capsys.readouterr().err
    assert "tune: every candidate failed" in printed
    assert printed.endswith(f"; size is null in all rows to fit on: {ADVICE}")


TUNE = """\
tune:
  candidates: 3
  folds: 2
  space:
    iterations: {low: 5, high: 20}
"""


def test_adopt_compares_models_without_a_column_that_the_older_rows_lack(capsys: Captured) -> None:
    rng = np.random.default_rng(0)
    times = (np.datetime64("2024-01-01") + np.arange(400)).astype("datetime64[us]")
    size = rng.uniform(20, 300, 400).astype(np.float32)
    late = np.where(np.arange(400) < 300, np.nan, size).astype(np.float32)

    choice = model_choice.choose_model({"size": size, "late": late}, (size > 150).astype(int), "binary", 5, times, None)

    assert choice.quality > 0.9
    assert "not compared, since null in all older rows or in a fold: late" in capsys.readouterr().out
