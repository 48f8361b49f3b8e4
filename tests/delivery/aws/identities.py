"""Who calls, and by which policies: moto's users and roles, and this project's own policies for them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from cd4ml.deploy.script import FOLDER

Json = dict[str, Any]
Client = Callable[..., Any]  # of a service, in the name of an access key

PARTS = ("any-cloud/names", "any-cloud/keys", "fargate/names", "fargate/trust", "fargate/identities")


class Identities:
    """The users and roles of one account."""

    def __init__(self, client: Client) -> None:
        self._client, self._iam = client, client("iam")
        self._callers: dict[str, str] = {}

    def caller(self, key: str) -> str:
        """Return the ARN of who has this access key, or took a role with it."""
        if key not in self._callers:
            self._callers[key] = str(self._client("sts", key).get_caller_identity()["Arn"])
        return self._callers[key]

    def policies(self, key: str) -> list[Json] | None:
        """Return the policies of who has this access key; None: the account's owner, who may do anything."""
        _, _, name = self.caller(key).partition(":user/")
        if name:
            known = {user["UserName"] for user in self._iam.list_users()["Users"]}
            return self._inline("user", name) if name in known else None
        return self._inline("role", self.caller(key).split("/")[1])

    def _inline(self, kind: str, name: str) -> list[Json]:
        who = {f"{kind.title()}Name": name}
        listed = getattr(self._iam, f"list_{kind}_policies")(**who)["PolicyNames"]
        get = getattr(self._iam, f"get_{kind}_policy")
        return [get(**who, PolicyName=policy)["PolicyDocument"] for policy in listed]

    def ecs_has_its_role(self) -> bool:
        """Whether the account has the role that ECS itself runs as."""
        return bool(self._iam.list_roles(PathPrefix="/aws-service-role/ecs.amazonaws.com/")["Roles"])


def policy(name: str, slug: str, account: str, region: str) -> str:
    """Return a policy of the scripts, as `bootstrap` gives it to a project's user or role."""
    settings = f"SLUG={slug} ACCOUNT={account} PARTITION=aws AWS_REGION={region} HERE='{FOLDER}'"
    sourced = "".join(f". '{FOLDER}/{part}.sh'; " for part in PARTS)
    command = f"{settings}; {sourced}policy {name}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["Statement"]
    return done.stdout
