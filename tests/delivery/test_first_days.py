"""A first day, and a rollback, on Google and Azure, where roles are enforced and what was just made is known later.

An owner bootstraps an empty project; what that tells GitHub is all that the workflows have.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.azure import cloud as azure_cloud
from tests.delivery.azure import site as on_azure
from tests.delivery.azure.delivery import ContainerInstances, aci
from tests.delivery.delivery import KEY, Delivery, Need, delivered
from tests.delivery.github import Environment, GitHub
from tests.delivery.google import cloud as google_cloud
from tests.delivery.google import site as on_google
from tests.delivery.google.delivery import CloudRun, cloud_run
from tests.delivery.stand_ins.delays import Delays
from tests.delivery.stand_ins.script import SettingUp, owner
from tests.delivery.story import released_twice_and_rolled_back
from tests.delivery.world import report, shorten
from tests.project.baked import Project

Day = Callable[..., Any]


@pytest.fixture
def day(bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path: Path) -> Day:
    """`with day(platform, credentials, set_up) as delivery`: a project as generated, and a cloud with nothing in it."""

    @contextmanager
    def began(platform: str, credentials: str, set_up: Any, plan: str = "pro") -> Iterator[Delivery[Any]]:
        answers = {"platform": platform, "credentials": credentials, "registry": "cloud", "github_owner": "acme"}
        project = Project(bake(into=tmp_path / "baked", **answers))
        shorten(project, ci=False)
        with delivered(project, need, tmp_path, partial(set_up, bare=True), "") as delivery:
            delivery.github.environments.clear()
            delivery.github.has_environments = plan != "free"
            yield delivery

    return began


def bootstrapped(site: SettingUp, delays: Delays, github: GitHub) -> str:
    """Bootstrap, which is to meet the cloud's delays; look; tell GitHub; return what was printed."""
    told = {
        "repository": github.repository,
        "numbers": [github.repository_id, github.owner_id],
        "plan": "pro" if github.has_environments else "free",
    }
    Path(site.settings["GH_STATE"]).write_text(json.dumps(told))
    said = site.run("bootstrap", "--set-secrets", SERVICE_API_KEYS=KEY)
    assert delays.met, "nothing was unknown to any call"
    assert "waiting, as this passes" in said
    delays.pass_by()
    looked = site.run("doctor", SERVICE_API_KEYS=KEY)
    assert "missing" not in looked
    assert "wrong" not in looked

    state = site.github
    for name, fields in state.get("environments", {}).items():
        secrets, variables = (state.get(kind, {}).get(name, {}) for kind in ("secret", "variable"))
        only = ["main"] if "name=main" in fields else []
        github.environments[name] = Environment(secrets, variables, reviewers=name == "approval", branches=only)
    github.vars |= state["variable"]["repository"]
    github.secrets |= state["secret"].get("repository", {})
    return said


def to_production_and_back(delivery: Delivery[Any]) -> None:
    """Release one model, then another, roll back to the first, and let the workflow `doctor` find nothing missing."""
    released_twice_and_rolled_back(delivery)
    github = delivery.github
    doctor = github.dispatch("doctor")
    github.run_all()
    assert doctor.conclusion == "success", report(doctor)


@pytest.mark.drill
@pytest.mark.parametrize(("credentials", "plan"), [("oidc", "pro"), ("service-account", "free")])
def test_a_first_day_on_google(day: Day, tmp_path: Path, credentials: str, plan: str) -> None:
    with day("cloud-run", credentials, cloud_run, plan) as delivery:
        cloud: CloudRun = delivery.cloud
        here = google_cloud.environment(cloud.google, tmp_path / "owner")
        here |= owner(tmp_path, os.environ["PATH"])
        site = on_google.Site(delivery.project.folder, here, cloud.google)

        bootstrapped(site, cloud.google.resources.delays, delivery.github)
        assert any("@" in str(name) for name in cloud.google.resources.delays.met), "an account that is not known yet"
        assert "run.googleapis.com" in cloud.google.resources.enabled
        to_production_and_back(delivery)

        refused = {permission for _, permission, _ in cloud.google.rights.refused}
        assert refused <= {"serviceusage.services.get"}, "whether an API is enabled gcloud goes on without knowing"


@pytest.mark.drill
def test_a_first_day_on_azure(day: Day, tmp_path: Path) -> None:
    with day("aci", "service-account", aci) as delivery:
        cloud: ContainerInstances = delivery.cloud
        here = azure_cloud.environment(cloud.azure, tmp_path / "owner")
        here |= owner(tmp_path, here["PATH"]) | {"AZURE_RESOURCE_GROUP": cloud.azure.resource_group}
        site = on_azure.Site(delivery.project.folder, here, cloud.azure)

        bootstrapped(site, cloud.azure.entra.delays, delivery.github)
        assert len(cloud.azure.entra.apps) == 3, "none is made twice"
        to_production_and_back(delivery)

        assert cloud.azure.rights.refused == []
