"""What a service on Cloud Run is doing now, read once.

The intent of a release is kept in the service's traffic tags: `previous` is what served before, `candidate` what is to
serve. Tags and shares of traffic are written in one call, so there is no moment at which they disagree, and setting
them makes no new revision (setting labels would). No `previous`: nothing is under way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A line of a service's traffic."""

    revision: str
    percent: int
    tag: str
    url: str


@dataclass(frozen=True)
class Service:
    """A service; where it does not exist, all but its name is empty."""

    name: str
    exists: bool = False
    url: str = ""
    wanted: tuple[Target, ...] = ()
    """Where traffic is to go."""
    actual: tuple[Target, ...] = ()
    """Where it goes."""

    @property
    def candidate(self) -> str:
        """The revision that is to serve."""
        return _tagged(self.wanted, "candidate").revision

    @property
    def previous(self) -> str:
        """What served before the release that is under way."""
        return _tagged(self.wanted, "previous").revision

    @property
    def candidate_url(self) -> str:
        """Where the candidate alone answers."""
        return _tagged(self.actual, "candidate").url

    @property
    def serving(self) -> tuple[str, ...]:
        """The revisions that take traffic."""
        return tuple(sorted({target.revision for target in self.actual if target.percent > 0}))

    def is_candidate(self, revision: str) -> bool:
        """Whether a revision came up, and is still the candidate."""
        return self.candidate == revision == _tagged(self.actual, "candidate").revision

    def tags(self, revision: str) -> list[str]:
        """The tags that a revision is to have."""
        return [target.tag for target in self.wanted if target.revision == revision and target.tag]


@dataclass(frozen=True)
class Revision:
    """A revision of a service."""

    name: str
    image: str
    created: str
    ready: bool


def read_service(name: str, told: Json) -> Service:
    """Return the service that `gcloud run services describe --format json` prints."""
    spec, status = told.get("spec", {}), told.get("status", {})
    return Service(
        name, True, status.get("url", ""), _targets(spec.get("traffic", [])), _targets(status.get("traffic", []))
    )


def read_revision(told: Json) -> Revision:
    """Return a revision that `gcloud run revisions list --format json` prints."""
    meta, conditions = told["metadata"], told.get("status", {}).get("conditions", [])
    ready = any(condition["type"] == "Ready" and condition.get("status") == "True" for condition in conditions)
    return Revision(meta["name"], told["spec"]["containers"][0]["image"], meta["creationTimestamp"], ready)


def share(targets: tuple[Target, ...], revision: str) -> int:
    """Return the percentage of traffic that a revision takes."""
    return sum(target.percent for target in targets if target.revision == revision)


def goes_as_told(targets: tuple[Target, ...], shares: Mapping[str, int]) -> bool:
    """Return whether traffic goes in these shares."""
    return all(share(targets, revision) == percent for revision, percent in shares.items())


def _targets(told: list[Json]) -> tuple[Target, ...]:
    return tuple(
        Target(line.get("revisionName", ""), int(line.get("percent") or 0), line.get("tag", ""), line.get("url", ""))
        for line in told
    )


def _tagged(targets: tuple[Target, ...], tag: str) -> Target:
    return next((target for target in targets if target.tag == tag), Target("", 0, tag, ""))
