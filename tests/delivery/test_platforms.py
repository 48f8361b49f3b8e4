"""From a push to production and back on the other platforms, and every pair of options, executed as on Cloud Run.

Cloud Run's own stories are test_delivery.py (service account, the cloud's registry) and test_oidc.py (oidc, ghcr).
Docker Hub has no stand-in: where it is chosen, its token is not there yet, and images go to the cloud alone.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.aws.delivery import fargate
from tests.delivery.azure.delivery import aci
from tests.delivery.delivery import Delivery, Need, SetUp, delivered
from tests.delivery.docker_host.delivery import docker_host
from tests.delivery.github.runs import Run
from tests.delivery.google.delivery import cloud_run
from tests.delivery.story import released
from tests.delivery.world import ended_well, log_to_bucket, pushed, report, shorten
from tests.moving import keep_in, move, template_here
from tests.project.baked import Project
from tests.runbook import rollback
from tests.waiting import wait_for

SET_UP: dict[str, SetUp[Any]] = {"cloud-run": cloud_run, "fargate": fargate, "aci": aci, "docker-host": docker_host}

Ship = Callable[..., Any]


@pytest.fixture(scope="module")
def model(bake: Bake, uv: str, need_runner: None, engine: None, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose model was trained: the same on every platform, so that it is trained once."""
    project = Project(bake(into=tmp_path_factory.mktemp("model")))
    shorten(project, ci=False)
    project.make("train")
    return project


@pytest.fixture
def ship(bake: Bake, need: Need, model: Project, tmp_path: Path) -> Ship:
    """`with ship(platform, credentials, registry, ci=False, log=False) as delivery`: a trained project, its cloud."""

    @contextmanager
    def shipped(
        platform: str, credentials: str, registry: str, ci: bool = False, log: bool = False
    ) -> Iterator[Delivery[Any]]:
        answers = {"platform": platform, "credentials": credentials, "registry": registry, "github_owner": "acme"}
        project = Project(bake(into=tmp_path / "baked", **answers))
        shorten(project, ci=ci)
        if log:
            log_to_bucket(project)
        take_model(model.folder, project.folder)
        with delivered(project, need, tmp_path, SET_UP[platform], credentials) as delivery:
            delivery.train("the first model")
            yield delivery

    return shipped


def take_model(source: Path, target: Path) -> None:
    """Copy what training left: every file that a generated project does not have."""
    for path in source.rglob("*"):
        name = path.relative_to(source)
        if path.is_file() and not {".git", ".venv", "__pycache__"} & set(name.parts) and not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / name)


@pytest.mark.parametrize(
    ("platform", "credentials"),
    [("fargate", "oidc"), pytest.param("aci", "service-account", marks=pytest.mark.drill)],
)
def test_from_a_push_to_production_and_back(ship: Ship, platform: str, credentials: str) -> None:
    whole = platform == "fargate"
    with ship(platform, credentials, "cloud", ci=whole, log=True) as delivery:
        github, project = delivery.github, delivery.project
        first = released(delivery)
        if whole:  # the other is shown as well by what else reads its data
            ended_well([github.last("ci")], "ci")
        began = delivery.answers()

        ct = github.dispatch("ct")
        doctor = github.dispatch("doctor")
        github.run_all()
        ended_well([ct, doctor], "ct", "doctor")
        others = dict.fromkeys(("label", "propose", "report"), "skipped")
        assert ct.results == {"retrain": "success"} | others, "there is nothing new"
        assert "cd4ml cloud status\nflight-delays-staging https://" in doctor.log, report(doctor)

        project.replace("params.yaml", "iterations: 10", "iterations: 30")
        delivery.train("more trees")
        second = released(delivery)
        assert second != first
        assert len(github.releases) == 2

        github.dispatch(*rollback(project.folder, f"model-{first}"))
        ended_well(github.run_all(), "rollback", *(["ci"] if whole else []))  # of the revert
        again = delivery.answers()
        assert again == began | {"request_id": again["request_id"]}

        logged_in_time(delivery, began["request_id"], again["request_id"])
        kinds = {record["kind"] for record in delivery.recorded("production")}
        assert kinds == {"user", "smoke", "canary"}
        if platform != "aci":  # which kills what served in staging before the log was due
            assert {record["kind"] for record in delivery.recorded("staging")} == {"smoke"}


def logged_in_time(delivery: Delivery[Any], *answers: str) -> None:
    """Wait until these answers are in the log of production as a user's, for a little longer than the interval."""
    until = time.monotonic() + 20
    while True:
        kinds = {record["request_id"]: record["kind"] for record in delivery.recorded("production")}
        if set(answers) <= set(kinds):
            assert {kinds[answer] for answer in answers} == {"user"}
            return
        assert time.monotonic() < until, sorted(kinds)
        time.sleep(1)


@pytest.mark.drill
def test_from_a_push_to_a_host_and_back(ship: Ship) -> None:
    with ship("docker-host", "service-account", "ghcr") as delivery:
        github, project = delivery.github, delivery.project
        first = released(delivery)
        began = delivery.answers()
        (production,) = (job for job in github.last("cd").jobs.values() if job.name == "production")
        assert "is the first release" in printed(github.last("cd"), production.name)

        project.replace("params.yaml", "iterations: 10", "iterations: 30")
        delivery.train("more trees")
        second = released(delivery)
        assert second != first
        assert "10 %       to flight-delays-" in printed(github.last("cd"), production.name)

        github.dispatch(*rollback(project.folder, f"model-{first}"))
        ended_well(github.run_all(), "rollback")
        again = delivery.answers()
        assert again == began | {"request_id": again["request_id"]}


@pytest.mark.drill
@pytest.mark.parametrize("platform", ["cloud-run", "fargate", "aci"])
def test_a_rollback_does_not_wait_for_a_canary(ship: Ship, platform: str) -> None:
    with ship(platform, "service-account", "cloud") as delivery:
        github, project = delivery.github, delivery.project
        first = released(delivery)
        began = delivery.answers()
        project.replace("params.yaml", "iterations: 10", "iterations: 30")
        delivery.train("more trees")
        github.vars["CANARY_SECONDS"], github.parallel = "1800", 2
        pushed(github, project)
        release = github.last("cd")
        github.approve(release)
        rounds = "5 times"  # of its canary
        wait_for(lambda: rounds in printed(release, "production"), lambda: printed(release, "production"), 300)

        github.dispatch(*rollback(project.folder, f"model-{first}"))
        ended_well([run for run in github.run_all() if run.workflow == "rollback"], "rollback")

        again = delivery.answers()
        assert again == began | {"request_id": again["request_id"]}
        assert release.conclusion == "cancelled", report(release)
        assert "a rollback goes first" in release.summary, report(release)
        (restore,) = (step for step in release.jobs["production"].steps if "cloud restore" in step.name)
        assert restore.conclusion == "skipped", "it would have taken the service from the rollback"
        assert len(github.releases) == 1, "what was cancelled is not recorded"


@pytest.mark.drill
def test_a_way_back_that_github_cuts_off_is_gone_to_the_end_by_the_next_release(ship: Ship) -> None:
    """GitHub leaves five minutes to a job that is cancelled; Fargate's way back takes six or more."""
    with ship("fargate", "service-account", "cloud") as delivery:
        github, project = delivery.github, delivery.project
        released(delivery)
        began = delivery.answers()
        project.replace("params.yaml", "iterations: 10", "iterations: 30")
        delivery.train("more trees")
        github.vars["CANARY_SECONDS"], github.parallel, github.grace = "1800", 2, 45
        pushed(github, project)
        release = github.last("cd")
        github.approve(release)
        wait_for(lambda: "5 times" in printed(release, "production"), lambda: printed(release, "production"), 300)

        pace = delivery.cloud.ecs.pace
        pace.canary = 3600.0  # of the way back, which is a deployment too
        github.cancel(release)
        github.run_all()
        pace.canary = 0.0  # ECS goes on by itself

        assert release.conclusion == "cancelled", report(release)
        ends = {step.name: step.conclusion for step in release.jobs["production"].steps}
        assert "cancelled" in [end for name, end in ends.items() if "cloud restore" in name], ends
        wait_for(lambda: delivery.answers()["version"] == began["version"], lambda: "still the new one", 120)

        github.vars["CANARY_SECONDS"], github.grace = "0", 300
        again = github.dispatch("cd")
        github.run_all()
        delivery.approve(again)
        ended_well([again], "cd")
        assert delivery.answers()["version"] == again.jobs["check"].outputs["version"] != began["version"]


def printed(run: Run, job: str) -> str:
    """What a job that goes has printed so far."""
    return "".join(log.read_text(encoding="utf-8") for log in sorted((run.folder / "jobs" / job).glob("*.log")))


@pytest.mark.drill
@pytest.mark.parametrize(
    ("platform", "credentials", "registry"),
    [
        ("cloud-run", "service-account", "docker-hub"),
        ("fargate", "service-account", "ghcr"),
        ("fargate", "oidc", "docker-hub"),
        ("aci", "oidc", "ghcr"),
        ("aci", "service-account", "docker-hub"),
    ],
)
def test_a_pair_of_options(ship: Ship, platform: str, credentials: str, registry: str) -> None:
    with ship(platform, credentials, registry) as delivery:
        version = released(delivery)

        if registry == "ghcr":
            name = f"{delivery.github.vars['CONTAINER_REGISTRY']}/acme/flight-delays:{version}"
            command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{name}"]
            image = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            assert image["Labels"]["org.opencontainers.image.version"] == version


@pytest.mark.drill
def test_a_project_moves_to_another_cloud(ship: Ship, need: Need, tmp_path: Path) -> None:
    with ship("cloud-run", "service-account", "cloud") as delivery:
        github, project = delivery.github, delivery.project
        version, began = released(delivery), delivery.answers()
        template = template_here(tmp_path / "template")

        with fargate(need, tmp_path / "other", github.vars["CLOUD_REGISTRY"]) as there:
            move(project.folder, template, "fargate")
            found = f"uv run dvc remote modify storage endpointurl {there.remote['endpointurl']}"
            commands = keep_in(project.folder, there.remote["url"]).replace("make setup", f"{found}\nmake setup")
            project.run("bash", "-euc", commands, settings=delivery.cloud.storage | there.storage)
            project.commit("to another cloud")
            there.keys(github)
            github.settings |= there.settings
            github.vars |= there.variables

            elsewhere = Delivery(project, github, there)
            assert released(elsewhere) == version
            moved = elsewhere.answers()
            assert moved == began | {"request_id": moved["request_id"]}
