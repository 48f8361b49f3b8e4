"""A dry run after a release that did not end: the commands go on from what the first of them would leave."""

import shlex
from typing import Any

import pytest
from az_in_memory import Az
from cd4ml.deploy.aci.platform import ContainerInstances
from cd4ml.deploy.cloud_run.platform import CloudRun
from cd4ml.deploy.docker_host.platform import DockerHost
from cd4ml.deploy.docker_host.site import Site, write_site
from cd4ml.deploy.fargate.platform import Fargate
from cd4ml.deploy.platform import Platform
from cd4ml.deploy.verbs import Verbs
from cd4ml.settings.project import Project
from docker_in_memory import Docker
from ecs_in_memory import REPOSITORY, Aws, Cloud
from gcloud_in_memory import Gcloud
from killable_run import KillableRun

ONE, TWO, THREE = (f"{REPOSITORY}@sha256:{digit * 64}" for digit in "123")
DEPLOY, ROLLBACK = ("deploy", THREE, "production"), ("rollback", "production", THREE.partition("@")[2])


def dry_run(kind: Any, effects: KillableRun, verb: str, *words: str) -> None:
    """Run a verb of a platform, which changes nothing."""
    effects.dry_run = True
    project = Project("demo", "", "demo", effects.label, "oidc", "ghcr")
    platform: Platform[Any] = kind(project, effects)
    Verbs(platform, effects, "false").run(verb, [*words])
    assert not effects.writes


def commands(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The commands that were printed."""
    return [shlex.split(line) for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("verb", [DEPLOY, ROLLBACK])
def test_after_a_canary_on_cloud_run_that_did_not_end(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    gcloud = Gcloud()
    gcloud.exists, gcloud.revisions = True, {"demo-one": ONE, "demo-two": TWO}
    gcloud.traffic = {"demo-one": 90, "demo-two": 10}
    gcloud.tags = {"previous": "demo-one", "candidate": "demo-two"}

    dry_run(CloudRun, gcloud, *verb)

    undone, intent, made = commands(capsys)
    assert undone[-4:] == ["--to-revisions", "demo-one=100", "--remove-tags", "candidate,previous"]
    assert intent[-4:] == ["--to-revisions", "demo-one=100", "--update-tags", "previous=demo-one"]
    assert "--no-traffic" in made


@pytest.mark.parametrize("verb", [DEPLOY, ROLLBACK])
def test_after_a_canary_on_a_host_that_did_not_end(verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    docker = Docker()
    for name, image in (("demo-one", ONE), ("demo-two", TWO)):
        docker.containers[name] = {
            "name": name, "image": image, "service": "demo", "state": "running", "created": "2026",
        }  # fmt: skip
    shares = {"demo-one": 90, "demo-two": 10}
    docker.files = write_site("demo", Site("model.example.com", "public", shares, "demo-two", "demo-one", "demo-two"))

    dry_run(DockerHost, docker, *verb)

    *_, intent = [line for line in capsys.readouterr().out.splitlines() if "# cd4ml " in line]
    assert '"shares": {"demo-one": 100}' in intent
    assert '"previous": "demo-one"' in intent


def test_after_a_swap_on_container_instances_that_did_not_end(capsys: pytest.CaptureFixture[str]) -> None:
    az = Az()
    az.serve("demo-two", TWO, step="swap", previous="demo-one", **{"previous-image": ONE})
    az.serve("demo-two", TWO, "demo-candidate", step="deploy", previous="demo-one", **{"previous-image": ONE})

    dry_run(ContainerInstances, az, *DEPLOY)

    *_, candidate = capsys.readouterr().out.split("# demo-candidate.yaml")
    assert f"image: '{THREE}'" in candidate
    assert "previous: 'demo-one'" in candidate
    assert f"previous-image: '{ONE}'" in candidate


def test_after_a_first_release_to_fargate_that_did_not_come_up(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    cloud.status, cloud.tags, cloud.broken = "ACTIVE", {"candidate": ONE.partition("@")[2]}, {ONE}
    cloud.begin(ONE)
    cloud.settle()

    dry_run(Fargate, Aws(cloud), *DEPLOY)

    assert [words[2] for words in commands(capsys)] == [
        "delete-express-gateway-service", "create-express-gateway-service",
    ]  # fmt: skip


def test_a_rollback_to_what_served_before_a_canary_shows_how_it_is_ended(capsys: pytest.CaptureFixture[str]) -> None:
    back = ("rollback", "production", ONE.partition("@")[2])
    cloud = Cloud()
    cloud.status = "ACTIVE"
    cloud.begin(ONE)
    cloud.settle()
    cloud.stays = True
    cloud.begin(TWO)
    cloud.tags = {tag: image.partition("@")[2] for tag, image in (("previous", ONE), ("candidate", TWO))}
    dry_run(Fargate, Aws(cloud), *back)
    assert commands(capsys)[0][2] == "stop-service-deployment"

    az = Az()
    az.serve("demo-one", ONE, step="deploy", candidate="demo-two")
    az.serve("demo-two", TWO, "demo-candidate", step="deploy", previous="demo-one", **{"previous-image": ONE})
    dry_run(ContainerInstances, az, *back)
    assert [words[1:3] for words in commands(capsys)] == [["container", "delete"], ["tag", "update"]]


def test_a_way_back_on_fargate_that_is_under_way_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    cloud.status = "ACTIVE"
    cloud.begin(ONE)
    cloud.settle()
    cloud.begin(TWO)
    cloud.settle()
    cloud.begin(ONE)
    cloud.stays = True
    cloud.tags = {tag: image.partition("@")[2] for tag, image in (("previous", ONE), ("candidate", TWO))}

    dry_run(Fargate, Aws(cloud), *DEPLOY)

    assert cloud.states[-1] in ("PENDING", "IN_PROGRESS")
    assert [words[2] for words in commands(capsys)] == ["tag-resource", "update-express-gateway-service"]
