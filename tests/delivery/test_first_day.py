"""From the first push to an image with its model in a registry, with nothing but GitHub's own token."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.github import GitHub
from tests.delivery.world import (
    ended_well,
    keep_at,
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

Need = Callable[[str, object, str], None]


@dataclass(frozen=True)
class Day:
    """A project that was just generated, and the GitHub that it will be pushed to."""

    project: Project
    github: GitHub
    registry: str


@pytest.fixture
def day(bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path: Path) -> Iterator[Day]:
    need("registry", not missing(), f"{missing()} is not installed")
    project = Project(bake(into=tmp_path / "baked", registry="ghcr", github_owner="acme"))
    shorten(project)
    project.commit("as generated")
    with open_registry(tmp_path / "registry") as registry, no_known_vulnerability() as osv:
        world = settings(AUDIT_URL=osv)
        with GitHub(tmp_path / "github", path=path(newly_installed=True), settings=world, parallel=1) as github:
            github.vars["CONTAINER_REGISTRY"] = registry
            yield Day(project, github, registry)


def test_the_first_push_trains_and_the_merge_publishes(day: Day) -> None:
    github = day.github

    runs = pushed(github, day.project)
    ended_well(runs, "ci", "cd", "ct", "ci")
    assert github.last("cd").results == {"check": "success"} | dict.fromkeys(
        ("build", "scan", "publish", "staging", "approval", "production"), "skipped"
    )
    (number,) = github.pulls
    assert github.pulls[number]["head"]["ref"] == "ct/retrain"

    github.merge(number)
    runs = github.run_all()
    ended_well(runs, "ci", "cd")
    release = github.last("cd")
    assert {name for name, result in release.results.items() if result == "success"} == {
        "check", "build", "scan", "publish",
    }, report(release)  # fmt: skip
    version = release.jobs["check"].outputs["version"]
    image = inspected(f"{day.registry}/acme/flight-delays:{version}")
    assert image["Digest"] in release.jobs["publish"].log
    labels = image["Labels"]
    assert labels["org.opencontainers.image.version"] == version
    assert labels["org.opencontainers.image.source"].endswith("/acme/flight-delays")


def inspected(image: str) -> dict[str, Any]:
    command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{image}"]
    told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return told


def test_with_nowhere_to_keep_a_model_all_is_green_and_says_what_it_waits_for(
    bake: Bake, need_runner: None, uv: str, tmp_path: Path
) -> None:
    project = Project(bake(into=tmp_path / "baked", github_owner="acme"))
    shorten(project)
    project.commit("as generated")
    with no_known_vulnerability() as osv:
        world = settings(AUDIT_URL=osv)
        with GitHub(tmp_path / "github", path=path(), settings=world, parallel=1) as github:
            ended_well(pushed(github, project), "ci", "cd", "ct")

            assert "there is no DVC remote, and no registry in its place" in github.last("ct").jobs["retrain"].summary
            others = dict.fromkeys(("label", "propose", "report"), "skipped")
            assert github.last("ct").results == {"retrain": "success"} | others
            assert "no model yet" in github.last("ci").jobs["model"].summary

            doctor = github.dispatch("doctor")
            ended_well(github.run_all(), "doctor")
            assert "gh secret set" in doctor.log or "uv run cd4ml cloud bootstrap" in doctor.log, doctor.log


def test_a_remote_that_refuses_and_inputs_full_of_shell_leave_no_commit(
    bake: Bake, need_runner: None, uv: str, tmp_path: Path
) -> None:
    project = Project(bake(into=tmp_path / "baked", github_owner="acme"))
    shorten(project)
    (tmp_path / "a-file").touch()
    keep_at(project, f"{tmp_path}/a-file/in-which-nothing-fits")
    project.commit("as generated")
    with GitHub(tmp_path / "github", path=path(), settings=settings(), parallel=1) as github:
        github.main.take(project.folder)  # what a push to main starts is shown elsewhere
        before = github.main.refs()

        shell = f"$(touch {tmp_path}/was-here)`touch {tmp_path}/was-here`"
        asked = github.dispatch("ct", {"until": shell, "reason": shell})
        github.run_all()
        assert "until" in asked.jobs["retrain"].step("cd4ml refresh").log.lower(), report(asked)

        github.dispatch("ct", {"reason": shell})
        github.run_all()

        trained = github.last("ct")
        assert [step.name for step in trained.jobs["retrain"].steps if step.conclusion == "failure"] == [
            "uv run cd4ml push"
        ]
        assert trained.results["propose"] == "skipped"
        assert (asked.conclusion, trained.conclusion) == ("failure", "failure")
        assert github.main.refs() == before
        assert not github.pulls
        assert not (tmp_path / "was-here").exists()
