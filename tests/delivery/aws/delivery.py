"""AWS, set up for the project `flight-delays`, as its workflows find it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery.delivery import IDENTITIES, KEY, Need, ask
from tests.delivery.github import GitHub
from tests.delivery.stand_ins.authority import Authority
from tests.delivery.stand_ins.bridge import from_containers

from . import cloud
from .cloud import Moto
from .identities import policy
from .server import ECS

SLUG = "flight-delays"
BUCKET, PREDICTIONS = (f"{SLUG}-{kind}-{cloud.ACCOUNT}" for kind in ("dvc", "predictions"))
# What a job has to get by itself: from its sign-in, and from the repository's variables.
OWN = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCOUNT_ID")


@dataclass(frozen=True)
class Fargate:
    """One account of Amazon's, and how it is found."""

    ecs: ECS
    moto: Moto
    authority: Authority
    settings: dict[str, str]
    variables: dict[str, str]

    @property
    def remote(self) -> dict[str, str]:
        return {"url": f"s3://{BUCKET}/dvc", "endpointurl": self.moto.settings["AWS_ENDPOINT_URL"]}

    @property
    def log(self) -> str:
        return f"s3://{PREDICTIONS}"

    @property
    def storage(self) -> dict[str, str]:
        return self.moto.settings

    @property
    def tools(self) -> list[str]:
        return []

    def keys(self, github: GitHub) -> None:
        for identity in set(IDENTITIES.values()):
            key = self.moto.user(SLUG, identity)
            self.ecs.keys.add(key["AccessKeyId"])
            for name in (name for name, works_as in IDENTITIES.items() if works_as == identity):
                own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
                github.environments[name].secrets |= own

    def trust(self, github: GitHub) -> None:
        iam, trusted = self.moto.client("iam"), dict[str, list[str]]()
        for identity in set(IDENTITIES.values()):
            name, allowed = f"{SLUG}-{identity}", policy(identity, SLUG, cloud.ACCOUNT, cloud.REGION)
            iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
            iam.put_role_policy(RoleName=name, PolicyName=identity, PolicyDocument=allowed)
        for name, role in self.roles().items():
            trusted.setdefault(role, []).append(name)
            github.environments[name].vars["AWS_ROLE"] = role
        github.settings["STANDIN_AWS_TRUST"] = json.dumps(trusted)
        self.ecs.takes_sessions = True

    def roles(self) -> dict[str, str]:
        """The role that works in each environment."""
        return {name: f"arn:aws:iam::{cloud.ACCOUNT}:role/{SLUG}-{identity}" for name, identity in IDENTITIES.items()}

    def ask(self, path: str, body: Any = None) -> Any:
        return ask(self.ecs.services[SLUG].address.url + path, body, self.authority.asks)


@contextmanager
def fargate(need: Need, folder: Path, registry: str) -> Iterator[Fargate]:
    """Start ECS, and moto for its neighbours, with a bucket and an API key, until the block ends."""
    cloud.need_aws(need)
    folder.mkdir()
    with cloud.moto(need, folder) as moto, from_containers(moto.settings) as ambient:
        authority = Authority(folder)
        for bucket in (BUCKET, PREDICTIONS):
            where = {"LocationConstraint": cloud.REGION}
            moto.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        moto.client("secretsmanager").create_secret(Name=f"{SLUG}-api-keys", SecretString=KEY)
        moto.client("ecr").create_repository(repositoryName=SLUG)
        ecs = cloud.start_ecs(moto, authority)
        ecs.clusters.add(SLUG)
        runtime = moto.user(SLUG, "runtime")
        ecs.ambient = ambient | {
            "AWS_ACCESS_KEY_ID": runtime["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": runtime["SecretAccessKey"],
            "AWS_REGION": cloud.REGION,
            "AWS_DEFAULT_REGION": cloud.REGION,
        }
        told = cloud.environment(moto, ecs, folder / "aws") | authority.trusted()
        passed = {name: value for name, value in told.items() if name not in OWN}
        variables = {"AWS_REGION": cloud.REGION, "AWS_ACCOUNT_ID": cloud.ACCOUNT, "CLOUD_REGISTRY": registry}
        try:
            yield Fargate(ecs, moto, authority, passed, variables)
        finally:
            ecs.close()
