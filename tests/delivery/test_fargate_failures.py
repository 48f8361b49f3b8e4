"""Shipping to Fargate when something goes wrong: production is asked after each drill, and answers as before."""

from __future__ import annotations

import time

import pytest

from tests.delivery.aws.shop import LONG, Shop

pytestmark = pytest.mark.drill


def test_a_first_release_waits_for_what_ecs_does_not_know_yet(shop_on_aws: Shop) -> None:
    shop = shop_on_aws
    roles = shop.moto.gate.delays
    roles.calls = shop.ecs.delays.calls = 2
    roles.made(("to ECS", "demo-infrastructure"))

    said = shop.run("deploy", shop.images("one"), "production")

    assert "waiting, as this passes: An error occurred (AccessDeniedException) when calling the CreateExpress" in said
    assert roles.met == [("to ECS", "demo-infrastructure")] * 2
    assert shop.ecs.delays.met == ["demo"] * 2
    shop.run("promote", "production")
    assert shop.answers() == {"one"}


def test_after_an_image_that_does_not_start_the_next_one_deploys(live_on_aws: Shop) -> None:
    live = live_on_aws
    said = live.run("deploy", live.images("does-not-start"), "production", fails=True)
    assert "circuit breaker" in said
    assert live.answers() == {"one"}
    assert live.tags() == {}

    live.stage("two")
    assert live.tags() == {"previous": "one", "candidate": "two"}
    live.go_on()
    live.run("promote", "production")
    assert live.answers() == {"two"}


def test_a_candidate_that_answers_wrongly_is_taken_back(live_on_aws: Shop) -> None:
    live = live_on_aws
    revision = live.stage("two")
    assert "answers" in live.run("smoke", "production", fails=True, BUNDLE="what was trained")
    said = live.run("restore", "production", live.outputs["previous"], CANDIDATE=revision)
    assert "serves again" in said
    assert live.answers(times=60) == {"one"}
    assert live.tags() == {}
    assert "no candidate" in live.run("promote", "production", fails=True)
    assert live.answers() == {"one"}


def test_a_candidate_that_answers_with_errors_sets_off_the_alarm(live_on_aws: Shop) -> None:
    live = live_on_aws
    revision = live.stage("two")
    live.ecs.failures.faults[live.digest("two")] = "error"
    assert "answers with 500" in live.run("smoke", "production", fails=True, BUNDLE="two")
    live.service.settle()
    for arguments in (("canary", "production", "0"), ("promote", "production")):
        said = live.run(*arguments, fails=True, CANDIDATE=revision)
        assert "alarm demo-errors" in said
        assert "restore production" in said

    assert "alarm demo-errors" in live.run("status", "production")
    live.run("restore", "production", live.outputs["previous"], CANDIDATE=revision)
    assert live.answers(times=30) == {"one"}
    assert live.tags() == {}


def test_an_alarm_after_all_traffic_has_moved_is_noticed_by_promote(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.stage("two")
    live.ecs.pace.bake = LONG
    live.go_on()
    promoting = live.start("promote", "production")
    while live.service.deployments[-1].share < 100:
        assert promoting.poll() is None
        time.sleep(0.05)
    live.ecs.failures.faults[live.digest("two")] = "error"
    with pytest.raises(OSError, match="500"):
        live.answers(times=30)
    said = live.ended(promoting)
    assert promoting.returncode == 1
    assert "alarm demo-errors" in said
    assert live.answers() == {"one"}
    live.run("restore", "production")
    assert live.tags() == {}


def test_a_release_that_had_all_traffic_is_taken_back_by_another_deployment(live_on_aws: Shop) -> None:
    live = live_on_aws
    revision = live.stage("two")
    live.go_on()
    live.service.settle()
    assert live.answers() == {"two"}
    assert "moves traffic back" in live.run("restore", "production", CANDIDATE=revision)
    assert live.answers() == {"one"}
    assert live.tags() == {}


@pytest.mark.parametrize("write", [1, 2])
def test_an_api_that_fails_midway_changes_nothing_that_serves(live_on_aws: Shop, write: int) -> None:
    live = live_on_aws
    live.ecs.failures.fail_writes_from(write)
    live.run("deploy", live.images("two"), "production", fails=True)
    assert live.answers() == {"one"}

    live.ecs.failures.none()
    live.run("restore", "production")
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_a_release_that_the_api_does_not_let_end_can_be_ended_again(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.stage("two")
    live.go_on()
    live.ecs.failures.fail_writes_from(1)
    assert "run this again" in live.run("promote", "production", fails=True)
    assert live.tags() == {"previous": "one", "candidate": "two"}
    live.ecs.failures.none()
    live.ecs.failures.status = 500
    live.ecs.failures.fail_write(1)  # which aws itself tries again
    live.run("promote", "production")
    assert live.answers() == {"two"}
    assert live.tags() == {}


@pytest.mark.parametrize("write", [1, 2])
def test_a_deploy_that_is_killed_is_undone_by_the_next_one(live_on_aws: Shop, write: int) -> None:
    live = live_on_aws
    live.ecs.pace.canary = LONG
    live.killed_at(write, "deploy", live.images("two"), "production")
    assert live.tags() == {"previous": "one", "candidate": "two"}

    said = live.run("deploy", live.images("three"), "production")
    assert "an earlier release did not end" in said
    assert live.tags() == {"previous": "one", "candidate": "three"}
    assert live.answers(times=60) <= {"one", "three"}
    live.run("restore", "production")
    assert live.answers(times=60) == {"one"}
    assert live.tags() == {}


def test_a_killed_deploy_that_went_on_to_all_traffic_still_knows_what_was_good(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.killed_at(2, "deploy", live.images("two"), "production")
    live.service.settle()
    assert live.answers() == {"two"}

    said = live.run("deploy", live.images("does-not-start"), "production", fails=True)
    assert "serves again" in said
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_a_first_release_that_is_killed_is_taken_up_by_the_next_deploy(shop_on_aws: Shop) -> None:
    shop = shop_on_aws
    shop.killed_at(1, "deploy", shop.images("one"), "production")
    assert shop.tags() == {"candidate": "one"}
    shop.service.settle()
    shop.run("deploy", shop.images("two"), "production")
    assert shop.outputs["previous"] == ""
    shop.run("promote", "production")
    assert shop.answers() == {"two"}
    assert shop.tags() == {}


def test_a_promotion_that_is_killed_is_done_or_undone(live_on_aws: Shop) -> None:
    live = live_on_aws
    revision = live.stage("two")
    live.go_on()
    live.killed_at(1, "promote", "production", CANDIDATE=revision)
    assert "already takes all" in live.run("promote", "production", CANDIDATE=revision)
    assert live.answers() == {"two"}
    assert live.tags() == {}


@pytest.mark.parametrize("write", [1, 2])
def test_a_restore_that_is_killed_is_run_again(live_on_aws: Shop, write: int) -> None:
    live = live_on_aws
    revision = live.stage("two")
    live.killed_at(write, "restore", "production", CANDIDATE=revision)
    live.run("restore", "production", live.outputs["previous"], CANDIDATE=revision)
    assert live.answers(times=60) == {"one"}
    assert live.tags() == {}


def test_a_way_back_that_is_killed_is_waited_for_and_not_rolled_back(live_on_aws: Shop) -> None:
    live = live_on_aws
    revision = live.stage("two")
    live.go_on()
    live.service.settle()
    live.ecs.pace.canary = LONG
    live.killed_at(1, "restore", "production", CANDIDATE=revision)
    again = live.start("restore", "production", CANDIDATE=revision)
    assert again.stdout is not None
    assert "5 %" in again.stdout.readline()  # it has looked, and waits
    live.go_on()
    assert "serves again" in live.ended(again)
    assert live.answers() == {"one"}
    assert live.tags() == {}
    assert [write for write, _ in live.ecs.writes] == ["UpdateExpressGatewayService", "UntagResource"]


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_rollback_that_is_killed_is_undone_or_done(live_on_aws: Shop, write: int) -> None:
    live = live_on_aws
    live.killed_at(write, "rollback", "production", live.digest("two"), BUNDLE="two")
    live.service.settle()
    live.run("restore", "production")
    assert live.answers() == ({"two"} if write == 3 else {"one"})
    assert live.tags() == {}


def test_of_two_deploys_at_once_one_candidate_is_left_at_most_and_the_way_back_is_known(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.ecs.pace.canary = LONG
    both = [live.start("deploy", live.images(name), "production") for name in ("two", "three")]
    said = [live.ended(process) for process in both]
    assert [process.returncode for process in both] != [1, 1], said
    under_way = [one for one in live.service.deployments if one.under_way]
    assert len(under_way) <= 1, said
    assert live.answers(times=20) <= {"one", "two", "three"}

    live.run("restore", "production")
    assert live.answers(times=60) == {"one"}
    assert live.tags() == {}


def test_a_step_of_a_deploy_that_was_taken_over_does_nothing(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.stage("two")
    for arguments in (("promote", "production"), ("canary", "production", "0")):
        said = live.run(*arguments, CANDIDATE="4980306466373570000", fails=True)
        assert "another deploy has taken over" in said
    said = live.run("restore", "production", live.digest("one"), CANDIDATE="4980306466373570000")
    assert "another deploy has taken over" in said
    assert not live.ecs.writes
    assert live.tags() == {"previous": "one", "candidate": "two"}


def test_somebody_elses_deployment_is_left_alone(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.ecs.pace.canary = LONG
    live.ecs.act("Update", {"serviceArn": live.ecs.arn("demo")})
    said = live.run("deploy", live.images("two"), "production", fails=True)
    assert "somebody else's deployment" in said
    assert not live.ecs.writes


def test_waiting_has_an_end(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.stage("two")
    said = live.run("promote", "production", fails=True, FARGATE_PATIENCE="2")
    assert "did not get there within 2 seconds" in said
    assert live.tags() == {"previous": "one", "candidate": "two"}
