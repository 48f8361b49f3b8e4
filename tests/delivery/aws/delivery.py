"""AWS, set up for the project `flight-delays`, as its workflows find it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery.delivery import IDENTITIES, KEY, Need, ask
from tests.delivery.github import GitHub
from tests.delivery.github.oidc import prefix
from tests.delivery.stand_ins.authority import Authority
from tests.delivery.stand_ins.bridge import from_containers

from . import cloud
from .cloud import Moto
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
            for name in (name for name, works_as in IDENTITIES.items() if works_as == identity):
                own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
                github.environments[name].secrets |= own

    def trust(self, github: GitHub) -> None:
        issuer = "https://token.actions.githubusercontent.com"
        self.moto.client("iam").create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
        for identity in set(IDENTITIES.values()):
            self.moto.role(SLUG, identity, "github", prefix(github))
        for name, role in self.roles().items():
            github.environments[name].vars["AWS_ROLE"] = role

    def works_as_its_role(self) -> None:
        """From now on, what runs in ECS has the keys of the role that the service runs as."""
        self.ecs.ambient |= self.moto.session(SLUG, "runtime")

    def roles(self) -> dict[str, str]:
        """The role that works in each environment."""
        return {name: f"arn:aws:iam::{cloud.ACCOUNT}:role/{SLUG}-{identity}" for name, identity in IDENTITIES.items()}

    def ask(self, path: str, body: Any = None) -> Any:
        return ask(self.ecs.services[SLUG].address.url + path, body, self.authority.asks)


@contextmanager
def account(need: Need, folder: Path, registry: str) -> Iterator[Fargate]:
    """Start ECS, and moto for its neighbours, in which nothing was made yet, until the block ends."""
    cloud.need_aws(need)
    folder.mkdir()
    with cloud.moto(need, folder) as moto, from_containers(moto.settings) as ambient:
        authority = Authority(folder)
        ecs = cloud.start_ecs(moto, authority)
        ecs.ambient = ambient | {"AWS_REGION": cloud.REGION, "AWS_DEFAULT_REGION": cloud.REGION}
        told = cloud.environment(moto, ecs, folder / "aws") | authority.trusted()
        passed = {name: value for name, value in told.items() if name not in OWN}
        variables = {"AWS_REGION": cloud.REGION, "AWS_ACCOUNT_ID": cloud.ACCOUNT, "CLOUD_REGISTRY": registry}
        try:
            yield Fargate(ecs, moto, authority, passed, variables)
        finally:
            ecs.close()


@contextmanager
def fargate(need: Need, folder: Path, registry: str) -> Iterator[Fargate]:
    """The same with all that a project needs, but for who its jobs work as: buckets, an API key, a cluster, roles."""
    with account(need, folder, registry) as made:
        moto = made.moto
        for bucket in (BUCKET, PREDICTIONS):
            where = {"LocationConstraint": cloud.REGION}
            moto.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        moto.client("secretsmanager").create_secret(Name=f"{SLUG}-api-keys", SecretString=KEY)
        moto.client("ecr").create_repository(repositoryName=SLUG)
        made.ecs.clusters.add(SLUG)
        moto.roles_of_services(SLUG)
        made.works_as_its_role()
        yield made
