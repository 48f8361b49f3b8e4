"""A service on a host: its site, and its containers, as they were read last."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.docker_host.site import BESIDE, Site
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.state import taken_over


@dataclass(frozen=True)
class Container:
    """A revision of a service."""

    name: str
    image: str
    state: str
    """`running`, `restarting`, `exited` and so on, in Docker's words."""
    created: str

    @property
    def runs(self) -> bool:
        """Whether it is up."""
        return self.state == "running"


@dataclass(frozen=True)
class Service:
    """A service; before its first release it has no site."""

    environment: str
    name: str
    site: Site | None = None
    containers: tuple[Container, ...] = ()
    """Newest first."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """What the other services of this host answer for: names of services, by address."""

    @property
    def exists(self) -> bool:
        """Whether a release was begun."""
        return self.site is not None

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{self.site.address}" if self.site else ""

    @property
    def candidate(self) -> str:
        """The revision that is to serve."""
        return self.site.candidate if self.site else ""

    @property
    def candidate_url(self) -> str:
        """Where the candidate alone answers."""
        return f"{self.url}{BESIDE}" if self.candidate else ""

    @property
    def previous(self) -> str:
        """What `restore` goes back to."""
        return self.site.previous if self.site else ""

    @property
    def shares(self) -> Mapping[str, int]:
        """The revisions that take traffic."""
        return self.site.shares if self.site else {}

    @property
    def serves(self) -> str:
        """The same in words."""
        return " ".join(self.shares) or "nothing"

    def before(self) -> str:
        """Return what serves, and is not itself a first release that never ended.

        Raises:
            CloudError: several revisions take traffic, and no release is under way.
        """
        serving = [revision for revision in self.shares if self.previous or revision != self.candidate]
        if len(serving) > 1:
            raise CloudError(
                f"traffic of {self.name} was split by hand: {SCRIPT} restore {self.environment} REVISION settles it"
            )
        return serving[0] if serving else ""

    def container(self, revision: str) -> Container | None:
        """Return a revision's container."""
        return next((known for known in self.containers if known.name == revision), None)

    def unfit(self, expected: str) -> str:
        """Return why nobody may go on with the candidate, or not whoever expects another."""
        if expected not in ("", self.candidate):
            return taken_over(self.candidate, expected)
        known = self.container(self.candidate)
        if known is None or not known.runs:
            state = known.state if known else "not there"
            return f"{self.candidate} did not come up (it is {state}): {SCRIPT} restore {self.environment}"
        return ""

    def overtaken_by(self, ours: Collection[str]) -> str:
        """Return a candidate that is not among ours."""
        return self.candidate if ours and self.candidate not in ours else ""


def read_container(told: Mapping[str, Any]) -> Container:
    """Return a container that `docker container ls` prints in the format of `steps`."""
    return Container(told["name"], told["image"], told["state"], told["created"])


def litter(service: Service) -> tuple[list[str], list[str]]:
    """Return the containers that are to be stopped, and those to be removed, of a service that is at rest."""
    site = service.site
    busy = {*site.shares, site.candidate, site.previous} if site else set()
    kept = site.kept if site else ()
    idle = [known for known in service.containers if known.name not in busy]
    stop = [known.name for known in idle if known.name in kept and known.state != "exited"]
    return stop, [known.name for known in idle if known.name not in kept]
