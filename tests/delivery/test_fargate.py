"""Shipping to Fargate with the real aws: releases in steps, rollbacks, and what is refused.

ECS is a stand-in (`aws/`) that starts a container for every revision and moves traffic in ECS's stages, in seconds
instead of minutes; the rest of AWS is moto; the image is a tiny one whose answers name its release. How ECS itself
answers is taken from its documentation and botocore's model of its API.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.delivery.aws.shop import Shop


def test_the_first_release_takes_all_traffic_with_a_key_and_least_settings(shop_on_aws: Shop) -> None:
    shop = shop_on_aws
    said = shop.run("deploy", shop.images("one"), "production")
    assert "it wants an API key" in said
    assert shop.tags() == {"candidate": "one"}
    told = shop.outputs
    assert told["url"] == told["candidate_url"] == shop.service.address.url
    assert told["url"].startswith("https://")
    assert (told["revision"], told["previous"]) == (shop.service.deployments[0].target.rsplit("/", 1)[1], "")

    assert "one answers" in shop.run("smoke", "production")
    assert "all traffic" in shop.run("canary", "production", "0")
    shop.run("promote", "production")

    assert shop.answers() == {"one"}
    assert shop.tags() == {}
    settings = shop.service.settings
    assert settings["healthCheckPath"] == "/health/ready"
    assert settings["taskRoleArn"].endswith("role/demo-runtime")
    assert settings["scalingTarget"]["minTaskCount"] == 1
    container = settings["primaryContainer"]
    assert container["containerPort"] == 8080
    assert {"name": "PORT", "value": "8080"} in container["environment"]
    assert [secret["name"] for secret in container["secrets"]] == ["SERVICE_API_KEYS"]
    assert "a-key" not in json.dumps([settings, shop.ecs.writes])
    with urllib.request.urlopen(told["url"], timeout=60, context=shop.authority.asks) as reply:
        assert json.load(reply)["keys"] == "a-key"  # as the container got it
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(told["url"], timeout=60)


def test_without_the_secret_of_keys_nothing_is_deployed(shop_on_aws: Shop) -> None:
    shop = shop_on_aws
    secrets = shop.moto.client("secretsmanager")
    secrets.delete_secret(SecretId="demo-api-keys", RecoveryWindowInDays=7)
    said = shop.run("deploy", shop.images("one"), "production", fails=True)
    assert "demo-api-keys is to be deleted, and nothing was changed" in said
    secrets.delete_secret(SecretId="demo-api-keys", ForceDeleteWithoutRecovery=True)
    said = shop.run("deploy", shop.images("one"), "production", fails=True)
    assert "anybody could ask the service" in said
    assert "bootstrap" in said
    assert not shop.ecs.writes


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_the_deployer_may_not_release_where_its_policy_lets_it_tag_no_task_definition(
    shop_on_aws: Shop, environment: str
) -> None:
    """AWS asks for that when a service is made with tags, whoever registers the task definition."""
    shop = shop_on_aws
    policy = shop.moto.rights("demo-deployer")
    (of_definitions,) = [one for one in policy["Statement"] if ":task-definition/" in json.dumps(one)]
    policy["Statement"].remove(of_definitions)
    shop.moto.change_rights("demo-deployer", policy)

    said = shop.run("deploy", shop.images("one"), environment, fails=True)

    assert "not authorized to perform: ecs:TagResource on resource" in said
    assert ":task-definition/demo-demo" in said
    assert not shop.ecs.services


@pytest.mark.drill
def test_a_first_release_that_fails_leaves_nothing_that_serves(shop_on_aws: Shop) -> None:
    shop = shop_on_aws
    said = shop.run("deploy", shop.images("does-not-start"), "production", fails=True)
    assert "circuit breaker" in said
    assert "nothing served before" in said
    assert not shop.ecs.services

    shop.run("deploy", shop.images("one"), "production")
    assert shop.answers() == {"one"}


def test_a_release_goes_in_steps_and_an_earlier_one_comes_back(live_on_aws: Shop) -> None:
    live = live_on_aws
    revision = live.stage("two")
    assert live.tags() == {"previous": "one", "candidate": "two"}
    assert live.outputs["previous"] == live.digest("one")
    assert live.answers(times=120) == {"one", "two"}
    told = live.run("status", "production")
    assert "  5 % " in told
    assert "  95 % " in told
    assert "under way" in told

    assert "two answers" in live.run("smoke", "production", BUNDLE="two")
    assert "nothing to do" in live.run("promote", "production", "10", CANDIDATE=revision)
    assert "canary stage still" in live.run("canary", "production", "0", BUNDLE="two")
    assert not live.ecs.writes
    live.go_on()
    assert "all traffic" in live.run("canary", "production", "60", BUNDLE="two")
    live.run("promote", "production", CANDIDATE=revision)
    assert live.answers() == {"two"}
    assert live.tags() == {}
    assert "already takes all" in live.run("promote", "production", CANDIDATE=revision)

    live.run("rollback", "production", live.digest("one"), BUNDLE="one")
    assert live.answers() == {"one"}
    live.run("rollback", "production", live.digest("two"), BUNDLE="two")
    assert live.answers() == {"two"}
    assert "serves already" in live.run("rollback", "production", live.digest("two"))
    told = live.run("status", "production")
    assert told.count("100 %") == 1
    assert "under way" not in told


@pytest.mark.drill
def test_a_rollback_to_an_image_that_answers_wrongly_is_undone(live_on_aws: Shop) -> None:
    live = live_on_aws
    said = live.run("rollback", "production", live.digest("two"), BUNDLE="another", fails=True)
    assert "nothing was rolled back" in said
    assert live.answers() == {"one"}
    assert live.tags() == {}


def test_credentials_that_expired_change_nothing(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.moto.gate.identities.expired.add(live.settings["AWS_ACCESS_KEY_ID"])
    for arguments in (
        ("deploy", live.images("two"), "production"),
        ("promote", "production"),
        ("restore", "production"),
        ("rollback", "production", live.digest("two")),
    ):
        said = live.run(*arguments, fails=True)
        assert "nothing was changed" in said
        assert "ExpiredTokenException" in said
    assert not live.ecs.writes
    assert live.answers() == {"one"}


def test_an_endpoint_without_a_scheme_is_encrypted_and_keys_go_nowhere_else(live_on_aws: Shop) -> None:
    live = live_on_aws
    live.service.scheme_shown = False
    assert live.run("url", "production").strip() == live.service.address.url
    assert "one answers" in live.run("smoke", "production")


def test_a_dry_run_prints_what_can_be_pasted_and_changes_nothing(live_on_aws: Shop) -> None:
    live = live_on_aws
    told = live.run("deploy", live.images("two"), "production", "--dry-run")
    lines = told.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["aws", "ecs", "tag-resource"],
        ["aws", "ecs", "update-express-gateway-service"],
    ]
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0
    container = shlex.split(lines[1])[shlex.split(lines[1]).index("--primary-container") + 1]
    assert json.loads(container)["image"] == live.images("two")
    live.run("rollback", "production", live.digest("two"), "--dry-run")
    live.run("restore", "production", live.digest("two"), "--dry-run")
    assert not live.ecs.writes
    assert live.tags() == {}


HOSTILE = ["", "prod", "production;touch pwned", "$(touch pwned)", "--help", "staging\nproduction", "`touch pwned`"]


def test_values_that_are_not_what_they_should_be_are_refused_in_one_line(shop_on_aws: Shop) -> None:
    shop = shop_on_aws
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
        for name in ("AWS_REGION", "AWS_ACCOUNT_ID", "FARGATE_PAUSE"):
            bad = value.replace("prod", "Prod") or "-"
            assert len(shop.run("url", "production", fails=True, **{name: bad}).splitlines()) == 1
    assert not (shop.project / "pwned").exists()
    assert not shop.ecs.writes
