"""What everything is called in AWS, and the settings that come from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import short

_SIZES = {"SERVICE_CPU": "512", "SERVICE_MEMORY": "1024", "SERVICE_MIN_INSTANCES": "1", "SERVICE_MAX_INSTANCES": "4"}
GITHUB_TOKENS = "token.actions.githubusercontent.com"
_OTHER_PARTITIONS = ("eusc-", "us-iso", "eu-iso")  # their addresses and ARNs have other names
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class Place:
    """An account and a region of AWS, and what a project of ours is called there."""

    slug: str
    region: str
    account: str
    host: str
    """Where images are; empty for the account's own registry."""

    @property
    def cluster(self) -> str:
        """The project's own cluster."""
        return self.slug

    @property
    def repository(self) -> str:
        """The image's name in the registry that production runs from."""
        return f"{self.host or self._ecr}/{self.slug}"

    @property
    def secret(self) -> str:
        """The secret with the keys of the service."""
        return f"{self.slug}-api-keys"

    @property
    def _ecr(self) -> str:
        domain = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"{self.account}.dkr.ecr.{self.region}.{domain}"

    @property
    def partition(self) -> str:
        """How ARNs begin there."""
        return next((name for begins, name in _PARTITIONS.items() if self.region.startswith(begins)), "aws")

    @property
    def flags(self) -> tuple[str, ...]:
        """How aws is told the region."""
        return ("--region", self.region)

    def is_in_ecr(self, image: str) -> bool:
        """Whether an image is in the account's own registry."""
        return image.startswith(self._ecr) and f"/{self.slug}@" in image

    def service(self, environment: str) -> str:
        """A certificate is for SERVICE.ecs.REGION.on.aws, with what AWS may add to SERVICE: 64 characters at most."""
        return short(self.slug if environment == "production" else f"{self.slug}-{environment}", 28)

    def service_arn(self, environment: str) -> str:
        """The same as an ARN."""
        name = self.service(environment)
        return f"arn:{self.partition}:ecs:{self.region}:{self.account}:service/{self.cluster}/{name}"

    def identity(self, who: str) -> str:
        """What reader, trainer, ... is called: a user, its policy or a role, 64 characters at most."""
        return f"{self.slug}-{who}"

    def role(self, who: str) -> str:
        """The ARN of a role."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.identity(who)}"

    def policy(self, who: str) -> str:
        """The ARN of a user's policy."""
        return f"arn:{self.partition}:iam::{self.account}:policy/{self.identity(who)}"

    @property
    def provider(self) -> str:
        """The ARN of the identity provider GitHub, of which an account has one for all its projects."""
        return f"arn:{self.partition}:iam::{self.account}:oidc-provider/{GITHUB_TOKENS}"

    def bucket(self, kind: str) -> str:
        """The bucket for dvc or predictions: 63 characters at most, and nobody else's in the world."""
        return f"{short(self.slug, 37)}-{kind}-{self.account}"

    def log(self, kind: str, environment: str) -> str:
        """Where a service writes its predictions, for a `prediction_log` off, stdout or bucket; empty if nowhere."""
        return {"stdout": "stdout", "bucket": f"s3://{self.bucket('predictions')}/{environment}"}.get(kind, "")


def read_region(environment: Mapping[str, str]) -> str:
    """Return AWS_REGION.

    Raises:
        CloudError: it is missing, would not be taken literally by a command or an address, or is not supported.
    """
    region = environment.get("AWS_REGION", "")
    if not region:
        raise CloudError("AWS_REGION is not set: export AWS_REGION=eu-west-1, say")
    if not re.fullmatch(r"[a-z]+(-[a-z]+)+-[0-9]+", region):
        raise CloudError("AWS_REGION is not a region, such as eu-west-1")
    if region.startswith(_OTHER_PARTITIONS):
        raise CloudError(f"AWS_REGION is {region}: AWS's European Sovereign Cloud and iso regions are not supported")
    return region


def read_seconds(environment: Mapping[str, str], name: str, default: int) -> int:
    """Return a setting in whole seconds.

    Raises:
        CloudError: it is something else.
    """
    given = environment.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,5}", given):
        raise CloudError(f"{name} is a whole number of seconds")
    return int(given)


def service_flags(place: Place, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return how a revision is to run, but for its container.

    Raises:
        CloudError: a size is not a whole number.
    """
    for name in _SIZES:
        if not re.fullmatch(r"[0-9]{1,6}", environment.get(name) or "1"):
            raise CloudError(f"{name} is not a whole number: docs/fargate.md names its unit")
    size = {name: environment.get(name) or default for name, default in _SIZES.items()}
    tasks = f"minTaskCount={size['SERVICE_MIN_INSTANCES']},maxTaskCount={size['SERVICE_MAX_INSTANCES']}"
    return (
        *("--execution-role-arn", place.role("execution"), "--task-role-arn", place.role("runtime")),
        *("--health-check-path", "/health/ready"),
        *("--cpu", size["SERVICE_CPU"], "--memory", size["SERVICE_MEMORY"]),
        *("--scaling-target", f"{tasks},autoScalingMetric=AVERAGE_CPU,autoScalingTargetValue=60"),
    )
