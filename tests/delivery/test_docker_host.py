"""Shipping to a host with Docker, over a real ssh to this machine's engine, with a real Caddy before it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery.docker_host.shop import KEY, Shop
from tests.delivery.stand_ins.containers import docker


def test_a_release_goes_from_staging_of_nothing_to_all_traffic_and_back(shop_on_host: Shop) -> None:
    shop = shop_on_host
    said = shop.run("deploy", shop.images("one"), "production")
    assert "nothing serves yet" in said
    assert shop.answer() == "503"
    assert shop.answer("/.candidate/predict") == "one"
    assert "nobody shares with it" in shop.run("promote", "production", "10")
    shop.run("smoke", "production", BUNDLE="one")
    first = shop.outputs["revision"]
    shop.run("promote", "production", CANDIDATE=first)
    shop.serves("one")

    shop.run("deploy", shop.images("two"), "production")
    second = shop.outputs["revision"]
    assert (shop.outputs["previous"], shop.outputs["url"]) == (first, f"https://{shop.host.address}")
    assert shop.answers() == {"one": 5}
    assert "two answers" in shop.run("smoke", "production", fails=True, BUNDLE="one")
    with shop.clients() as seen:
        shop.run("promote", "production", "25", CANDIDATE=second)
        shop.run("canary", "production", "0", CANDIDATE=second, BUNDLE="two")
        shared = shop.answers(200)
        shop.run("promote", "production", CANDIDATE=second)
    assert set(seen) == {"one", "two"}, "a request was lost"
    assert 25 <= shared["two"] <= 80
    assert sum(seen.values()) > 100
    shop.serves("two")
    assert shop.containers()[first].state == "exited"
    assert "already takes all traffic" in shop.run("promote", "production", CANDIDATE=second)

    with shop.clients() as seen:
        shop.run("restore", "production", first)
    assert set(seen) == {"one", "two"}, "a request was lost"
    shop.serves("one")
    shop.run("rollback", "production", shop.images("two").partition("@")[2])
    shop.serves("two")
    assert shop.outputs["revision"] == second
    docker("rm", first)
    shop.run("rollback", "production", shop.images("one").partition("@")[2], BUNDLE="one")
    shop.serves("one")
    table = shop.run("status", "production")
    assert "100 %" in table
    assert second in table


@pytest.mark.drill
def test_the_service_has_few_rights_and_its_keys_are_nowhere_on_the_host(live_on_host: Shop) -> None:
    live_on_host.run("deploy", live_on_host.images("two"), "production")
    told = docker("inspect", live_on_host.outputs["revision"])
    assert KEY not in told
    assert "SERVICE_API_KEYS=sha256:" in told
    for words in ('"ReadonlyRootfs": true', '"PublishAllPorts": false', '"no-new-privileges"', '"Memory": 536870912'):
        assert words in told
    assert '"Ports": {' in told
    assert docker("port", live_on_host.outputs["revision"]) == ""
    live_on_host.run("restore", "production")
    live_on_host.serves("one")


@pytest.mark.drill
def test_a_host_whose_key_is_another_is_not_trusted(live_on_host: Shop) -> None:
    own = Path.home() / ".ssh/known_hosts"
    before = own.read_text() if own.exists() else ""
    known = live_on_host.settings["DOCKER_HOST_KNOWN_HOSTS"]
    other = f"{known.split()[0]} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtm0SIh8WN9w7Yx2Y0pTuoFqcQAMRBrRtXgqYbxmG1D"
    said = live_on_host.run("status", fails=True, DOCKER_HOST_KNOWN_HOSTS=other)
    assert said.startswith("docker-host: the host cannot be asked, and nothing was changed")
    assert "DOCKER_HOST_KNOWN_HOSTS is not set" in live_on_host.run("status", fails=True, DOCKER_HOST_KNOWN_HOSTS="")
    left = list(Path(live_on_host.settings["RUNNER_TEMP"]).glob("cd4ml-ssh-*"))
    assert left == [], "the key stays on the disk"
    assert (own.read_text() if own.exists() else "") == before


@pytest.mark.drill
def test_a_candidate_that_does_not_start_is_taken_back(live_on_host: Shop) -> None:
    said = live_on_host.run("deploy", live_on_host.images("does-not-start"), "production", fails=True)
    assert "no model in models/bundle" in said
    assert "demo-one serves again" in said
    live_on_host.serves("one")
    assert list(live_on_host.containers()) == ["demo-one"]
    assert "no candidate" in live_on_host.run("promote", "production", fails=True)


@pytest.mark.drill
def test_a_service_without_keys_is_refused_and_a_dry_run_writes_nothing(live_on_host: Shop) -> None:
    image = live_on_host.images("two")
    assert "would be open to anybody" in live_on_host.run("deploy", image, "staging", fails=True, SERVICE_API_KEYS="")
    said = live_on_host.run("deploy", image, "production", "--dry-run")
    assert f"pull --quiet {image}" in said
    assert 'SERVICE_API_KEYS="${SERVICE_API_KEY_DIGESTS:?}"' in said
    assert live_on_host.writes == []
    live_on_host.serves("one")


@pytest.mark.drill
def test_bootstrap_changes_nothing_that_is_there_and_doctor_finds_it(live_on_host: Shop) -> None:
    said = live_on_host.run("bootstrap")
    assert "made" not in said
    assert live_on_host.writes == []
    assert "gh secret set SERVICE_API_KEYS" in said
    live_on_host.run("doctor")
    assert "old" in live_on_host.run("doctor", fails=True, CADDY_IMAGE="caddy:another")
    live_on_host.serves("one")


DEPLOY_WRITES, PROMOTE_WRITES = 4, 5


@pytest.mark.drill
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(1, DEPLOY_WRITES + 1))
def test_a_deploy_that_was_killed_is_undone_by_the_next_run(live_on_host: Shop, write: int, moment: str) -> None:
    live_on_host.killed(f"{write} {moment}", "deploy", live_on_host.images("two"), "production")
    assert live_on_host.answers() == {"one": 5}
    live_on_host.run("deploy", live_on_host.images("three"), "production")
    assert len(live_on_host.writes) >= DEPLOY_WRITES
    assert live_on_host.answer("/.candidate/predict") == "three"
    live_on_host.run("restore", "production")
    live_on_host.serves("one")


@pytest.mark.drill
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", range(1, PROMOTE_WRITES + 1))
def test_a_promotion_that_was_killed_is_ended_or_undone(live_on_host: Shop, write: int, moment: str) -> None:
    live_on_host.run("deploy", live_on_host.images("two"), "production")
    candidate = live_on_host.outputs["revision"]
    with live_on_host.clients() as seen:
        live_on_host.killed(f"{write} {moment}", "promote", "production", CANDIDATE=candidate)
        live_on_host.run("promote", "production", CANDIDATE=candidate)
    assert set(seen) == {"one", "two"}, "a request was lost"
    live_on_host.serves("two")
    live_on_host.run("restore", "production", "demo-one")
    live_on_host.serves("one")


@pytest.mark.drill
@pytest.mark.parametrize("write", range(1, 8))
def test_a_way_back_that_was_killed_is_gone_to_the_end(live_on_host: Shop, write: int) -> None:
    live_on_host.run("deploy", live_on_host.images("two"), "production")
    live_on_host.run("promote", "production")
    live_on_host.killed(f"{write} after", "restore", "production", "demo-one")
    live_on_host.run("restore", "production", "demo-one")
    live_on_host.serves("one")
