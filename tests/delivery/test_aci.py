"""Shipping to Azure Container Instances with the real az: releases in steps, rollbacks, and what is refused.

The cloud is a stand-in (`azure/`) that starts the containers of every group, the real Caddy before the service; the
image is a tiny one whose answers name its release. How Azure itself answers az is taken from its documentation.
"""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.delivery.azure.shop import REGISTRY, Shop


def test_the_first_release_serves_nobody_before_promote(shop_on_azure: Shop) -> None:
    shop = shop_on_azure
    said = shop.run("deploy", shop.images("one"), "production")
    assert "nothing serves yet" in said
    told = dict(line.split("=", 1) for line in Path(shop.settings["GITHUB_OUTPUT"]).read_text().splitlines())
    assert told["url"] == f"https://{shop.host('demo')}"
    assert told["candidate_url"] == f"https://{shop.host('demo-candidate')}"
    assert told["previous"] == ""
    assert set(shop.azure.groups) == {"demo-candidate"}

    assert "one answers" in shop.run("smoke", "production")
    assert "share no traffic out" in shop.run("promote", "production", "10", CANDIDATE=told["revision"])
    assert set(shop.azure.groups) == {"demo-candidate"}
    said = shop.run("promote", "production", CANDIDATE=told["revision"])
    assert re.search(rf"serves +{told['revision']}\nbefore +nothing\n", said)

    shop.serves("one")
    assert shop.run("url", "production").strip() == told["url"]
    assert "already serves" in shop.run("promote", "production", CANDIDATE=told["revision"])


def test_a_service_is_reached_over_https_alone_and_its_keys_are_told_to_nobody(shop_on_azure: Shop) -> None:
    shop = shop_on_azure
    shop.run("deploy", shop.images("one"), "production", SERVICE_API_KEYS="it's a 'key' of \"mine\": {x}")
    group = shop.azure.groups["demo-candidate"]
    body = group.body["properties"]
    service, front = (container["properties"] for container in body["containers"])
    given = {one["name"]: one for one in service["environmentVariables"]}
    assert given["SERVICE_API_KEYS"] == {
        "name": "SERVICE_API_KEYS", "secureValue": "it's a 'key' of \"mine\": {x}"
    }  # fmt: skip
    assert [port["port"] for port in body["ipAddress"]["ports"]] == [443, 80]
    assert "ports" not in service
    assert front["image"].startswith(f"{REGISTRY}/caddy@sha256:")
    assert body["imageRegistryCredentials"][0].keys() == {"server", "identity"}

    redirected = http.client.HTTPConnection(group.address, 80, timeout=20)
    redirected.request("GET", "/predict", headers={"Host": shop.host("demo-candidate")})
    reply = redirected.getresponse()
    assert (reply.status, reply.headers["Location"]) == (308, f"https://{shop.host('demo-candidate')}/predict")
    with socket.socket() as probe:
        assert probe.connect_ex((group.address, 8000)) != 0


def test_a_service_without_keys_is_not_deployed(shop_on_azure: Shop) -> None:
    said = shop_on_azure.run("deploy", shop_on_azure.images("one"), "production", fails=True, SERVICE_API_KEYS="")
    assert "would be open to anybody" in said
    assert len(said.splitlines()) == 1
    assert not shop_on_azure.azure.writes


def test_a_release_goes_in_steps_and_earlier_ones_come_back_by_digest(live_on_azure: Shop) -> None:
    live = live_on_azure
    signed = certificate(live)
    live.run("deploy", live.images("two"), "production")
    assert live.answer() == "one"
    assert live.answer("demo-candidate") == "two"
    told = live.run("status", "production")
    assert "under way" in told
    assert re.search(r"service +ready .* demo-one\n", told)
    assert "judged on probes only" in live.run("canary", "production", "0")
    said = live.run("promote", "production")
    live.serves("two")
    assert float(re.findall(r"interrupted +([0-9.]+) s\n", said)[0]) > 0
    assert live.tags()["previous"] == "demo-one"
    assert certificate(live) == signed, "a certificate on the share outlives its group"

    said = live.run("rollback", "production", live.images("one").partition("@")[2], BUNDLE="another")
    assert "that it is ready is enough" in said
    live.serves("one")
    assert "serves that image already" in live.run("rollback", "production", live.images("one"))
    live.run("rollback", "production", live.images("two").partition("@")[2])
    live.serves("two")
    assert "under way" not in live.run("status", "production")


def test_what_served_before_comes_back_after_its_release_has_ended(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.release("two", previous="demo-one", **{"previous-image": live.images("one")})
    assert "not the revision before" in live.run("restore", "production", "demo-zero", fails=True)
    assert live.answer() == "two"
    assert "demo-one serves again" in live.run("restore", "production", "demo-one", CANDIDATE="demo-two")
    live.serves("one")


@pytest.mark.drill
def test_a_rollback_to_an_image_that_did_not_serve_before_asks_it_first(live_on_azure: Shop) -> None:
    live = live_on_azure
    digest = live.images("gone").partition("@")[2]
    said = live.run("rollback", "production", digest, BUNDLE="another", fails=True)
    assert "nothing was rolled back" in said
    live.serves("one")

    live.run("rollback", "production", digest, BUNDLE="gone")
    live.serves("gone")


def test_a_service_of_another_size_is_made_anew(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.stage("two")
    said = live.run("promote", "production", SERVICE_CPU="2")
    assert "changes its size" in said
    live.serves("two")
    removed = [path.rsplit("/", 1)[1] for method, path in live.azure.writes if method == "DELETE"]
    assert removed == ["demo", "demo-candidate"]
    requested = live.azure.groups["demo"].body["properties"]["containers"][0]["properties"]["resources"]["requests"]
    assert requested == {"cpu": 2, "memoryInGB": 1.5}


@pytest.mark.parametrize("when", ["signing in", "later"])
def test_expired_credentials_change_nothing(live_on_azure: Shop, when: str) -> None:
    live = live_on_azure
    if when == "signing in":
        for cache in Path(live.settings["AZURE_CONFIG_DIR"]).glob("msal_token_cache*"):
            cache.unlink()
    live.azure.entra.expired = True
    live.azure.writes.clear()
    for arguments in (
        ("deploy", live.images("two"), "production"),
        ("promote", "production"),
        ("restore", "production"),
    ):
        said = live.run(*arguments, fails=True)
        assert "cannot be read; az login" in said
        assert ("AADSTS7000222" if when == "signing in" else "expir") in said
    assert not live.azure.writes
    assert live.answer() == "one"


def test_a_dry_run_prints_what_can_be_read_and_changes_nothing(live_on_azure: Shop) -> None:
    live = live_on_azure
    live.azure.writes.clear()
    lines = live.run("deploy", live.images("two"), "production", "--dry-run").splitlines()
    commands = [line for line in lines if not line.startswith("#")]
    assert [line.split()[:3] for line in commands] == [["az", "tag", "update"], ["az", "container", "create"]]
    assert any("left-out" in line for line in lines)
    for line in commands:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0
    live.run("rollback", "production", live.images("two").partition("@")[2], "--dry-run")
    live.stage("two")
    for arguments in (("promote", "production"), ("restore", "production")):
        assert "az container" in live.run(*arguments, "--dry-run")
    assert not live.azure.writes
    assert live.answer() == "one"


HOSTILE = ["", "prod", "production;touch pwned", "$(touch pwned)", "--help", "staging\nproduction", "`touch pwned`"]


def test_values_that_are_not_what_they_should_be_are_refused_in_one_line(shop_on_azure: Shop) -> None:
    shop = shop_on_azure
    image = f"host/name@sha256:{'0' * 64}"
    for value in HOSTILE:
        asked = [
            ("deploy", f"host/name{value}", "production"), ("deploy", image, value), ("promote", value),
            ("promote", "production", value or "0"), ("rollback", "production", value), ("url", value),
            ("smoke", value), ("canary", "production", value or "x"), ("restore", "production", f"A{value}"),
        ]  # fmt: skip
        for arguments in asked:
            said = shop.run(*arguments, fails=True)
            assert len(said.splitlines()) == 1, said
        for name in ("AZURE_LOCATION", "SERVICE_CPU"):
            if value:
                said = shop.run("deploy", image, "production", fails=True, **{name: value.replace("prod", "Prod")})
                assert len(said.splitlines()) == 1, said
    assert not (shop.project / "pwned").exists()
    assert not shop.azure.writes


def certificate(shop: Shop) -> bytes:
    """The certificate that the service shows."""
    trusted = shop.azure.authority.asks
    name = shop.host("demo")
    with (
        socket.create_connection((name, 443), timeout=20) as plain,
        trusted.wrap_socket(plain, server_hostname=name) as tls,
    ):
        shown = tls.getpeercert(binary_form=True)
    assert shown
    return shown
