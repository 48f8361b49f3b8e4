"""What one run to Fargate began and another goes on with: killed, given up, done twice, or overtaken."""

from __future__ import annotations

import pytest

from tests.delivery.aws.shop import LONG, Shop

pytestmark = pytest.mark.drill


@pytest.mark.parametrize("finished", [False, True])
def test_a_rollback_that_is_killed_goes_on_where_it_was(live_on_aws: Shop, finished: bool) -> None:
    live = live_on_aws
    live.ecs.pace.canary = 0.0 if finished else LONG
    live.killed_at(2, "rollback", "production", live.digest("two"), BUNDLE="two")
    if finished:
        live.service.settle()

    again = live.start("rollback", "production", live.digest("two"), BUNDLE="two")
    assert again.stdout is not None
    assert "goes on" in again.stdout.readline()
    live.go_on()
    said = live.ended(again)
    assert again.returncode == 0, said
    assert live.answers() == {"two"}
    assert live.tags() == {}
    assert len(live.service.deployments) == 2  # nothing was begun anew


def test_a_rollback_that_is_killed_and_then_taken_back_by_ecs_begins_anew(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.ecs.pace.canary = LONG
    live.killed_at(2, "rollback", "production", live.digest("two"), BUNDLE="two")
    live.service.stop(live.service.deployments[-1])
    live.service.settle()
    live.go_on()
    live.run("rollback", "production", live.digest("two"), BUNDLE="two")
    assert live.answers() == {"two"}
    assert len(live.service.deployments) == 3


def test_a_redeploy_of_the_live_image_is_taken_back_too(live_on_aws: Shop) -> None:
    live = live_on_aws
    revision = live.stage("one")
    assert live.tags() == {"previous": "one", "candidate": "one"}
    said = live.run("restore", "production", live.digest("one"), CANDIDATE="4980306466373570000")
    assert "another deploy has taken over" in said
    assert not live.ecs.writes

    live.run("restore", "production", live.outputs["previous"], CANDIDATE=revision, FARGATE_PATIENCE="30")
    assert [one.status for one in live.service.deployments] == ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_a_killed_redeploy_of_the_live_image_is_undone_by_the_next_deploy(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.ecs.pace.canary = LONG
    live.killed_at(2, "deploy", live.images("one"), "production")
    live.run("deploy", live.images("two"), "production", FARGATE_PATIENCE="30")
    assert [one.status for one in live.service.deployments] == ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "IN_PROGRESS"]
    assert live.tags() == {"previous": "one", "candidate": "two"}


def test_a_deploy_that_is_overtaken_leaves_the_other_alone(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.ecs.pace.canary = LONG
    three = live.images("three")

    def overtake() -> None:
        container = live.service.settings["primaryContainer"] | {"image": three}
        live.ecs.act("Update", {"serviceArn": live.ecs.arn("demo"), "primaryContainer": container})
        live.service.tags["candidate"] = live.digest("three")

    live.failures.after_write(2, overtake)
    said = live.run("deploy", live.images("two"), "production", fails=True)
    assert "another deploy has taken over" in said
    live.failures.none()

    # as cd does it then
    known = {name: live.outputs.get(name, "") for name in ("previous", "revision")}
    said = live.run("restore", "production", known["previous"], CANDIDATE=known["revision"], FARGATE_PATIENCE="30")
    assert "another deploy has taken over" in said
    assert live.service.deployments[-1].under_way
    assert live.tags() == {"previous": "one", "candidate": "three"}


@pytest.mark.parametrize("write", [1, 2])
def test_a_way_back_after_a_release_has_ended_is_known_when_it_is_killed(live_on_aws: Shop, write: int) -> None:
    live = live_on_aws
    live.release("two")
    live.ecs.pace.canary = LONG
    live.killed_at(write, "restore", "production", live.digest("one"), FARGATE_PATIENCE="30")
    assert live.tags() == {"previous": "one", "candidate": "two"}

    live.go_on()
    said = live.run("deploy", live.images("three"), "production")
    assert "an earlier release did not end" in said
    assert live.outputs["previous"] == live.digest("one")
    live.run("restore", "production")
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_a_deploy_for_which_patience_ends_is_taken_back(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.ecs.pace.start = LONG
    said = live.run("deploy", live.images("two"), "production", fails=True, FARGATE_PATIENCE="15")
    assert "FARGATE_PATIENCE" in said
    assert "serves again" in said
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_a_service_that_was_deployed_often_still_shows_its_newest(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.ecs.pace.start = LONG
    for _ in range(25):
        live.ecs.act("Update", {"serviceArn": live.ecs.arn("demo")})
    assert len(live.run("status", "production", LINES_SHOWN="100").splitlines()) == 2 + 26
