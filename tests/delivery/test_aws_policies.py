"""The policies of `fargate/policies`, held against AWS's lists, and what evaluates them in the stand-in for AWS.

Cases of evaluation are from the IAM User Guide (policy evaluation logic; elements Action, Resource, Condition,
Principal); resource types and dependent actions from the Service Authorization Reference; what an Express service needs
from the README of aws-actions/amazon-ecs-deploy-express-service.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.delivery.aws.cloud import ACCOUNT, REGION, Moto
from tests.delivery.aws.deployments import TakenBackError
from tests.delivery.aws.identities import policy
from tests.delivery.aws.policies import Call, Principal, decide, refusal
from tests.delivery.aws.tasks import Tasks

ALICE = Principal(f"arn:aws:iam::{ACCOUNT}:user/alice", frozenset({("AWS", f"arn:aws:iam::{ACCOUNT}:root")}))
BUCKET = "arn:aws:s3:::demo-dvc"


def said(*statements: dict[str, Any]) -> list[dict[str, Any]]:
    """A document of these statements, each with what most have."""
    return [{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | one for one in statements]}]


@pytest.mark.parametrize(
    ("statement", "call", "allowed"),
    [
        ({}, Call("s3:GetObject", f"{BUCKET}/a"), True),
        ({"Action": "S3:getobject"}, Call("s3:GetObject", f"{BUCKET}/a"), True),  # actions know no case
        ({"Action": ["s3:Get*"]}, Call("s3:GetObject", f"{BUCKET}/a"), True),
        ({"Action": "s3:Get?bject"}, Call("s3:GetObject", f"{BUCKET}/a"), True),
        ({"Action": "*"}, Call("iam:PassRole", "arn:aws:iam::1:role/a"), True),
        ({"Action": "s3:GetObject"}, Call("s3:GetObjectVersion", f"{BUCKET}/a"), False),
        ({"Resource": f"{BUCKET}/*"}, Call("s3:GetObject", f"{BUCKET}/a/b"), True),
        ({"Resource": f"{BUCKET}/*"}, Call("s3:GetObject", BUCKET), False),
        ({"Resource": BUCKET}, Call("s3:GetObject", BUCKET.upper()), False),  # ARNs do
        ({"Resource": "arn:aws:s3:::[ab]"}, Call("s3:GetObject", "arn:aws:s3:::a"), False),  # no other wildcards
        ({"Resource": f"{BUCKET}-??"}, Call("s3:GetObject", f"{BUCKET}-ab"), True),
        ({"Resource": "arn:aws:*"}, Call("s3:GetObject", f"{BUCKET}/a"), True),  # at the end: behind the colons too
        (
            {"Resource": "arn:aws:s*-x:::a"},
            Call("s3:GetObject", "arn:aws:s:1:-x:::a"),
            False,
        ),  # within: up to the colon
        ({"Condition": {"StringEquals": {"IAM:passedtoservice": "a"}}}, Call("s3:GetObject", "x"), False),
        ({"Condition": {"StringEqualsIfExists": {"iam:PassedToService": "a"}}}, Call("s3:GetObject", "x"), True),
        (
            {"Condition": {"StringEqualsIfExists": {"iam:PassedToService": ["a", "b"]}}},
            Call("s3:GetObject", "x", {"iam:PassedToService": "c"}),
            False,
        ),
        ({"Condition": {"StringEquals": {"K": ["a", "b"]}}}, Call("s3:GetObject", "x", {"k": "b"}), True),
        ({"Condition": {"StringEquals": {"k": "a", "l": "a"}}}, Call("s3:GetObject", "x", {"k": "a"}), False),
        ({"Condition": {"StringLike": {"k": "repo:acme/*"}}}, Call("s3:GetObject", "x", {"k": "repo:acme/a"}), True),
        ({"Condition": {"Bool": {"k": "false"}}}, Call("s3:GetObject", "x", {"k": "true"}), False),
        ({"Condition": {"Null": {"k": "true"}}}, Call("s3:GetObject", "x"), True),
    ],
)
def test_one_statement(statement: dict[str, Any], call: Call, allowed: bool) -> None:
    assert decide(ALICE, said(statement), [], call) == ("allowed" if allowed else "not allowed")


def test_a_denial_wins_and_one_allowance_is_enough() -> None:
    call = Call("s3:GetObject", f"{BUCKET}/a")
    assert decide(ALICE, [], [], call) == "not allowed"
    assert decide(ALICE, said({}, {"Effect": "Deny"}), [], call) == "denied by identity"
    assert decide(ALICE, said({}), said({"Effect": "Deny", "Principal": "*"}), call) == "denied by resource"
    assert decide(ALICE, [], said({"Principal": {"AWS": ALICE.arn}}), call) == "allowed"
    assert decide(ALICE, [], said({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}), call) == "allowed"
    assert decide(ALICE, [], said({"Principal": {"AWS": "arn:aws:iam::1:root"}}), call) == "not allowed"
    assert "explicit deny in an identity-based policy" in refusal(ALICE, call, "denied by identity")


@pytest.mark.parametrize(
    "statement",
    [
        {"NotAction": "iam:*"},
        {"NotResource": "*"},
        {"Resource": "arn:aws:s3:::${aws:username}"},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"ForAnyValue:StringEquals": {"k": "a"}}},
    ],
)
def test_what_is_not_evaluated_is_an_error_and_never_an_allowance(statement: dict[str, Any]) -> None:
    with pytest.raises(NotImplementedError):
        decide(ALICE, said(statement), [], Call("s3:GetObject", "x", {"aws:SourceIp": "10.0.0.1", "k": "a"}))


# the project's own policies

ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}"


def of(who: str) -> list[dict[str, Any]]:
    return [json.loads(policy(who, "demo", ACCOUNT, REGION))]


def may(who: str, action: str, resource: str, **context: str) -> bool:
    return decide(Principal(who), of(who), [], Call(action, resource, context)) == "allowed"


def test_the_deployer_tags_task_definitions_of_its_own_services_and_no_others() -> None:
    for service in ("demo-demo", "demo-demo-staging"):
        assert may("deployer", "ecs:RegisterTaskDefinition", f"{ECS}:task-definition/{service}:1")
        assert may("deployer", "ecs:TagResource", f"{ECS}:task-definition/{service}:1")
    assert may("deployer", "ecs:RegisterTaskDefinition", "*"), "IAM may not be asked about one"
    assert not may("deployer", "ecs:TagResource", f"{ECS}:task-definition/payroll:1")
    assert not may("deployer", "ecs:TagResource", f"{ECS}:task-definition/demo-demo2:1")


NEEDED = """ecs:RegisterTaskDefinition ecs:CreateExpressGatewayService ecs:UpdateExpressGatewayService ecs:TagResource
ecs:DescribeExpressGatewayService ecs:DescribeServices ecs:ListServiceDeployments ecs:DescribeServiceDeployments
ecs:UntagResource iam:PassRole""".split()
NOT_NEEDED = {  # of the same list, what that action does and `cd4ml cloud` does not
    "ecs:CreateCluster": f"{ECS}:cluster/demo",  # bootstrap makes it
    "ecs:DescribeClusters": f"{ECS}:cluster/demo",  # to see whether it has to be made
}


def test_the_deployer_may_what_aws_lists_for_an_express_service() -> None:
    about = {"iam:PassRole": f"arn:aws:iam::{ACCOUNT}:role/demo-runtime"}
    about["ecs:RegisterTaskDefinition"] = f"{ECS}:task-definition/demo-demo:1"
    about["ecs:DescribeServiceDeployments"] = f"{ECS}:service-deployment/demo/demo/1"
    for action in NEEDED:
        assert may("deployer", action, about.get(action, f"{ECS}:service/demo/demo")), action
    for action, resource in NOT_NEEDED.items():
        assert not may("deployer", action, resource), action


def test_the_deployer_passes_three_roles_and_to_ecs_alone() -> None:
    key = "iam:PassedToService"
    for role in ("runtime", "execution", "infrastructure"):
        arn = f"arn:aws:iam::{ACCOUNT}:role/demo-{role}"
        assert may("deployer", "iam:PassRole", arn, **{key: "ecs-tasks.amazonaws.com"})
        assert not may("deployer", "iam:PassRole", arn, **{key: "lambda.amazonaws.com"})
    assert not may("deployer", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", **{key: "ecs.amazonaws.com"})


def test_what_ecs_makes_as_infrastructure_needs_no_role_but_its_own(moto_server: Moto) -> None:
    """AWS's policy lets it make the role of scaling; ECS's own, and that of load balancing, are left to bootstrap."""
    moto_server.reset()
    moto_server.role("demo", "infrastructure", "ecs")
    documents = moto_server.gate.identities.policies("role", "demo-infrastructure")

    def makes(service: str) -> bool:
        call = Call("iam:CreateServiceLinkedRole", "*", {"iam:AWSServiceName": service})
        return decide(Principal("infrastructure"), documents, [], call) == "allowed"

    assert makes("ecs.application-autoscaling.amazonaws.com")
    assert not makes("ecs.amazonaws.com")

    tasks = Tasks(moto_server.gate.identities, moto_server.secret)
    settings = {"infrastructureRoleArn": f"arn:aws:iam::{ACCOUNT}:role/demo-infrastructure"}
    with pytest.raises(TakenBackError, match=r"first load balancer: .* ec2:DescribeAccountAttributes"):
        tasks.check_roles(settings)
    moto_server.client("iam").create_service_linked_role(AWSServiceName="elasticloadbalancing.amazonaws.com")
    tasks.check_roles(settings)
