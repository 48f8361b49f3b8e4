"""Shipping to Cloud Run when something goes wrong: production is asked after each drill, and answers as before."""

from __future__ import annotations

import pytest

from tests.delivery.google.shop import Shop

pytestmark = pytest.mark.drill


def test_after_an_image_that_does_not_start_the_next_one_deploys(live: Shop) -> None:
    said = live.run("deploy", live.images("does-not-start"), "production", fails=True)
    assert "failed to start" in said
    assert live.answers() == {"one"}
    assert live.tags() == {}

    live.run("deploy", live.images("two"), "production")
    assert live.answers() == {"one"}
    assert live.tags() == {
        "previous": "demo-one",
        "candidate": live.google.services["demo"].read()["status"]["latestReadyRevisionName"],
    }


def test_a_candidate_that_answers_wrongly_is_taken_back(live: Shop) -> None:
    live.stage("two")
    assert "two answers" in live.run("smoke", "production", fails=True, BUNDLE="what was trained")
    assert live.answers() == {"one"}
    assert "demo-one serves again" in live.run("restore", "production")
    assert live.answers() == {"one"}
    assert "no candidate" in live.run("promote", "production", fails=True)
    assert live.answers() == {"one"}


def test_a_canary_that_answers_with_errors_fails_and_is_taken_back(live: Shop) -> None:
    candidate = live.stage("two")
    live.run("promote", "production", "10")
    assert "probes only" in live.run("canary", "production", "0", CANARY_MINIMUM="1000")

    live.google.answered[candidate, "2xx"] += 950
    live.google.answered[candidate, "5xx"] += 50
    assert "50 of 1" in live.run("canary", "production", "0", fails=True)
    live.google.failures.faults[live.images("two")] = "error"
    assert "fails its probes" in live.run("canary", "production", "0", fails=True)

    live.run("restore", "production")
    assert live.answers(times=30) == {"one"}


@pytest.mark.parametrize("write", [1, 2])
def test_an_api_that_fails_midway_changes_nothing_that_serves(live: Shop, write: int) -> None:
    live.google.failures.fail_writes_from(write)
    live.run("deploy", live.images("two"), "production", fails=True)
    assert live.answers() == {"one"}

    live.google.failures.none()
    live.run("restore", "production")
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_a_promotion_that_the_api_refuses_is_told_and_can_be_run_again(live: Shop) -> None:
    live.stage("two")
    live.google.failures.fail_writes_from(1)
    assert "could not be told" in live.run("promote", "production", fails=True)
    assert live.answers() == {"one"}
    live.google.failures.none()
    live.google.failures.status = 500
    live.google.failures.fail_write(1)  # which gcloud itself tries again
    live.run("promote", "production")
    assert live.answers() == {"two"}


@pytest.mark.parametrize("write", [1, 2])
def test_a_deploy_that_is_killed_is_undone_by_the_next_one(live: Shop, write: int) -> None:
    live.killed_at(write, "deploy", live.images("two"), "production")
    live.google.services["demo"].settle()
    assert live.answers() == {"one"}
    assert live.tags()["previous"] == "demo-one"

    said = live.run("deploy", live.images("three"), "production")
    assert "an earlier release did not end; back to demo-one first" in said
    assert live.answers() == {"one"}
    assert live.tags()["previous"] == "demo-one"
    assert live.tags()["candidate"].endswith(live.images("three").partition("sha256:")[2][:7])


def test_a_promotion_that_is_killed_is_undone_or_done(live: Shop) -> None:
    live.stage("two")
    live.killed_at(1, "promote", "production", "50")
    live.google.services["demo"].settle()
    live.run("restore", "production")
    assert live.answers(times=20) == {"one"}
    assert live.tags() == {}

    candidate = live.stage("three")
    live.killed_at(1, "promote", "production")
    live.google.services["demo"].settle()
    assert "already takes all" in live.run("promote", "production", CANDIDATE=candidate)
    assert live.answers() == {"three"}
    assert live.tags() == {}


def test_a_restore_that_is_killed_is_run_again(live: Shop) -> None:
    live.stage("two")
    live.killed_at(1, "restore", "production")
    live.google.services["demo"].settle()
    assert "no release is under way" in live.run("restore", "production")
    assert live.answers() == {"one"}


def test_of_two_deploys_at_once_one_candidate_is_left_at_most_and_production_is_untouched(live: Shop) -> None:
    both = [live.start("deploy", live.images(name), "production") for name in ("two", "three")]
    said = [live.ended(process) for process in both]
    live.google.services["demo"].settle()
    assert live.answers() == {"one"}, said

    live.run("restore", "production")
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_a_step_of_a_deploy_that_was_taken_over_does_nothing(live: Shop) -> None:
    live.stage("two")
    said = live.run("promote", "production", CANDIDATE="demo-20260101000000-1d40b8a", fails=True)
    assert "another deploy has taken over" in said
    said = live.run("restore", "production", CANDIDATE="demo-20260101000000-1d40b8a")
    assert "another deploy has taken over" in said
    assert live.tags() == {"previous": "demo-one", "candidate": "demo-two"}
    assert live.answers() == {"one"}
