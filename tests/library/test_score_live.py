"""`cd4ml score-live`, as the workflow score calls it: rows are scored with the model that is live, or nothing is."""

import json
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from committed_project import commit, rename_bundle
from house_project import houses as rows_of_houses
from trained_repository import run


@pytest.fixture
def repository(houses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose `production` has one bundle, `main` a later one, and whose DVC remote has both."""
    remote = f"[core]\n    remote = kept\n['remote \"kept\"']\n    url = {tmp_path / 'remote'}\n"
    Path(".dvc/config").write_text(remote, encoding="utf-8")
    rename_bundle("live")
    commit("live")
    run("git", "branch", "production")
    rename_bundle("later")
    commit("later")
    rows_of_houses(200).to_parquet("rows.parquet")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return houses


def summary(tmp_path: Path) -> str:
    return (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_the_model_of_production_scores(repository: Path, step, tmp_path: Path) -> None:
    step("score-live", SCORE_IN="rows.parquet", SCORE_OUT="out/answers.parquet", SCORE_KEEP="rooms")

    answers = pd.read_parquet("out/answers.parquet")
    live, later = Bundle.load(Path("build/live")), Bundle.load(Path("models/bundle"))
    assert (live.manifest.name, later.manifest.name) == ("live", "later")
    assert set(answers["model_version"]) == {live.version}
    assert "rooms" in answers
    assert f"200 rows scored by {live.version}" in summary(tmp_path)
    assert "the model is the one on production" in summary(tmp_path)


def test_before_the_first_release_the_model_of_main_scores(repository: Path, step, tmp_path: Path) -> None:
    run("git", "branch", "-D", "production")
    rename_bundle("not committed")

    step("score-live", SCORE_IN="rows.parquet", SCORE_OUT="answers.csv")

    assert Bundle.load(Path("build/live")).manifest.name == "later"
    assert "the model is the one on main" in summary(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "SCORE_IN and SCORE_OUT not set; set the repository's variables"),
        ({"SCORE_IN": "rows.parquet"}, "SCORE_OUT not set; set the repository's variables"),
    ],
)
def test_it_is_off_until_it_is_told_what_to_score(repository: Path, settings, message, step, tmp_path: Path) -> None:
    step("score-live", **{"SCORE_IN": "", "SCORE_OUT": "", **settings})

    assert message in summary(tmp_path)


def test_without_a_remote_or_a_model_it_says_so(repository: Path, step, tmp_path: Path) -> None:
    where = {"SCORE_IN": "rows.parquet", "SCORE_OUT": "answers.csv"}
    run("git", "branch", "-D", "production")
    run("git", "rm", "--quiet", "--cached", "dvc.lock")
    run("git", "commit", "--quiet", "-m", "no model")
    step("score-live", **where)
    assert "nothing was scored: there is no model yet" in summary(tmp_path)

    Path(".dvc/config").write_text("", encoding="utf-8")
    step("score-live", **where)
    assert "nothing was scored: there is no DVC remote, and no registry in its place" in summary(tmp_path)
    assert not Path("answers.csv").exists()


def test_rows_that_break_the_contract_fail_the_step(repository: Path, step, capsys) -> None:
    rows_of_houses(20).assign(rooms=0).to_parquet("rows.parquet")

    step("score-live", fails=True, SCORE_IN="rows.parquet", SCORE_OUT="answers.csv")
    assert "rooms   at least 1    20" in capsys.readouterr().err

    step("score-live", SCORE_IN="rows.parquet", SCORE_OUT="answers.csv", SCORE_REJECTS="bad.csv")
    assert len(pd.read_csv("bad.csv")) == 20
    assert json.loads(Path("build/live/bundle.json").read_text(encoding="utf-8"))["name"] == "live"
