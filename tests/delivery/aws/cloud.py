"""Start moto and the stand-in for ECS, and tell the real aws where they are."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

from tests.delivery.clouds import Need, s3
from tests.delivery.stand_ins.authority import Authority

from .identities import Identities, policy
from .server import ECS

ACCOUNT = "123456789012"  # moto's own
REGION = "eu-west-1"


def need_aws(need: Need) -> None:
    """The real aws is here."""
    need("aws", shutil.which("aws"), "the AWS CLI is not installed")


@dataclass(frozen=True)
class Moto:
    """moto, as a server: everything but ECS."""

    settings: dict[str, str]

    def client(self, service: str, key: str = "test") -> Any:
        """A client that asks it, as somebody who may do anything, or with another access key."""
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.settings["AWS_ENDPOINT_URL"],
            aws_access_key_id=key, aws_secret_access_key="s3cret-of-aws",
        )  # fmt: skip

    def user(self, slug: str, who: str) -> dict[str, str]:
        """Make a user of a project as `bootstrap` does; return its access key, as IAM shows it."""
        iam, name = self.client("iam"), f"{slug}-{who}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=who, PolicyDocument=policy(who, slug, ACCOUNT, REGION))
        return dict(iam.create_access_key(UserName=name)["AccessKey"])

    def secret(self, name: str) -> str:
        """What a secret holds now."""
        return str(self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    def reset(self) -> None:
        """Forget everything."""
        asked = urllib.request.Request(f"{self.settings['AWS_ENDPOINT_URL']}/moto-api/reset", b"", method="POST")
        urllib.request.urlopen(asked, timeout=60).close()


@contextmanager
def moto(need: Need, folder: Path) -> Iterator[Moto]:
    """Start moto, and stop it. It knows the policies that AWS itself keeps."""
    with mock.patch.dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true"), s3(need, folder) as settings:
        yield Moto(settings)


def start_ecs(moto: Moto, authority: Authority | None) -> ECS:
    """Start the stand-in for ECS, which takes the same access key as moto's owner has."""
    ecs = ECS(ACCOUNT, REGION, authority.serves() if authority else None, moto.secret, Identities(moto.client))
    ecs.keys.add(moto.settings["AWS_ACCESS_KEY_ID"])
    return ecs


def environment(moto: Moto, ecs: ECS, folder: Path) -> dict[str, str]:
    """The settings with which aws and the scripts take these for AWS; `folder` is for aws's own records."""
    folder.mkdir(parents=True, exist_ok=True)
    return moto.settings | {
        "AWS_REGION": REGION,
        "AWS_ACCOUNT_ID": ACCOUNT,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_ECS": ecs.url,
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "FARGATE_PAUSE": "1",
        "FARGATE_PATIENCE": "120",
        "CANARY_PAUSE": "0",
    }
