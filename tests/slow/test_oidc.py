"""The way to production without a key: each job signs in by what GitHub says of it, and only where it is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.slow.baked import Project
from tests.slow.delivery import STORAGE, Delivery, Need, delivered, emails, trust
from tests.slow.google import cloud
from tests.slow.test_image import engine
from tests.slow.world import ended_well, missing, pushed, report, shorten

__all__ = ["engine"]


@pytest.fixture
def delivery(bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path: Path) -> Iterator[Delivery]:
    need("registry", not missing(), f"{missing()} is not installed")
    need("gcloud", not (reason := cloud.why_not_here()), str(reason))
    project = Project(bake(into=tmp_path / "baked", github_owner="acme", credentials="oidc"))
    shorten(project)
    (project.folder / ".github/workflows/ci.yml").unlink()  # it is shown elsewhere
    with delivered(project, need, tmp_path, sign_in=trust) as delivery:
        for verb in ("train", "gate", "push"):
            project.make(verb, settings={name: delivery.github.settings[name] for name in STORAGE})
        project.commit("the first model")
        yield delivery


def test_a_release_without_a_key_and_none_from_an_environment_that_is_not_trusted(delivery: Delivery) -> None:
    github = delivery.github
    place = github.environments["production"].vars
    place["GCP_SERVICE_ACCOUNT"] = emails(delivery.google)["trainer"]

    (run,) = pushed(github, delivery.project)
    github.approve(run)
    github.run_all()
    assert run.results["staging"] == "success", report(run)
    assert run.results["production"] == "failure", report(run)
    assert "Permission 'iam.serviceAccounts.getAccessToken' denied" in run.jobs["production"].log

    place["GCP_SERVICE_ACCOUNT"] = emails(delivery.google)["production"]
    run = github.dispatch("cd")
    github.run_all()
    github.approve(run)
    github.run_all()
    ended_well([run], "cd")
    assert delivery.answers()["version"] == run.jobs["look"].outputs["version"]
    assert delivery.live == run.event.sha
