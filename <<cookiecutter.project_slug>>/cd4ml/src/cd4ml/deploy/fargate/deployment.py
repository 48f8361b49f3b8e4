"""What ECS is doing to a service: its deployments, one at a time, each of which moves traffic by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]
_UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


@dataclass(frozen=True)
class Image:
    """The image of a revision, which never changes."""

    name: str = ""
    found: str = ""
    """The digest that ECS found, where the name is one with a tag."""

    @property
    def digest(self) -> str:
        """The digest, as the name says it, else as ECS found it."""
        return self.name.rpartition("@")[2] if "@sha256:" in self.name else self.found

    @property
    def repository(self) -> str:
        """The name without the digest."""
        return self.name.partition("@")[0]


@dataclass(frozen=True)
class Deployment:
    """A deployment; the revisions are ARNs."""

    arn: str = ""
    state: str = ""
    stage: str = ""
    share: int = 0
    """The percentage of traffic that the new revision takes."""
    target: str = ""
    """The new revision."""
    source: str = ""
    """The revision before it."""
    back: str = ""
    """The revision that it was rolled back to."""
    alarm: str = ""
    reason: str = ""
    created: str = ""

    @property
    def running(self) -> str:
        """The revision that takes all traffic, where the deployment has ended and it is known."""
        if self.state == "SUCCESSFUL":
            return self.target
        return self.back or self.source if self.state == "ROLLBACK_SUCCESSFUL" else ""

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in _UNDER_WAY

    @property
    def goes_well(self) -> bool:
        """Whether it leads to the new revision, or has."""
        return self.state in ("PENDING", "IN_PROGRESS", "SUCCESSFUL")

    @property
    def why(self) -> str:
        """Why it failed, as far as ECS tells."""
        alarm, reason = f", alarm {self.alarm}" if self.alarm else "", f": {self.reason[:300]}" if self.reason else ""
        return f"{self.state}{alarm}{reason}"

    @property
    def progress(self) -> str:
        """Where it is, in words."""
        return f"{self.state}{f' ({self.stage})' if self.stage else ''}, {self.share} %"

    def traffic(self, revision: str, otherwise: str) -> str:
        """Return how much a revision takes, in words; else what became of it, which is its own deployment's state."""
        if revision == self.running:
            return "100 %"
        if self.under_way and revision == self.target:
            return f"{self.share} %"
        if self.under_way and revision == self.source:
            return f"{100 - self.share} %"
        return otherwise.lower().replace("_", " ")


def read_listed(printed: Json) -> tuple[Deployment, ...]:
    """Return the deployments that `aws ecs list-service-deployments` prints, newest first, as far as it says."""
    listed = [
        Deployment(
            one["serviceDeploymentArn"], one.get("status", ""),
            target=one.get("targetServiceRevisionArn", ""), created=moment(one.get("createdAt", "")),
        )
        for one in printed.get("serviceDeployments") or []
    ]  # fmt: skip
    return tuple(sorted(listed, key=lambda one: one.created, reverse=True))


def read_deployment(printed: Json) -> Deployment:
    """Return the one that `aws ecs describe-service-deployments` prints."""
    one = printed["serviceDeployments"][0]
    target, sources = one.get("targetServiceRevision") or {}, one.get("sourceServiceRevisions") or [{}]
    alarms = (one.get("alarms") or {}).get("triggeredAlarmNames") or [""]
    return Deployment(
        one["serviceDeploymentArn"], one.get("status", ""), one.get("lifecycleStage", ""),
        share=int(target.get("requestedProductionTrafficWeight") or 0), target=target.get("arn", ""),
        source=sources[0].get("arn", ""), back=(one.get("rollback") or {}).get("serviceRevisionArn", ""),
        alarm=alarms[0], reason=one.get("statusReason", ""), created=moment(one.get("createdAt", "")),
    )  # fmt: skip


def read_images(printed: Json) -> dict[str, Image]:
    """Return the images of revisions that `aws ecs describe-service-revisions` prints."""
    return {
        one["serviceRevisionArn"]: Image(image.get("image", ""), image.get("imageDigest", ""))
        for one in printed.get("serviceRevisions") or []
        for image in (one.get("containerImages") or [{}])[:1]
    }


def moment(time: str | float) -> str:
    """Return a time in UTC, as text that sorts; version 1 of aws tells seconds, version 2 a date."""
    if not time:
        return ""
    at = datetime.fromtimestamp(time, UTC) if isinstance(time, int | float) else datetime.fromisoformat(time)
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
