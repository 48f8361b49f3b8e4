"""Start moto behind its gate, and the stand-in for ECS, and tell the real aws where they are."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

from tests.delivery.clouds import Need, s3
from tests.delivery.stand_ins.authority import Authority

from .gate import Gate
from .identities import OWNER, SECRET, Session, policy
from .server import ECS
from .tasks import Tasks

ACCOUNT = "123456789012"  # moto's own
REGION = "eu-west-1"
MANAGED = {
    "execution": "AmazonECSTaskExecutionRolePolicy",
    "infrastructure": "AmazonECSInfrastructureRoleforExpressGatewayServices",
}


def need_aws(need: Need) -> None:
    """The real aws is here."""
    need("aws", shutil.which("aws"), "the AWS CLI is not installed")


@dataclass(frozen=True)
class Moto:
    """moto, as a server behind a gate: everything but ECS."""

    settings: dict[str, str]
    gate: Gate

    def client(self, service: str) -> Any:
        """A client that asks it, as somebody who may do anything."""
        return boto3.client(
            service, region_name=REGION, endpoint_url=self.settings["AWS_ENDPOINT_URL"],
            aws_access_key_id=OWNER, aws_secret_access_key=SECRET,
        )  # fmt: skip

    def user(self, slug: str, who: str) -> dict[str, str]:
        """Make a user of a project as `bootstrap` does; return its access key, as IAM shows it."""
        iam, name = self.client("iam"), f"{slug}-{who}"
        iam.create_user(UserName=name)
        allowed = policy(who, slug, ACCOUNT, REGION)
        arn = iam.create_policy(PolicyName=name, PolicyDocument=allowed)["Policy"]["Arn"]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
        return dict(iam.create_access_key(UserName=name)["AccessKey"])

    def rights(self, policy: str) -> dict[str, Any]:
        """What the version in force of one of the account's own policies says."""
        iam, arn = self.client("iam"), f"arn:aws:iam::{ACCOUNT}:policy/{policy}"
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        return dict(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])

    def change_rights(self, policy: str, document: dict[str, Any]) -> None:
        """Let one of the account's own policies say something else."""
        arn, text = f"arn:aws:iam::{ACCOUNT}:policy/{policy}", json.dumps(document)
        self.client("iam").create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)

    def role(self, slug: str, who: str, trust: str, subject: str = "") -> str:
        """Make a role of a project as `bootstrap` does, trusted as policies/trust-TRUST.json says; return its ARN."""
        iam, name = self.client("iam"), f"{slug}-{who}"
        trusted = policy(f"trust-{trust}", slug, ACCOUNT, REGION, who, subject)
        arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"])
        if who in MANAGED:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/service-role/{MANAGED[who]}")
        if who != "infrastructure":
            allowed = policy(who, slug, ACCOUNT, REGION)
            iam.put_role_policy(RoleName=name, PolicyName=who, PolicyDocument=allowed)
        return arn

    def roles_of_services(self, slug: str) -> None:
        """Make the roles that a project's services, load balancers and ECS itself run as."""
        self.client("iam").create_service_linked_role(AWSServiceName="elasticloadbalancing.amazonaws.com")
        for who, trust in (("runtime", "tasks"), ("execution", "tasks"), ("infrastructure", "ecs")):
            self.role(slug, who, trust)

    def session(self, slug: str, who: str) -> dict[str, str]:
        """Take a role, as ECS does for a task; return the settings that containers of it get."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{slug}-{who}"
        taken = self.gate.direct("sts").assume_role(RoleArn=arn, RoleSessionName="task")
        held, session = taken["Credentials"], taken["AssumedRoleUser"]["Arn"]
        of_role = Session(f"{slug}-{who}", session, held["SessionToken"], held["SecretAccessKey"])
        self.gate.identities.took(held["AccessKeyId"], of_role)
        return {
            "AWS_ACCESS_KEY_ID": held["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": held["SecretAccessKey"],
            "AWS_SESSION_TOKEN": held["SessionToken"],
        }

    def secret(self, name: str) -> str:
        """What a secret holds now."""
        return str(self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    def reset(self) -> None:
        """Forget everything."""
        self.gate.reset()


@contextmanager
def moto(need: Need, folder: Path) -> Iterator[Moto]:
    """Start moto, and stop it. It knows the policies that AWS itself keeps."""
    with mock.patch.dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true"), s3(need, folder) as settings:
        gate = Gate(settings["AWS_ENDPOINT_URL"], ACCOUNT)
        try:
            yield Moto(settings | {"AWS_ENDPOINT_URL": gate.url}, gate)
        finally:
            gate.close()


def start_ecs(moto: Moto, authority: Authority | None) -> ECS:
    """Start the stand-in for ECS, whose callers are those of moto."""
    identities = moto.gate.identities
    return ECS(ACCOUNT, REGION, authority.serves() if authority else None, Tasks(identities, moto.secret), identities)


def environment(moto: Moto, ecs: ECS, folder: Path) -> dict[str, str]:
    """The settings with which aws and the verbs take these for AWS; `folder` is for aws's own records."""
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
