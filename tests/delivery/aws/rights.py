"""Whether IAM lets somebody do something in ECS: the policies that moto keeps for its callers, evaluated.

What each call needs is from AWS's Service Authorization Reference for ECS; what `create-express-gateway-service` does
in its caller's name is from the README of aws-actions/amazon-ecs-deploy-express-service. Only ECS asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

Json = dict[str, Any]


class Need(NamedTuple):
    """One thing that has to be allowed."""

    action: str
    resource: str
    service: str = ""  # iam:PassedToService


def needs(action: str, asked: Json, service: str, has_tags: bool) -> Iterator[Need]:
    """Yield what a call of ECS's API needs; `service` is the ARN of the service that it is about.

    A new service with tags, and a new revision of one that has some, tag a task definition too. Its family is named
    after cluster and service. Whether IAM is asked with or without a revision is written nowhere: both must be allowed.
    """
    root = service.rpartition(":service/")[0]
    named = {"Deployment": "serviceDeploymentArn", "Deployments": "serviceDeploymentArns",
             "Revisions": "serviceRevisionArns"}  # fmt: skip
    if action in ("CreateExpressGatewayService", "UpdateExpressGatewayService"):
        family = f"{root}:task-definition/{service.rpartition(':service/')[2].replace('/', '-')}"
        yield Need(f"ecs:{action}", service)
        yield Need("ecs:RegisterTaskDefinition", family)
        for role, passed_to in (
            ("executionRoleArn", "ecs-tasks"),
            ("taskRoleArn", "ecs-tasks"),
            ("infrastructureRoleArn", "ecs"),
        ):
            if role in asked:
                yield Need("iam:PassRole", asked[role], f"{passed_to}.amazonaws.com")
        if asked.get("tags"):
            yield Need("ecs:TagResource", service)
        if asked.get("tags") or has_tags:
            yield Need("ecs:TagResource", family)
            yield Need("ecs:TagResource", f"{family}:1")
    elif action.endswith("Cluster") or action.endswith("Clusters"):
        name = asked.get("clusterName") or asked.get("cluster") or asked["clusters"][0]
        yield Need(f"ecs:{action}", f"{root}:cluster/{name}")
    else:
        yield Need(f"ecs:{action}", service)
        kind = next((kind for kind in named if action.endswith(f"Service{kind}") and named[kind] in asked), None)
        given = asked[named[kind]] if kind else []
        for arn in [given] if isinstance(given, str) else given:
            yield Need(f"ecs:{action}", arn)


def allows(documents: list[Json], need: Need) -> bool:
    """Whether policies allow something, and none denies it.

    Raises:
        NotImplementedError: a statement has something that is not evaluated here.
    """
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _listed(document["Statement"])
        if _applies(statement, need)
    }
    return effects == {"Allow"}


def _applies(statement: Json, need: Need) -> bool:
    if unknown := set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
        raise NotImplementedError(f"statements with {unknown} are not evaluated")
    return (
        any(fnmatchcase(need.action.lower(), one.lower()) for one in _listed(statement["Action"]))
        and any(fnmatchcase(need.resource, one) for one in _listed(statement["Resource"]))
        and all(_holds(operator, keys, need) for operator, keys in statement.get("Condition", {}).items())
    )


def _holds(operator: str, keys: Json, need: Need) -> bool:
    if operator not in ("StringEquals", "StringEqualsIfExists") or set(keys) != {"iam:PassedToService"}:
        raise NotImplementedError(f"the condition {operator} of {set(keys)} is not evaluated")
    if not need.service:
        return operator.endswith("IfExists")
    return need.service in _listed(keys["iam:PassedToService"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
