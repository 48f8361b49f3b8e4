"""From a push to production and back, executed: the real workflows, engine, registry, gcloud and service.

GitHub, Cloud Run and the bucket are stand-ins on the loopback. The project is the default one, shortened.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.delivery import Delivery, Need, delivered
from tests.delivery.google.delivery import CloudRun, cloud_run
from tests.delivery.world import ended_well, log_to_bucket, pushed, report, shorten
from tests.project.baked import Project

HOSTILE = "it's worse; $(touch /tmp/cd4ml-was-here) `touch /tmp/cd4ml-was-here` ${{ github.token }}"
TITLE = f"More trees: {HOSTILE}"
BRANCH = "trees-$(touch${IFS}/tmp/cd4ml-was-here)"


@pytest.fixture
def delivery(
    bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path: Path
) -> Iterator[Delivery[CloudRun]]:
    project = Project(bake(into=tmp_path / "baked", github_owner="acme"))
    shorten(project)
    log_to_bucket(project)
    with delivered(project, need, tmp_path, cloud_run) as delivery:
        yield delivery


def test_from_the_first_push_to_production_and_back(delivery: Delivery[CloudRun]) -> None:
    github = delivery.github
    ended_well(pushed(github, delivery.project), "ci", "cd", "ct", "ci")
    (first,) = github.pulls

    run = delivery.release(first)
    ended_well([run], "cd")
    assert set(run.results.values()) == {"success"}, report(run)
    began = delivery.answers()
    assert began["version"] == run.jobs["check"].outputs["version"]
    assert delivery.live == run.event.sha
    (release,) = github.releases
    assert release["tag_name"] == f"model-{began['version']}"

    second = delivery.change(BRANCH, "params.yaml", "iterations: 10", "iterations: 30", TITLE)
    (refused,) = github.run_all()
    assert "dvc.lock is stale" in refused.jobs["model"].log
    failed = {name for name, result in refused.results.items() if result != "success"}
    assert failed == {"model", "ci"}, report(refused)
    github.label(second, "train")
    ended_well(github.run_all(), "ct", "ci")
    assert github.issues[second]["labels"] == []
    assert len(github.comments_on(second)) == 1
    github.merge(second)
    github.run_all()
    run = github.last("cd")
    change_a_workflow(delivery)  # while the release waits: from now on no workflow's token may push its commit
    delivery.approve(run)
    ended_well([run], "cd")
    assert "10 %" in run.jobs["production"].log
    later = delivery.answers()
    assert later["version"] != began["version"]
    assert delivery.live == run.event.sha

    github.dispatch("rollback.yml", {"release": release["tag_name"], "reason": HOSTILE})
    ended_well(github.run_all(), "rollback", "ci")  # of the revert that it proposes
    again = delivery.answers()
    assert again == began | {"request_id": again["request_id"]}
    shown = [deployment["sha"] for deployment in github.deployments]
    assert shown == [shown[0], run.event.sha, shown[0]], "the repository's page names what is live"
    quarantined = [name for name in github.main.refs() if name.startswith("refs/heads/quarantine/")]
    assert quarantined == [f"refs/heads/quarantine/{later['version'].rpartition('.')[2]}"]

    events = delivery.github.main.git("log", "--format=%s", "production").splitlines()
    first_version, second_version = began["version"], later["version"]
    assert events == [f"rollback to {first_version}", f"release {second_version}", f"release {first_version}"]

    check_out_main(delivery)
    delivery.project.replace("README.md", "## How it works", "## How this works")
    delivery.project.commit("a push after the rollback")
    ended_well(pushed(github, delivery.project), "ci", "cd")
    assert github.last("cd").results["build"] == "skipped"
    assert delivery.answers()["version"] == began["version"]
    assert not Path("/tmp/cd4ml-was-here").exists()

    kinds = {record["request_id"]: record["kind"] for record in delivery.recorded("production")}
    assert {kinds[answer["request_id"]] for answer in (began, later, again)} == {"user"}
    assert set(kinds.values()) == {"user", "smoke", "canary"}
    assert {record["kind"] for record in delivery.recorded("staging")} == {"smoke"}


def check_out_main(delivery: Delivery[CloudRun]) -> None:
    delivery.project.run("git", "fetch", "--quiet", delivery.github.clone_url, "main")
    delivery.project.run("git", "checkout", "--quiet", "-B", "main", "FETCH_HEAD")


def change_a_workflow(delivery: Delivery[CloudRun]) -> None:
    """Change a workflow on main, without starting any."""
    check_out_main(delivery)
    delivery.project.replace(".github/workflows/doctor.yml", "timeout-minutes: 10", "timeout-minutes: 11")
    delivery.project.commit("a longer time limit")
    delivery.github.main.take(delivery.project.folder)
