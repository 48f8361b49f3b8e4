"""What a service on Cloud Run is doing now, read once.

The intent of a release is kept in the service's traffic tags: `previous` is what served before, `candidate` what is to
serve. Tags and shares of traffic are written in one call, so there is no moment at which they disagree, and setting
them makes no new revision (setting labels would). No `previous`: nothing is under way.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.state import taken_over

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
    """A service; where it does not exist, the rest is empty."""

    environment: str
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

    @property
    def serves(self) -> str:
        """The same in words."""
        return " ".join(self.serving)

    def before(self) -> str:
        """Return what serves and is not itself a first release that never ended; empty where nothing does.

        Raises:
            CloudError: several revisions take traffic.
        """
        if not self.serving or self.serving == (self.candidate,):
            return ""
        if len(self.serving) > 1:
            settled = f"{SCRIPT} restore {self.environment} REVISION settles it"
            raise CloudError(f"traffic of {self.name} was split by hand: {settled}")
        return self.serving[0]

    def unfit(self, expected: str) -> str:
        """Return why nobody may go on with the candidate, or not whoever expects another."""
        if not self.is_candidate(self.candidate):
            return f"{self.candidate} did not come up: {SCRIPT} restore {self.environment}"
        return taken_over(self.candidate, expected) if expected not in ("", self.candidate) else ""

    def overtaken_by(self, ours: Collection[str]) -> str:
        """Return a candidate that is not among ours."""
        return self.candidate if ours and self.candidate not in ours else ""

    def is_candidate(self, revision: str) -> bool:
        """Whether a revision came up, and is still the candidate."""
        return self.candidate == revision == _tagged(self.actual, "candidate").revision

    def tags(self, revision: str) -> list[str]:
        """The tags that a revision is to have."""
        return [target.tag for target in self.wanted if target.revision == revision and target.tag]

    def served_by(self, revision: str) -> "Service":
        """Return what is so once a revision has all traffic, and no release is under way."""
        alone = (Target(revision, 100, "", ""),)
        return replace(self, wanted=alone, actual=alone)


@dataclass(frozen=True)
class Revision:
    """A revision of a service."""

    name: str
    image: str
    created: str
    ready: bool


def read_service(environment: str, name: str, told: Json) -> Service:
    """Return the service that `gcloud run services describe --format json` prints."""
    spec, status = told.get("spec", {}), told.get("status", {})
    return Service(
        environment,
        name,
        True,
        status.get("url", ""),
        _targets(spec.get("traffic", [])),
        _targets(status.get("traffic", [])),
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
