"""What a service on Container Instances is doing now, read once: the group that serves, and the candidate's beside it.

The intent of a release is kept in tags, which are written before anything else is: `step` is `deploy` or `swap` while
one is under way, `restore` while what served before it comes up again, and `served` when what serves has shown that it
does; `candidate` is what is to serve, `revision` what a group runs, `previous` and `previous-image` what served before
that. The candidate's group has them too, as the other one may be gone for a while.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from cd4ml.deploy.aci.settings import Size
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.state import taken_over

Json = Mapping[str, Any]
_CHANGING = ("Pending", "Creating", "Updating", "Repairing")
_ENDED = ("Succeeded", "Failed", "Stopped")


@dataclass(frozen=True)
class Group:
    """A container group."""

    name: str
    host: str
    revision: str
    image: str
    size: Size
    step: str
    candidate: str
    previous: str
    previous_image: str
    ports: tuple[int, ...] = ()
    given: frozenset[str] = frozenset()
    """The names of the settings that the service was given."""

    @property
    def url(self) -> str:
        """Where it answers; never without encryption."""
        return f"https://{self.host}" if self.host else ""


@dataclass(frozen=True)
class Condition:
    """What Azure does with a group, and how its service is."""

    provisioning: str
    state: str
    service: str
    restarts: int

    @property
    def is_changing(self) -> bool:
        """Whether something is being done to it, as after a run that was killed."""
        return self.provisioning.startswith(_CHANGING)

    @property
    def has_ended(self) -> bool:
        """Whether Azure does not start it again by itself."""
        return self.state in _ENDED


UNKNOWN = Condition("-", "-", "-", 0)


@dataclass(frozen=True)
class WayBack:
    """How what served before a release serves again."""

    revision: str
    """Empty where nothing served."""
    image: str
    by: Literal["nothing", "removing", "making", "waiting"]
    """What has to be done to the service's group; `waiting`, where it was being made again: for as long as it runs."""


@dataclass(frozen=True)
class Service:
    """A service in an environment, with what serves and what is beside it."""

    environment: str
    name: str
    live: Group | None = None
    beside: Group | None = None

    @property
    def exists(self) -> bool:
        """Whether there is any group of its."""
        return bool(self.live or self.beside)

    @property
    def url(self) -> str:
        """The service's address; empty where nothing serves."""
        return self.live.url if self.live else ""

    @property
    def serves(self) -> str:
        """The revision that the service runs; empty where nothing serves."""
        return self.live.revision if self.live else ""

    @property
    def step(self) -> str:
        """The step of a release that the service is in."""
        return self.live.step if self.live else ""

    @property
    def is_under_way(self) -> bool:
        """Whether a release has not ended; a candidate beside what is served is litter of one that has."""
        return self.beside is not None or (self.live is not None and self.live.step != "served")

    @property
    def candidate(self) -> str:
        """The revision that is to serve; empty where no release is under way."""
        if not self.is_under_way:
            return ""
        return (self.beside.revision if self.beside else "") or (self.live.candidate if self.live else "")

    @property
    def candidate_url(self) -> str:
        """Where the candidate alone answers."""
        return self.beside.url if self.beside else ""

    @property
    def previous(self) -> str:
        """What serves again when the release that is under way is undone; empty where nothing did."""
        return way_back(self).revision if self.candidate else ""

    def before(self) -> str:
        """Return what a release beside it would replace."""
        return self.serves

    def is_candidate(self, revision: str) -> bool:
        """Whether a revision runs beside what serves, and is still what is to serve."""
        runs = self.beside is not None and self.beside.revision == revision
        return runs and (self.live is None or self.live.candidate == revision)

    def is_served(self, revision: str) -> bool:
        """Whether a revision has shown that it serves."""
        return self.live is not None and self.live.revision == revision and self.live.step == "served"

    def unfit(self, expected: str) -> str:
        """Return why nobody may go on with the candidate, or not whoever expects another; empty where they may."""
        if self.beside is None:
            return f"{self.name} has no candidate: {SCRIPT} deploy IMAGE {self.environment}"
        revision = self.beside.revision
        if not self.is_candidate(revision):
            return f"the release of {revision} was undone or taken over: {SCRIPT} restore {self.environment}"
        return taken_over(revision, expected) if expected not in ("", revision) else ""

    def overtaken_by(self, ours: Collection[str]) -> str:
        """Return another deploy's candidate that has taken the place of ours; what is on its way back is anybody's."""
        return self.candidate if ours and self.candidate not in ("", *ours) and self.step != "restore" else ""


def read_service(environment: str, name: str, beside: str, listed: list[Json]) -> Service:
    """Return the service among the groups that `az container list --output json` prints."""
    groups = {str(told["name"]): read_group(told) for told in listed if told["name"] in (name, beside)}
    return Service(environment, name, groups.get(name), groups.get(beside))


def read_group(told: Json) -> Group:
    """Return a group as az shows it."""
    tags, service = told.get("tags") or {}, _service(told)
    requests = (service.get("resources") or {}).get("requests") or {}
    return Group(
        name=told["name"],
        host=(told.get("ipAddress") or {}).get("fqdn") or "",
        revision=tags.get("revision", ""),
        image=service.get("image") or "",
        size=Size(float(requests.get("cpu") or 0), float(requests.get("memoryInGb") or 0)),
        step=tags.get("step", ""),
        candidate=tags.get("candidate", ""),
        previous=tags.get("previous", ""),
        previous_image=tags.get("previous-image", ""),
        ports=tuple(port["port"] for port in (told.get("ipAddress") or {}).get("ports") or []),
        given=frozenset(setting["name"] for setting in service.get("environmentVariables") or []),
    )


def read_condition(told: Json) -> Condition:
    """Return how a group is, which `az container show --output json` prints."""
    view = _service(told).get("instanceView") or {}
    return Condition(
        provisioning=told.get("provisioningState") or "-",
        state=(told.get("instanceView") or {}).get("state") or "-",
        service=(view.get("currentState") or {}).get("state") or "-",
        restarts=int(view.get("restartCount") or 0),
    )


def way_back(service: Service) -> WayBack:
    """Return how to undo a release, whichever of its steps was the last one that ran."""
    live, beside = service.live, service.beside
    if live is None:  # killed between removing the service and making it again, or in a first release
        before, image = (beside.previous, beside.previous_image) if beside else ("", "")
        return WayBack(before, image, "making" if before else "nothing")
    if live.step == "swap":  # made again, or to be, with a candidate that has not proved itself there
        return WayBack(live.previous, live.previous_image, "making" if live.previous else "removing")
    return WayBack(live.revision, live.image, "waiting" if live.step == "restore" else "nothing")


def undone(service: Service) -> Service:
    """Return the service as it is once its release was undone: what served before comes up again, if anything did."""
    way, known = way_back(service), service.live or service.beside
    live = None if way.by == "removing" else service.live
    if way.by == "making" and known:
        live = replace(
            known, name=service.name, revision=way.revision, image=way.image, step="restore", candidate=way.revision,
            previous="", previous_image="",
        )  # fmt: skip
    return replace(service, live=live, beside=None)


def before_swap(service: Service) -> tuple[str, str]:
    """Return the revision and the image that a swap replaces, also when one that was stopped is begun again."""
    way = way_back(service)
    return way.revision, way.image


def reason_to_make_anew(group: Group, condition: Condition, size: Size) -> str:
    """Return why Azure cannot make a group again in its place; empty where it can."""
    if condition.has_ended:
        return f"has ended ({condition.state})"
    return f"changes its size ({group.size} to {size}, CPUs and GB)" if group.size != size else ""


def _service(told: Json) -> Json:
    """The project's own container of a group."""
    containers: list[Json] = told.get("containers") or []
    return next((one for one in containers if one["name"] == "service"), {})
