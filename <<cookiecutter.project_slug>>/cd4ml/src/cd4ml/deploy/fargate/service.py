"""What a service of ECS Express Mode is doing, read once.

The intent of a release is kept in the service's tags, as digests of images: `previous` is what served before,
`candidate` what is to serve. They are written before anything is done and removed when the release has ended. No
`candidate`: nothing is under way.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.fargate.deployment import Deployment, Image
from cd4ml.deploy.names import SCRIPT

Json = Mapping[str, Any]
_LOOPBACK = ("http://127.0.0.1:", "http://localhost:")


@dataclass(frozen=True)
class Service:
    """A service with its newest deployment; where it does not exist, the rest is empty."""

    environment: str
    name: str
    arn: str
    status: str = ""
    """ACTIVE, or DRAINING while it is removed."""
    url: str = ""
    previous: str = ""
    """The digest of what served before the release that is under way."""
    wanted: str = ""
    """The digest of what is to serve."""
    active: str = ""
    """A revision that is up."""
    deployment: Deployment = field(default_factory=Deployment)
    history: tuple[Deployment, ...] = ()
    """All deployments, newest first, as far as ECS lists them: revision, state and time."""
    images: Mapping[str, Image] = field(default_factory=dict)
    """The images of revisions, as far as they were read."""
    is_open: bool = False
    """Whether a revision that is up wants no API key."""
    reason: str = ""
    """Why it is not as it should be, as far as ECS tells."""

    @property
    def exists(self) -> bool:
        """Whether it is there."""
        return bool(self.status)

    @property
    def target(self) -> Image:
        """What the newest deployment brings."""
        return self.images.get(self.deployment.target, Image())

    @property
    def running(self) -> str:
        """The digest of what takes all traffic; empty where a deployment has not ended, or nobody knows."""
        return self.images.get(self.deployment.running, Image()).digest

    @property
    def serves(self) -> str:
        """The same in words."""
        return self.running or "nobody knows what"

    @property
    def candidate(self) -> str:
        """The newest revision, where a release is under way."""
        return (last(self.deployment.target) or self.wanted) if self.wanted else ""

    @property
    def candidate_url(self) -> str:
        """A candidate has no address of its own."""
        return self.url

    @property
    def is_redeploy(self) -> bool:
        """Whether what is to serve is the image that served before, for new keys or settings."""
        return bool(self.wanted) and self.wanted == self.previous

    def before(self) -> str:
        """Return the digest that serves and is not itself a first release that never ended; empty where nothing does.

        Raises:
            CloudError: nobody can tell.
        """
        if not self.exists or self.wanted or self.previous:
            return self.previous
        if not self.running:
            settled = f"{SCRIPT} restore {self.environment} DIGEST settles it"
            state = self.deployment.state
            raise CloudError(f"nobody knows what {self.name} serves ({state}), and nothing was changed: {settled}")
        return self.running

    def unfit(self, expected: str) -> str:
        """Return why nobody may go on with the candidate, or not whoever expects another revision."""
        newest, digest = last(self.deployment.target), self.target.digest
        if expected not in ("", newest) or digest != self.wanted:
            is_now = f"the candidate is {self.wanted} (newest: {newest})"
            return f"another deploy has taken over: {is_now}, not {expected or digest}"
        if not self.deployment.goes_well:
            return f"{newest} is taken back by ECS ({self.deployment.why}): {SCRIPT} restore {self.environment}"
        return ""

    def overtaken_by(self, ours: Collection[str]) -> str:
        """Return what is wanted instead of ours: revisions, or the digest that a deploy knows before its revision."""
        digests = {name for name in ours if name.startswith("sha256:")}
        if digests:
            return "" if self.wanted in digests else self.wanted
        if not ours or not self.wanted:
            return ""
        goes_back = self.target.digest == self.previous and not self.is_redeploy  # the way back has begun
        is_ours = last(self.deployment.target) in ours and self.target.digest == self.wanted
        return "" if goes_back or is_ours else self.wanted


def read_service(environment: str, name: str, arn: str, printed: Json) -> Service:
    """Return the service that `aws ecs describe-express-gateway-service` prints, without its deployments."""
    described = printed["service"]
    told = described.get("status", {})
    status = told.get("statusCode", "")
    if status in ("", "INACTIVE"):
        return Service(environment, name, arn)
    tags = {tag["key"]: tag.get("value", "") for tag in described.get("tags") or []}
    active = described.get("activeConfigurations") or []
    paths = [path for one in active for path in one.get("ingressPaths") or [] if path.get("accessType") == "PUBLIC"]
    images = {
        one["serviceRevisionArn"]: Image(one.get("primaryContainer", {}).get("image", ""))
        for one in active
        if one.get("serviceRevisionArn")
    }
    return Service(
        environment, name, arn, status,
        url=secure(paths[0].get("endpoint", "")) if paths else "",
        previous=tags.get("previous", ""), wanted=tags.get("candidate", ""),
        active=next(iter(images), ""), images=images, is_open=not all(map(_wants_key, active)),
        reason=told.get("statusReason") or "",
    )  # fmt: skip


def _wants_key(configuration: Json) -> bool:
    secrets = configuration.get("primaryContainer", {}).get("secrets") or []
    return any(secret.get("name") == "SERVICE_API_KEYS" for secret in secrets)


def secure(endpoint: str) -> str:
    """Return an endpoint as an address that is never unencrypted outside this machine."""
    if not endpoint or endpoint.startswith(("https://", *_LOOPBACK)):
        return endpoint
    return f"https://{endpoint.removeprefix('http://')}"


def last(arn: str) -> str:
    """Return the last part of an ARN, as a revision's id."""
    return arn.rpartition("/")[2]
