"""The way to production without a key: each job signs in by what GitHub says of it, and only where it is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.delivery import Delivery, Need, delivered
from tests.delivery.google.delivery import CloudRun, cloud_run
from tests.delivery.world import ended_well, pushed, report, shorten
from tests.project.baked import Project


@pytest.fixture
def delivery(
    bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path: Path
) -> Iterator[Delivery[CloudRun]]:
    project = Project(bake(into=tmp_path / "baked", github_owner="acme", credentials="oidc", registry="ghcr"))
    shorten(project, ci=False)
    with delivered(project, need, tmp_path, cloud_run, "oidc") as delivery:
        delivery.train("the first model")
        yield delivery


@pytest.mark.drill
def test_a_release_without_a_key_and_none_from_an_environment_that_is_not_trusted(delivery: Delivery[CloudRun]) -> None:
    github = delivery.github
    place = github.environments["production"].vars
    place["GCP_SERVICE_ACCOUNT"] = delivery.cloud.emails()["trainer"]

    (run,) = pushed(github, delivery.project)
    delivery.approve(run)
    assert run.results["staging"] == "success", report(run)
    assert run.results["production"] == "failure", report(run)
    assert "Permission 'iam.serviceAccounts.getAccessToken' denied" in run.jobs["production"].log

    place["GCP_SERVICE_ACCOUNT"] = delivery.cloud.emails()["production"]
    run = delivery.ship()
    ended_well([run], "cd")
    assert delivery.answers()["version"] == run.jobs["check"].outputs["version"]
    assert delivery.live == run.event.sha
