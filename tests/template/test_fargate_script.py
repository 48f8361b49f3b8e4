"""The set-up and the releases of Fargate: no open address, least rights, and names that AWS accepts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from cd4ml.deploy.fargate import policies
from cd4ml.deploy.fargate.identities import OF_JOBS, OF_THE_SERVICE
from cd4ml.deploy.fargate.service import secure
from cd4ml.deploy.fargate.settings import Place
from cd4ml.deploy.names import short
from cd4ml.deploy.set_up.identities import DEPLOYER, Jobs
from cd4ml.deploy.set_up.repository import Repository
from cd4ml.deploy.set_up.subjects import subject

from tests.delivery.aws.calls import of_ecs
from tests.delivery.aws.policies import INLINE, MANAGED, TRUST, Call, Principal, characters, decide
from tests.template.conftest import DEPLOY

LONGEST = ("flight-delays-" * 3)[:40]
LONGEST_REGION = "ap-southeast-1"
CERTIFICATE = 64  # characters that the name in one may have


PLACE = Place(LONGEST, LONGEST_REGION, "123456789012", "")
IN_AMERICA = replace(PLACE, region="us-gov-west-1")  # the longest ARNs
OWNER, REPOSITORY, NUMBER = 39, 100, 12  # characters that GitHub allows, and more digits than it has used
POLICIES = [path.stem for path in (DEPLOY / "fargate/policies").glob("*.json")]


def _filled(name: str, place: Place = PLACE, prefix: str = "repo:acme@1/flights@2") -> dict[str, Any]:
    """A policy, and where it is about GitHub's jobs, about those of the deployer."""
    repository = Repository("acme/flights", 2, 1, "main")
    subjects = [subject(prefix, repository, environment) for environment in Jobs().environments_of(DEPLOYER)]
    return policies.policy(place, name, bucket="b", subjects=subjects)


def _policy(name: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = _filled(name)["Statement"]
    return statements


def test_no_address_without_encryption_and_no_key_among_arguments() -> None:
    for path in (DEPLOY / "fargate").rglob("*.*"):
        if path.suffix not in (".py", ".json", ".txt"):
            continue
        text = path.read_text(encoding="utf-8")
        for address in re.findall(r"http://[^ '\"|)}]+", text):
            assert re.match(r"http://(127\.0\.0\.1|localhost)", address), f"{path.name}: {address}"
        for given in re.findall(r"--secret-string\W+(\S+)", text):
            assert given.startswith("file:///dev/stdin"), f"{path.name}: {given}"


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("https://demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("http://demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1.example.com", "https://127.0.0.1.example.com"),
    ],
)
def test_an_endpoint_is_printed_with_https(endpoint: str, address: str) -> None:
    assert secure(endpoint) == address


def test_names_are_as_short_as_aws_requires_and_differ() -> None:
    services = [PLACE.service("production"), PLACE.service("staging")]
    assert len(set(services)) == 2
    assert all(len(f"{name}-12345678.ecs.{LONGEST_REGION}.on.aws") <= CERTIFICATE for name in services)
    accounts = [PLACE.identity(who) for who in (*OF_JOBS, *OF_THE_SERVICE)]
    assert len(set(accounts)) == 6
    assert all(len(name) <= 64 for name in accounts)
    attached = [PLACE.policy(who) for who in OF_JOBS]
    assert all(len(arn.rpartition("/")[2]) <= 128 for arn in attached)
    assert [arn.rpartition("/")[2] for arn in attached] == accounts[:3]
    buckets = [PLACE.bucket("dvc"), PLACE.bucket("predictions")]
    assert len(set(buckets)) == 2
    assert all(len(name) <= 63 for name in buckets)
    assert short("flight-delays-staging", 28) == "flight-delays-staging"
    assert short(f"{LONGEST}x", 28) != short(f"{LONGEST}y", 28)


def test_what_is_there_keeps_its_name() -> None:
    long = "flight-delays-flight-"
    assert PLACE.service_arn("production") == (
        f"arn:aws:ecs:{LONGEST_REGION}:123456789012:service/{LONGEST}/{long}c00833"
    )
    assert PLACE.service("staging") == f"{long}2f4831"
    assert PLACE.bucket("predictions") == "flight-delays-flight-delays-fl-c00833-predictions-123456789012"
    assert PLACE.role("runtime") == f"arn:aws:iam::123456789012:role/{LONGEST}-runtime"
    assert PLACE.policy("reader") == f"arn:aws:iam::123456789012:policy/{LONGEST}-reader"
    assert PLACE.secret == f"{LONGEST}-api-keys"


def test_policies_are_whole_and_name_this_project_alone() -> None:
    assert len(POLICIES) == 9
    for name in POLICIES:
        text = policies.as_text(_filled(name))
        assert not re.search(r"@[A-Z]+@", text), name
        assert "\n" not in text, name
        for statement in json.loads(text)["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert statement["Effect"] == "Deny" or not any("*" in action for action in actions), name
            if statement.get("Resource") == "*":
                assert set(actions) <= {"ecr:GetAuthorizationToken", "ecs:RegisterTaskDefinition"}, (
                    "all others name one"
                )


def test_policies_with_the_longest_names_keep_within_iams_quotas() -> None:
    prefix = f"repo:{'o' * OWNER}@{'1' * NUMBER}/{'r' * REPOSITORY}@{'2' * NUMBER}"
    size = {name: characters(policies.as_text(_filled(name, IN_AMERICA, prefix))) for name in POLICIES}
    works_for_all = [size[who] for who in ("reader", "trainer", "deployer")]  # with no environments

    assert max(works_for_all) <= MANAGED, "a user's are attached"
    assert sum(works_for_all) <= INLINE["role"], "a role's are its own"
    assert max(size["runtime"], size["execution"]) <= INLINE["role"]
    assert max(size[name] for name in size if name.startswith("trust-")) <= TRUST
    assert size["deployer"] > INLINE["user"], "else a user could have them as its own, too"


def _deployer(lacks: str = "") -> list[dict[str, Any]]:
    """The deployer's policy, without the statements that name something."""
    statements = [one for one in _policy("deployer") if not lacks or lacks not in json.dumps(one)]
    return [{"Version": "2012-10-17", "Statement": statements}]


def _lacking(policies: list[dict[str, Any]], environment: str) -> set[str]:
    """What the deployer would need for all that it asks ECS for, and may not do."""
    service = PLACE.service_arn(environment)
    roles = {f"{who}RoleArn": PLACE.role(who) for who in ("execution", "infrastructure")}
    roles["taskRoleArn"] = PLACE.role("runtime")
    deployment, revision = (
        service.replace(":service/", f":service-{kind}/") + "/1" for kind in ("deployment", "revision")
    )
    calls: list[tuple[str, dict[str, Any]]] = [
        ("CreateExpressGatewayService", roles | {"tags": [{"key": "project", "value": "demo"}]}),
        ("UpdateExpressGatewayService", roles),
        ("DescribeExpressGatewayService", {}), ("DescribeServices", {}), ("DeleteExpressGatewayService", {}),
        ("TagResource", {}), ("UntagResource", {}), ("ListServiceDeployments", {}),
        ("DescribeServiceDeployments", {"serviceDeploymentArns": [deployment]}),
        ("StopServiceDeployment", {"serviceDeploymentArn": deployment}),
        ("DescribeServiceRevisions", {"serviceRevisionArns": [revision]}),
    ]  # fmt: skip
    wanted = [call for action, asked in calls for call in of_ecs(action, asked, service, has_tags=True)]
    return {f"{call.action} {call.resource.split(':')[5]}" for call in wanted if not _allows(policies, call)}


def _allows(policies: list[dict[str, Any]], call: Call) -> bool:
    return decide(Principal("deployer"), policies, [], call) == "allowed"


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_deployer_may_do_all_that_a_release_asks_ecs_for(environment: str) -> None:
    name = PLACE.service(environment)

    assert _lacking(_deployer(), environment) == set()
    assert _lacking(_deployer(lacks=":task-definition/"), environment) == {
        f"ecs:TagResource task-definition/{LONGEST}-{name}",
    }
    assert _lacking(_deployer(lacks="ecs:StopServiceDeployment"), environment) == {
        f"ecs:DescribeServiceDeployments service-deployment/{LONGEST}/{name}/1",
        f"ecs:DescribeServiceDeployments service/{LONGEST}/{name}",
        f"ecs:DescribeServiceRevisions service-revision/{LONGEST}/{name}/1",
        f"ecs:DescribeServiceRevisions service/{LONGEST}/{name}",
        f"ecs:StopServiceDeployment service-deployment/{LONGEST}/{name}/1",
        f"ecs:StopServiceDeployment service/{LONGEST}/{name}",
    }
    assert len(_lacking(_deployer(lacks="iam:PassRole"), environment)) == 3


def test_the_deployer_may_do_nothing_to_another_service() -> None:
    other = PLACE.service_arn("production").replace(f"service/{LONGEST}/", "service/another/")
    asked = {"tags": [{"key": "a", "value": "b"}], "executionRoleArn": PLACE.role("reader")}
    refused = [
        call for call in of_ecs("CreateExpressGatewayService", asked, other, False) if not _allows(_deployer(), call)
    ]

    assert {call.action for call in refused} == {
        "ecs:CreateExpressGatewayService", "ecs:TagResource", "iam:PassRole",
    }  # fmt: skip


def test_the_service_can_add_to_its_log_and_nothing_else() -> None:
    bucket = PLACE.bucket("predictions")
    assert _policy("runtime") == [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]


def test_the_keys_of_the_service_are_told_to_what_starts_it_alone() -> None:
    secret = f"arn:aws:secretsmanager:{LONGEST_REGION}:123456789012:secret:{PLACE.secret}-??????"
    about = {
        (name, statement["Action"], statement["Resource"])
        for name in POLICIES
        for statement in _policy(name)
        if "secretsmanager" in json.dumps(statement)
    }
    assert about == {
        ("execution", "secretsmanager:GetSecretValue", secret),
        ("deployer", "secretsmanager:DescribeSecret", secret),
    }


def test_github_is_trusted_by_environment() -> None:
    (trusted,) = _policy("trust-github")
    assert trusted["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": [
                "repo:acme@1/flights@2:environment:staging",
                "repo:acme@1/flights@2:environment:production",
            ],
        }
    }
