"""A project in a folder of a larger repository is delivered like any other, once its workflows lie at the root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.github import GitHub
from tests.delivery.world import (
    ended_well,
    missing,
    no_known_vulnerability,
    open_registry,
    path,
    pushed,
    report,
    settings,
    shorten,
)
from tests.project.baked import Project

FOLDER = "services/delays"


@pytest.mark.drill
def test_it_is_checked_trained_proposed_and_published(
    bake: Bake,
    need: Callable[[str, object, str], None],
    need_runner: None,
    engine: None,
    uv: str,
    tmp_path: Path,
) -> None:
    need("registry", not missing(), f"{missing()} is not installed")
    project = moved(Project(bake(into=tmp_path / "baked", registry="ghcr", github_owner="acme")), tmp_path / "larger")
    assert f"for the project in {FOLDER}" in project.cd4ml("move-workflows").stdout
    (tmp_path / "larger/dvc.lock").write_text("of another team\n", encoding="utf-8")
    project.run("git", "add", "-A", "../..")
    project.commit("as generated")
    with open_registry(tmp_path / "registry") as registry, no_known_vulnerability() as osv:
        world = settings(AUDIT_URL=osv)
        with GitHub(tmp_path / "github", path=path(), settings=world, parallel=1) as github:
            github.vars["CONTAINER_REGISTRY"] = registry
            ended_well(pushed(github, project), "ci", "cd", "ct", "ci")
            (number,) = github.pulls
            assert f"{FOLDER}/dvc.lock" in github.main.git("ls-tree", "-r", "-z", "--name-only", "ct/retrain")

            github.merge(number)
            ended_well(github.run_all(), "ci", "cd")

            release = github.last("cd")
            assert release.results["publish"] == "success", report(release)
            assert github.main.git("show", "main:dvc.lock") == "of another team"


def moved(project: Project, repository: Path) -> Project:
    """Make a project a folder of a new repository; return it."""
    folder = repository / FOLDER
    folder.parent.mkdir(parents=True)
    project.folder.rename(folder)
    (folder / ".git").rename(repository / ".git")
    shorten(Project(folder))
    return Project(folder)
