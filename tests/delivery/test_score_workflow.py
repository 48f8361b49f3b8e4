"""The workflow score, executed: it scores with the model that is live, and is off until it is told what to score."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.delivery.github import GitHub
from tests.delivery.world import ended_well, keep_at, path, report, settings
from tests.project.baked import Project
from tests.project.conftest import environment as environment
from tests.project.conftest import quick as quick
from tests.project.conftest import small as small
from tests.project.conftest import trained_project as trained_project


@dataclass(frozen=True)
class Scored:
    """A project on its GitHub, whose live model is in its DVC remote; `main` has a later one."""

    github: GitHub
    project: Project
    live: str


@pytest.fixture
def scored(small: Project, need_runner: None, uv: str, tmp_path: Path) -> Iterator[Scored]:
    keep_at(small, str(tmp_path / "remote"))
    small.commit("keep objects in a folder")
    small.make("push")
    live = version(small)
    with GitHub(tmp_path / "github", path=path(), settings=settings(), parallel=1) as github:
        github.main.take(small.folder, "production")
        small.replace("params.yaml", "min_samples_leaf: 50", "min_samples_leaf: 60")
        small.make("train", "push")
        small.commit("a later model")
        github.main.take(small.folder)
        assert version(small) != live
        yield Scored(github, small, live)


def version(project: Project) -> str:
    content = json.loads((project.folder / "models/bundle/bundle.json").read_text(encoding="utf-8"))
    return f"{content['until']}.{content['digest'][:7]}"


def test_it_scores_with_the_live_model_and_is_off_until_it_is_told_what(scored: Scored, tmp_path: Path) -> None:
    github = scored.github

    scheduled = github.tick("score")
    github.run_all()
    assert scheduled.conclusion == "skipped"
    github.dispatch("score")
    ended_well(github.run_all(), "score")
    assert "SCORE_IN and SCORE_OUT not set" in github.last("score").jobs["score"].summary

    source = scored.project.folder / "data/source/2013-02.parquet"
    github.vars |= {"SCORE_IN": str(source), "SCORE_OUT": str(tmp_path / "answers.parquet"), "SCORE_KEEP": "carrier"}
    github.dispatch("score")
    ended_well(github.run_all(), "score")
    summary = github.last("score").jobs["score"].summary
    assert f"rows scored by {scored.live}" in summary, summary
    answers, rows = pd.read_parquet(tmp_path / "answers.parquet"), pd.read_parquet(source)
    assert set(answers["model_version"]) == {scored.live}
    assert answers["flight_id"].tolist() == rows["flight_id"].tolist()

    shell = f"$(touch {tmp_path}/was-here)`touch {tmp_path}/was-here`"
    run = github.dispatch("score", {"in": shell, "out": f"{tmp_path}/{shell.replace('/', '')}.csv", "query": shell})
    github.run_all()
    assert run.conclusion == "failure", report(run)
    assert "only a database takes a query" in run.jobs["score"].log
    assert not (tmp_path / "was-here").exists()
