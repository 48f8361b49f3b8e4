"""What a stranger can do with a pull request from a fork: have its code checked, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Bake
from tests.delivery.delivery import IDENTITIES
from tests.delivery.github import Environment, GitHub, Run
from tests.delivery.world import keep_at, no_known_vulnerability, path, report, settings, shorten
from tests.project.baked import Project

SECRET = "do-not-tell-anybody"
BRANCH = "better-$(touch${IFS}stolen)"
GREEDY = """
%:
\t@env; cat .git/config; git config --list; find $$HOME $$RUNNER_TEMP -type f -exec cat {} + 2>/dev/null; true
\t@curl --silent --request POST --header "Authorization: Bearer $$GITHUB_TOKEN" --data '{"title": "was here"}' \\
\t\t"$$GITHUB_API_URL/repos/$$GITHUB_REPOSITORY/issues" || true
.PHONY: %
"""


def test_a_fork_is_checked_and_reaches_no_secret(bake: Bake, need_runner: None, uv: str, tmp_path: Path) -> None:
    project = Project(bake(into=tmp_path / "baked", github_owner="acme"))
    shorten(project)
    keep_at(project, "gs://ours/dvc")
    project.commit("as generated")
    with no_known_vulnerability() as osv:
        world = settings(AUDIT_URL=osv)
        with GitHub(tmp_path / "github", path=path(), settings=world, parallel=1) as github:
            guard(github)
            github.main.take(project.folder)  # what a push to main starts is shown elsewhere

            project.replace("README.md", "## How it works", "## How this works")
            project.commit("a word")
            honest = proposed(github, project, BRANCH)
            assert honest.conclusion == "success", report(honest)
            assert honest.results["comment"] == "skipped"
            assert "this run is not signed in there" in honest.jobs["model"].summary

            (project.folder / "Makefile").write_text(GREEDY)
            project.commit("a better Makefile")
            greedy = proposed(github, project, "greedy")
            assert "GITHUB_SHA" in greedy.jobs["code"].log, report(greedy)
            github.label(greedy.event.payload["number"], "train")
            for run in github.run_all():
                assert set(run.results.values()) == {"skipped"}, report(run)

            assert "was here" not in {issue["title"] for issue in github.issues.values()}
            told = [
                path for path in (tmp_path / "github/runs").rglob("*") if path.is_file() and path.name != "input.json"
            ]
            assert [path for path in told if SECRET.encode() in path.read_bytes()] == []
            assert [path for path in told if path.name == "stolen"] == []


def guard(github: GitHub) -> None:
    """Give the repository and its environments secrets that must not be told."""
    for name in IDENTITIES:
        key = json.dumps({"type": "service_account", "client_email": "a@b.c", "private_key": SECRET})
        github.environments[name] = Environment(secrets={"GCP_CREDENTIALS": key, "SERVICE_API_KEYS": SECRET})
    github.secrets = {"MLFLOW_TRACKING_TOKEN": SECRET, "APP_PRIVATE_KEY": SECRET}


def proposed(github: GitHub, project: Project, branch: str) -> Run:
    """Open a stranger's pull request; return the run of its checks."""
    github.push_to_fork(project.folder, branch)
    github.open_pull_request(branch, "It's better", fork="mallory")
    runs = github.run_all()
    assert [run.workflow for run in runs] == ["ci"]
    return runs[0]
