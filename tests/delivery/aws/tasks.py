"""What ECS does as the roles that it was passed: what they may not do fails a deployment."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .deployments import TakenBackError
from .identities import Identities
from .policies import Call, Principal, decide

Json = dict[str, Any]

BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/ecs-express-gateway/1"


class Tasks:
    """The roles of tasks, and the secrets that they start with."""

    def __init__(self, identities: Identities, secret: Callable[[str], str]) -> None:
        self._identities, self._secret = identities, secret

    def check_roles(self, settings: Json) -> None:
        """Take the roles of a revision, as far as it names some.

        Raises:
            TakenBackError: one is not there, trusts another service, or may not do what ECS does as it.
        """
        for name, service in (
            ("executionRoleArn", "ecs-tasks"),
            ("taskRoleArn", "ecs-tasks"),
            ("infrastructureRoleArn", "ecs"),
        ):
            role = settings.get(name)
            if role and not self._may_take(role, f"{service}.amazonaws.com"):
                raise TakenBackError(f"ECS was unable to assume the role '{role}' that was provided for this task")
        if role := settings.get("infrastructureRoleArn"):
            if not self._identities.has_service_role("elasticloadbalancing.amazonaws.com"):
                first = Call("ec2:DescribeAccountAttributes", "*")  # what AWS makes that role with
                self._check(role, first, "unable to make the first load balancer")
            balancer = Call(
                "elasticloadbalancing:CreateLoadBalancer", BALANCER, {"aws:ResourceTag/AmazonECSManaged": "true"}
            )
            self._check(role, balancer, "unable to make the load balancer")
        if role := settings.get("executionRoleArn"):
            image = re.fullmatch(
                r"(\d+)\.dkr\.ecr\.([^.]+)\.amazonaws\.com/([^@:]+)[@:].*", settings["primaryContainer"]["image"]
            )
            if image:
                pulled = Call("ecr:BatchGetImage", f"arn:aws:ecr:{image[2]}:{image[1]}:repository/{image[3]}")
                self._check(role, pulled, "unable to pull the image")

    def secret(self, arn: str, role: str | None) -> str:
        """Return what a task gets that starts with a secret.

        Raises:
            TakenBackError: its execution role may not read it.
        """
        if role:
            self._check(role, Call("secretsmanager:GetSecretValue", arn), "unable to pull secrets")
        return self._secret(arn)

    def _may_take(self, role: str, service: str) -> bool:
        account = {"aws:SourceAccount": role.split(":")[4]}
        return self._identities.trusts(
            role, Principal(service, frozenset({("Service", service)})), "sts:AssumeRole", account
        )

    def _check(self, role: str, call: Call, what: str) -> None:
        policies = self._identities.policies("role", role.rpartition("/")[2])
        if decide(Principal(role), policies, [], call) != "allowed":
            raise TakenBackError(f"ResourceInitializationError: {what}: AccessDeniedException: {role}, {call.action}")
