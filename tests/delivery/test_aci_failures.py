"""Shipping to Container Instances when something goes wrong: production is asked after each drill."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.delivery.azure.shop import Shop

pytestmark = pytest.mark.drill


def test_after_an_image_that_does_not_start_the_next_one_deploys(live_on_azure: Shop) -> None:
    live = live_on_azure
    said = live.run("deploy", live.images("does-not-start"), "production", fails=True)
    assert "no model in models/bundle" in said
    assert "https said last:\n{" in said, "what Caddy says of its certificate is there too"
    live.serves("one")

    live.run("deploy", live.images("two"), "production")
    assert live.answer() == "one"
    assert live.tags()["candidate"] == live.tags("demo-candidate")["revision"]
    assert live.tags("demo-candidate")["previous"] == "demo-one"


def test_a_first_release_that_fails_leaves_nothing(shop_on_azure: Shop) -> None:
    shop = shop_on_azure
    said = shop.run("deploy", shop.images("does-not-start"), "production", fails=True)
    assert "nothing served before the first release" in said
    assert not shop.azure.groups
    missing = f"demo.azurecr.io/demo@sha256:{'0' * 64}"
    assert "InaccessibleImage" in shop.run("deploy", missing, "production", fails=True)
    assert not shop.azure.groups


def test_a_candidate_that_answers_wrongly_is_taken_back(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    assert "two answers" in live.run("smoke", "production", fails=True, BUNDLE="what was trained")
    assert live.answer() == "one"
    assert "demo-one serves again" in live.run("restore", "production")
    live.serves("one")
    assert "no candidate" in live.run("promote", "production", fails=True)


def test_a_canary_that_answers_with_errors_fails_and_is_taken_back(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    assert "probes only" in live.run("canary", "production", "0")
    live.azure.groups["demo-candidate"].stop_service()
    assert "fails its probes" in live.run("canary", "production", "0", fails=True)
    live.run("restore", "production")
    live.serves("one")


@pytest.mark.parametrize("write", [1, 2])
def test_an_api_that_fails_midway_changes_nothing_that_serves(live_on_azure: Shop, write: int) -> None:
    live = live_on_azure
    live.azure.failures.fail_writes_from(write)
    live.run("deploy", live.images("two"), "production", fails=True)
    assert live.answer() == "one"
    assert live.azure.groups["demo"].starts == 1, "it was not restarted"

    live.azure.failures.none()
    live.run("restore", "production")
    live.serves("one")


def test_a_promotion_that_the_api_refuses_is_told_and_can_be_run_again(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    live.azure.failures.fail_write(1)
    assert "demo-one serves as before" in live.run("promote", "production", fails=True)
    assert live.answer() == "one"
    live.azure.failures.fail_write(2)
    assert "could not be ended" in live.run("promote", "production", fails=True)
    assert live.answer() == "two"
    live.azure.failures.none()
    live.run("promote", "production")
    live.serves("two")
    assert live.tags()["previous"] == "demo-one"


def test_a_service_that_does_not_come_up_where_its_candidate_did_goes_back_by_itself(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    live.stop_after_write(1)
    said = live.run("promote", "production", fails=True, SERVICE_START_SECONDS="5")
    assert "demo-one serves again" in said
    assert "not promoted: demo-two" in said
    live.serves("one")


@pytest.mark.parametrize("write", [1, 2])
def test_a_deploy_that_is_killed_is_undone_by_the_next_one(live_on_azure: Shop, write: int) -> None:
    live = live_on_azure
    live.killed_at(write, "deploy", live.images("two"), "production")
    assert live.answer() == "one"
    assert live.tags()["step"] == "deploy"

    said = live.run("deploy", live.images("three"), "production")
    assert "an earlier release did not end; back to demo-one first" in said
    assert live.answer() == "one"
    assert live.answer("demo-candidate") == "three"


def test_a_promotion_that_is_killed_when_it_swaps_is_undone_by_the_next_deploy(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    live.killed_at(1, "promote", "production")
    said = live.run("deploy", live.images("three"), "production")
    assert "back to demo-one first" in said
    live.wait_for("one")
    assert live.answer("demo-candidate") == "three"


def test_a_promotion_that_is_killed_is_undone_or_done(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    live.killed_at(1, "promote", "production")
    assert "demo-one serves again" in live.run("restore", "production")
    live.serves("one")

    candidate = live.stage("three")
    live.killed_at(1, "promote", "production")
    live.run("promote", "production", CANDIDATE=candidate)
    live.serves("three")
    assert live.tags()["previous"] == "demo-one"

    for write, release in ((2, "four"), (3, "five")):
        candidate = live.stage(release, before="three")
        live.killed_at(write, "promote", "production")
        assert "already serves" in live.run("promote", "production", CANDIDATE=candidate)
        live.serves(release)


def test_a_first_promotion_that_is_killed_is_undone(shop_on_azure: Shop) -> None:
    shop = shop_on_azure
    shop.run("deploy", shop.images("one"), "production")
    shop.killed_at(1, "promote", "production")
    assert "nothing served before" in shop.run("restore", "production")
    assert not shop.azure.groups


def test_a_service_that_was_removed_to_change_its_size_comes_back_with_the_next_deploy(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    live.killed_at(1, "promote", "production", SERVICE_CPU="2")
    assert set(live.azure.groups) == {"demo-candidate"}
    said = live.run("deploy", live.images("three"), "production")
    assert "back to demo-one first" in said
    live.wait_for("one")


def test_of_two_deploys_at_once_one_candidate_is_left_at_most_and_production_is_untouched(live_on_azure: Shop) -> None:
    live = live_on_azure
    both = [live.start("deploy", live.images(name), "production") for name in ("two", "three")]
    said = [live.ended(process) for process in both]
    assert [process.returncode for process in both] != [0, 0], said
    assert live.answer() == "one", said
    assert live.azure.groups["demo"].starts == 1

    live.run("restore", "production")
    live.serves("one")


def test_a_step_of_a_deploy_that_was_taken_over_does_nothing(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    before = live.tags()
    said = live.run("promote", "production", CANDIDATE="demo-20260101000000-1d40b8a", fails=True)
    assert "another deploy has taken over" in said
    said = live.run("restore", "production", CANDIDATE="demo-20260101000000-1d40b8a")
    assert "another deploy has taken over" in said
    assert live.tags() == before
    assert set(live.azure.groups) == {"demo", "demo-candidate"}
    assert live.answer() == "one"


def test_a_watch_ends_with_what_started_it(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    live.killed_at(1, "promote", "production")
    started = f"GITHUB_OUTPUT={live.settings['GITHUB_OUTPUT']}".encode()
    for _ in range(50):
        if not any(started in settings for settings in processes()):
            return
        time.sleep(0.2)
    raise AssertionError("a watch goes on")


def processes() -> list[bytes]:
    """The environments of everything that runs here."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            found.append(file.read_bytes())
        except OSError:
            continue
    return found
