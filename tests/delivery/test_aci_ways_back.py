"""The ways back on Container Instances when they are blocked or cut off themselves."""

from __future__ import annotations

import pytest

from tests.delivery.azure.shop import Shop

pytestmark = pytest.mark.drill


@pytest.mark.parametrize("write", [1, 2])
def test_a_restore_that_is_killed_is_run_again(live_on_azure: Shop, write: int) -> None:
    live = live_on_azure
    live.stage("two")
    live.killed_at(write, "restore", "production")
    live.run("restore", "production")
    live.serves("one")


def test_what_is_on_its_way_back_serves_only_once_it_answers(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.release("two", previous="demo-one", **{"previous-image": live.images("one")})
    live.stop_after_write(1)
    asked = ("restore", "production", "demo-one")
    for _ in range(2):
        said = live.run(*asked, fails=True, CANDIDATE="demo-two", SERVICE_START_SECONDS="5")
        assert "may not serve demo-one" in said
        live.failures.none()
    assert "on its way back" in live.run("status", "production")

    live.azure.groups["demo"].start_service()
    assert "demo-one serves again" in live.run(*asked, CANDIDATE="demo-two")
    live.serves("one")


def test_what_does_not_come_back_holds_up_no_release(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    broken = {"previous": "demo-zero", "previous-image": live.images("does-not-start")}
    live.azure.groups["demo"].body["tags"] |= {"step": "swap", "revision": "demo-two", **broken}
    for _ in range(2):
        said = live.run("restore", "production", fails=True, SERVICE_START_SECONDS="10")
        assert "may not serve demo-zero" in said
        assert set(live.azure.groups) == {"demo", "demo-candidate"}

    said = live.run("deploy", live.images("three"), "production", SERVICE_START_SECONDS="10")
    assert "demo does not serve demo-zero" in said
    live.run("promote", "production")
    live.serves("three")


def test_a_service_that_is_gone_and_was_not_made_anew_is_told_with_its_image(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.release("two", previous="demo-one", **{"previous-image": live.images("one")})
    live.failures.fail_write(2)
    said = live.run("restore", "production", "demo-one", fails=True, SERVICE_CPU="2")
    assert not live.azure.groups
    assert said.splitlines()[-1].endswith(f"uv run cd4ml cloud deploy {live.images('one')} production")
    live.failures.none()
    assert "deploy IMAGE production" in live.run("restore", "production", "demo-one", fails=True)


def test_a_service_that_is_gone_can_be_rolled_back(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    live.killed_at(1, "promote", "production", SERVICE_CPU="2")
    assert set(live.azure.groups) == {"demo-candidate"}
    assert "demo-one serves, with all traffic" in live.run("rollback", "production", live.images("one"))
    live.serves("one")
