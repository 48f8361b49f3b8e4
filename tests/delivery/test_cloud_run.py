"""Shipping to Cloud Run with the real gcloud: releases in steps, rollbacks, and what is refused.

The cloud is a stand-in (`google/`) that starts a container for every revision; the image is a tiny one whose answers
name its release. How Google itself answers gcloud is taken from its documentation.
"""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.delivery.google.shop import Shop
from tests.delivery.google.tokens import mint


def test_the_first_release_is_private_and_ends_with_an_explicit_split(shop: Shop) -> None:
    said = shop.run("deploy", shop.images("one"), "production")
    assert "the service is private" in said
    told = dict(line.split("=", 1) for line in Path(shop.settings["GITHUB_OUTPUT"]).read_text().splitlines())
    assert told["url"] == shop.google.services["demo"].addresses[""].url
    assert told["candidate_url"] == shop.google.services["demo"].addresses["candidate"].url

    assert "one answers" in shop.run("smoke", "production")
    shop.run("promote", "production")

    assert shop.answers() == {"one"}
    service = shop.google.services["demo"].read()
    assert service["spec"]["traffic"] == [{"revisionName": told["revision"], "percent": 100}]
    container = service["spec"]["template"]["spec"]["containers"][0]
    assert container["env"][0]["valueFrom"]["secretKeyRef"] == {"name": "demo-api-keys", "key": "latest"}
    assert service["spec"]["template"]["spec"]["serviceAccountName"].startswith("demo-runtime@")
    for token, status in ((None, 403), (mint("https://elsewhere.example"), 401), (mint(told["url"], lifetime=-1), 401)):
        given = {"X-Serverless-Authorization": f"Bearer {token}"} if token else {}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(f"{told['url']}/predict", b"{}", given), timeout=60)
        assert refused.value.code == status


def test_what_a_team_has_added_to_its_service_stays(live: Shop) -> None:
    live.google.resources.add_secret("own", "a-password")
    place = "/v1/projects/demo-project/secrets/own"
    runtime = "serviceAccount:demo-runtime@demo-project.iam.gserviceaccount.com"
    live.google.resources.grant(place, "roles/secretmanager.secretAccessor", runtime)
    service = live.google.services["demo"].read()
    described = service["spec"]["template"]
    described["metadata"]["name"] = "demo-with-its-own"
    own = [{"name": "OWN", "value": "1"}, {"name": "OF_US", "valueFrom": {"secretKeyRef": {"name": "own", "key": "1"}}}]
    described["spec"]["containers"][0]["env"] += own
    service["spec"]["traffic"] = [{"revisionName": "demo-with-its-own", "percent": 100}]
    live.google.services["demo"].write(service)
    live.google.services["demo"].settle()

    live.run("deploy", live.images("two"), "production")

    deployed = live.google.services["demo"].read()["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {variable["name"] for variable in deployed} >= {"SERVICE_API_KEYS", "OWN", "OF_US"}


@pytest.mark.drill
def test_a_first_release_that_fails_leaves_nothing_that_serves(shop: Shop) -> None:
    said = shop.run("deploy", shop.images("does-not-start"), "production", fails=True)
    assert "failed to start" in said
    assert "nothing served before" in said
    assert not shop.google.services


@pytest.mark.drill
def test_a_release_goes_in_steps_and_earlier_ones_come_back_by_digest(live: Shop) -> None:
    live.google.release("demo", live.images("two"), "demo-two")
    live.google.release("demo", live.images("three"), "demo-three")

    live.run("deploy", live.images("four"), "production")
    assert live.answers() == {"three"}
    assert live.tags()["previous"] == "demo-three"
    live.run("promote", "production", "50")
    assert live.answers(times=40) == {"three", "four"}
    assert "under way" in live.run("status", "production")
    said = live.run("canary", "production", "0", CANARY_MINIMUM="20")
    assert "0 of " in said
    live.run("promote", "production")
    assert live.answers() == {"four"}
    assert live.tags() == {}

    live.run("rollback", "production", live.images("two").partition("@")[2])
    assert live.answers() == {"two"}
    live.run("rollback", "production", live.images("four").partition("@")[2])
    assert live.answers() == {"four"}
    told = live.run("status", "production")
    assert told.count("100 %") == 1
    assert "under way" not in told


@pytest.mark.drill
def test_a_rollback_to_an_image_of_which_no_revision_is_left_deploys_it_again(live: Shop) -> None:
    digest = live.images("gone").partition("@")[2]
    said = live.run("rollback", "production", digest, BUNDLE="another", fails=True)
    assert "nothing was rolled back" in said
    assert live.answers() == {"one"}

    live.run("rollback", "production", digest, BUNDLE="gone")
    assert live.answers() == {"gone"}


def test_a_rollback_that_fails_tells_what_a_release_left_so_that_it_is_restored(live: Shop) -> None:
    """The release was cancelled for it, and restored nothing."""
    live.stage("two")
    live.run("promote", "production", "10")
    output = Path(live.settings["GITHUB_OUTPUT"])

    live.run("rollback", "production", f"sha256:{'0' * 64}", fails=True)

    assert output.read_text().splitlines()[-1] == "left=demo-two"
    live.run("restore", "production", CANDIDATE="demo-two")
    assert live.answers(times=30) == {"one"}
    assert live.tags() == {}


def test_refused_credentials_change_nothing(live: Shop) -> None:
    live.google.tokens.clear()
    for arguments in (
        ("deploy", live.images("two"), "production"),
        ("promote", "production"),
        ("restore", "production"),
    ):
        assert "nothing was changed" in live.run(*arguments, fails=True)
    assert not live.google.writes
    assert live.answers() == {"one"}


def test_a_dry_run_prints_what_can_be_pasted_and_changes_nothing(live: Shop) -> None:
    told = live.run("deploy", live.images("two"), "production", "--dry-run")
    lines = told.splitlines()
    assert [line.split()[:3] for line in lines] == [["gcloud", "run", "services"], ["gcloud", "run", "deploy"]]
    assert "--no-traffic" in lines[1]
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0
    live.run("rollback", "production", live.images("one").partition("@")[2], "--dry-run")
    live.run("restore", "production", "demo-one", "--dry-run")
    assert not live.google.writes
    assert live.tags() == {}


HOSTILE = ["", "prod", "production;touch pwned", "$(touch pwned)", "--help", "staging\nproduction", "`touch pwned`"]


def test_values_that_are_not_what_they_should_be_are_refused_in_one_line(shop: Shop) -> None:
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
        for name in ("GCP_PROJECT", "GCP_REGION"):
            shop.run("url", "production", fails=True, **{name: value.replace("prod", "Prod")})
    assert not (shop.project / "pwned").exists()
    assert not shop.google.writes
