"""The workflow update, executed: an issue with the command for a person, or with a GitHub App the pull request.

The template, git, uv and what generates projects are real; GitHub is a stand-in on the loopback.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.delivery.github import GitHub, Run
from tests.delivery.world import path, report, settings
from tests.updating import SLUG, Follower, commit, copy_of_the_template, generate, git

TITLE = "The template has a newer version"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nfor the stand-in\n-----END RSA PRIVATE KEY-----\n"
SECTIONS = "\n## 1.2.0\n\nMore.\n\n## 1.1.0\n\nWhat is new.\n\n## 1.0.0\n\nOld.\n\n## 0.3.0"


@dataclass(frozen=True)
class Followed:
    """A project on its GitHub, and the template that it was generated from."""

    github: GitHub
    project: Follower

    def look(self, *, scheduled: bool = False) -> Run:
        """Let the workflow look for a newer version, and assert that it ended well."""
        run = self.github.tick("update") if scheduled else self.github.dispatch("update")
        self.github.run_all()
        assert run.conclusion == "success", report(run)
        return run


@pytest.fixture
def followed(need_runner: None, uv: str, tmp_path: Path) -> Iterator[Followed]:
    template = copy_of_the_template(tmp_path / "cookiecutter-cd4ml")
    template.release("1.0.0")
    project = generate(template.folder, tmp_path / "projects")
    template.append("docs/runbook.md", "\nThe template's words.\n")
    template.replace("CHANGELOG.md", "\n## 0.3.0", SECTIONS)
    template.release("1.1.0")
    with GitHub(tmp_path / "github", path=path(), settings=settings(), parallel=1) as github:
        (project / ".github/workflows/ci.yml").unlink()  # what a push or a pull request starts is no matter here
        commit(project, "without ci")
        github.main.take(project)
        yield Followed(github, Follower(project, template))


def test_an_issue_until_the_project_is_updated_and_with_an_app_a_pull_request(followed: Followed) -> None:
    github, project, template = followed.github, followed.project, followed.project.template

    followed.look(scheduled=True)

    (issue,) = github.issues.values()
    assert (issue["title"], issue["state"]) == (TITLE, "open")
    newest = git(template.folder, "rev-parse", "--short=12", "v1.1.0")
    assert f"git switch --create update/template && make update REF={newest}" in issue["body"]
    assert "## 1.1.0\n\nWhat is new." in issue["body"]
    assert "Old." not in issue["body"]
    assert "**retrains:** no model yet" in issue["body"]
    assert github.main.refs().keys() == {"refs/heads/main"}, "nothing is pushed"

    template.replace(f"{SLUG}/Makefile", "list the verbs\n", "list all verbs\n")
    template.replace(f"{SLUG}/.github/workflows/score.yml", "timeout-minutes: 300", "timeout-minutes: 301")
    template.release("1.2.0")
    project.replace("Makefile", "list the verbs\n", "list our verbs\n")
    commit(project.folder, "ours")
    github.main.take(project.folder)
    github.vars["APP_CLIENT_ID"] = "Iv1.0"
    github.secrets["APP_PRIVATE_KEY"] = PRIVATE_KEY
    followed.look()

    (pull,) = (github.pulls[number] for number in github.pulls)
    assert pull["title"].startswith("Update the template to 1.2.0 (")
    assert pull["title"].endswith(": 1 file in conflict")
    assert pull["head"]["ref"] == "update/template"
    assert "- `Makefile`" in pull["body"]
    assert "## 1.2.0\n\nMore." in pull["body"]
    assert "What is new." in pull["body"]
    assert "**retrains:** no model yet" in pull["body"]
    branch = github.main.refs()["refs/heads/update/template"]
    assert "<<<<<<< HEAD" in github.main.git("show", f"{branch}:Makefile")
    assert "timeout-minutes: 301" in github.main.git("show", f"{branch}:.github/workflows/score.yml")
    assert github.main.git("rev-parse", f"{branch}^") == git(project.folder, "rev-parse", "HEAD")
    kept = github.main.refs()["refs/heads/template"]
    assert 'version = "1.2.0"' in github.main.git("show", f"{kept}:.cd4ml.toml")
    assert "list all verbs" in github.main.git("show", f"{kept}:Makefile")
    assert issue["state"] == "closed"
