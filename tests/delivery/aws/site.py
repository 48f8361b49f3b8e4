"""A project, the account of moto's that is set up for it, and what its owner finds there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Bake
from tests.delivery.aws import cloud
from tests.delivery.aws.cloud import ACCOUNT, Moto
from tests.delivery.aws.server import ECS
from tests.delivery.stand_ins.script import SettingUp, owner

SLUG = "demo"
DATA, PREDICTIONS = f"demo-dvc-{ACCOUNT}", f"demo-predictions-{ACCOUNT}"


@dataclass
class Site(SettingUp):
    """A project and the account that is set up for it."""

    platform = "fargate"
    moto: Moto
    ecs: ECS

    def days_kept(self) -> int:
        """For how many days predictions are kept."""
        told = self.moto.client("s3").get_bucket_lifecycle_configuration(Bucket=PREDICTIONS)
        (rule,) = told["Rules"]
        assert (rule["Status"], rule["Filter"]) == ("Enabled", {"Prefix": ""})
        return int(rule["Expiration"]["Days"])

    def names(self, kind: str) -> set[str]:
        """The names of all `users` or `roles`, but for the roles that AWS's own services run as."""
        iam = self.moto.client("iam")
        listed = iam.list_users()["Users"] if kind == "users" else iam.list_roles()["Roles"]
        own = [one for one in listed if not one["Path"].startswith("/aws-service-role/")]
        return {one["UserName" if kind == "users" else "RoleName"] for one in own}

    def keys(self) -> set[str]:
        """The names of the access keys that AWS takes."""
        iam = self.moto.client("iam")
        listed = [iam.list_access_keys(UserName=name)["AccessKeyMetadata"] for name in self.names("users")]
        return {key["AccessKeyId"] for keys in listed for key in keys}

    def attached(self, user: str) -> set[str]:
        """The names of the policies that are attached to a user."""
        told = self.moto.client("iam").list_attached_user_policies(UserName=user)["AttachedPolicies"]
        return {one["PolicyName"] for one in told}

    def everything(self) -> str:
        """All that there is, to be compared."""
        iam, s3 = self.moto.client("iam"), self.moto.client("s3")
        inline = {name: sorted(iam.list_user_policies(UserName=name)["PolicyNames"]) for name in self.names("users")}
        users = {name: [kept, sorted(self.attached(name))] for name, kept in inline.items()}
        policies = {one["Arn"]: one["DefaultVersionId"] for one in iam.list_policies(Scope="Local")["Policies"]}
        roles = {name: sorted(iam.list_role_policies(RoleName=name)["PolicyNames"]) for name in self.names("roles")}
        buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        keys = {name: len(iam.list_access_keys(UserName=name)["AccessKeyMetadata"]) for name in users}
        repositories = [
            one["repositoryName"] for one in self.moto.client("ecr").describe_repositories()["repositories"]
        ]
        secrets = [one["Name"] for one in self.moto.client("secretsmanager").list_secrets()["SecretList"]]
        providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        told = [users, policies, roles, buckets, keys, repositories, secrets, providers, sorted(self.ecs.clusters)]
        return json.dumps(told, sort_keys=True)


@contextmanager
def site_on_aws(bake: Bake, moto: Moto, folder: Path) -> Iterator[Site]:
    """An account in which nothing was made yet."""
    moto.reset()
    ecs = cloud.start_ecs(moto, None)
    settings = cloud.environment(moto, ecs, folder / "aws") | owner(folder, os.environ["PATH"])
    try:
        yield Site(bake(into=folder, platform="fargate", project_slug=SLUG), settings, moto, ecs)
    finally:
        ecs.close()
