"""A host as a set-up: docker is asked here, and what it shows becomes steps."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from cd4ml.deploy import caddy
from cd4ml.deploy.commands import Effects
from cd4ml.deploy.docker_host import steps
from cd4ml.deploy.docker_host.engine import Engine
from cd4ml.deploy.docker_host.settings import Host, no_bucket
from cd4ml.deploy.docker_host.site import MAIN, MAIN_TEXT
from cd4ml.deploy.names import ENVIRONMENTS, SCRIPT
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.keys_in_file import KeysInFile
from cd4ml.deploy.set_up.patience import Codes, Patience
from cd4ml.deploy.set_up.platform import Removal, SetUp
from cd4ml.deploy.set_up.steps import Found, Step, ensure
from cd4ml.deploy.set_up.verbs import verbs_of
from cd4ml.settings.project import Project

CODES = Codes(passes="toomanyrequests:")
"""Of registries, in docker's errors: docker's own have none, so what is there is listed before each change."""

_PASSED_ON = (
    "SERVICE_CERTIFICATE", "SERVICE_CPU", "SERVICE_MEMORY", "CADDY_NAME", "DOCKER_HOST_KNOWN_HOSTS",
)  # fmt: skip
"""What workflows need as well, where it is set."""


class DockerHostSetUp(KeysInFile, SetUp):
    """A project's part of a host, and the Caddy that it shares with others. Nobody has an identity there."""

    can_renew: ClassVar[bool] = True

    def __init__(self, host: Host, patience: Patience) -> None:
        self.host, self.effects, self.slug = host, patience.effects, host.slug
        self.engine = Engine(host, patience.effects)

    # bootstrap and doctor

    def parts(self, credentials: str, jobs: Jobs, look_only: bool) -> Iterator[tuple[str, Iterator[Step]]]:
        """Return the network, the volumes, Caddy, and clients' keys."""
        for kind, name in self._around_caddy():
            yield kind, self._part(kind, name)
        yield "container", self._caddy()
        yield "API keys", self._key_file(look_only)

    def _around_caddy(self) -> tuple[tuple[str, str], ...]:
        return ("network", self.host.network), ("volume", self.host.sites), ("volume", self.host.data)

    def _part(self, kind: str, name: str) -> Iterator[Step]:
        yield ensure(kind, name, bool(self.engine.there(kind, name)), steps.make(self.host, kind, name))

    def _caddy(self) -> Iterator[Step]:
        """Where it was made and not started, the rest is done; where it is of another image, it goes on serving."""
        host, given = self.host, self.effects.environment
        image = given.get("CADDY_IMAGE") or caddy.IMAGE
        make = steps.make_caddy(host, image, given.get("SERVICE_BIND", ""))
        begin = steps.put_main(host), steps.start(host, host.caddy)
        known = self.engine.there("container", host.caddy)
        if not known:
            yield Step("container", host.caddy, Found.MISSING, make, then=begin)
        elif f"cd4ml.image={image}" not in str(known.get("Labels")).split(","):
            again = steps.drop(host, "container", host.caddy), make, *begin
            yield Step("container", host.caddy, Found.OLD, steps.pull(host, image), then=again)
        else:
            is_up = known.get("State") == "running" and self.engine.files().get(MAIN) == MAIN_TEXT
            yield ensure("container", host.caddy, is_up, begin[0], then=begin[1:])

    def _key_file(self, look_only: bool) -> Iterator[Step]:
        """A random key for clients; the host has hashes of keys alone."""

        def serving() -> str:
            service = self.engine.look("production") if self._has_caddy() else None
            return service.name if service and service.shares else ""

        yield self.look_at_api_keys(look_only, serving)

    def _has_caddy(self) -> bool:
        return bool(self.engine.there("container", self.host.caddy))

    def look_at_service(self, environment: str) -> Step:
        """Say whether it is there, in the middle of a release, or not what Caddy passes requests on to."""
        service = self.engine.look(environment) if self._has_caddy() else None
        if service is None or service.site is None:
            return Step("service", f"{self.host.service(environment)}: cd deploys it", Found.NOT_YET)
        address, defect = self.host.name_of(environment), ""
        stopped = [one for one in service.shares if not ((known := service.container(one)) and known.runs)]
        if service.candidate or service.previous:
            defect = f"has a release that did not end: {SCRIPT} restore {environment}"
        elif stopped:
            defect = f"has no running container {' '.join(stopped)}: deploy it again"
        elif service.site.address != address:
            defect = f"answers for {service.site.address}, and not for {address}: deploy it again"
        if defect:
            return Step("service", service.name, Found.WRONG, defect=f"{service.name} {defect}")
        return Step("service", f"{service.name} {service.url}", Found.THERE)

    def variables(self, credentials: str) -> dict[str, str]:
        """Name the host, the address, and the settings that differ from the defaults."""
        given = {name: self.effects.environment.get(name, "") for name in _PASSED_ON}
        named = {"DOCKER_HOST_SSH": self.host.docker[-1], "SERVICE_ADDRESS": self.host.address}
        return named | {name: value for name, value in given.items() if value}

    def log_for_reading(self) -> str:
        """A host has none.

        Raises:
            CloudError: always.
        """
        raise no_bucket()

    def left_to_do(self) -> str:
        """Name what is the owner's: no set-up is to have a key to the host, or to change the DNS."""
        return "the key with which workflows sign in, and the names in the DNS, as docs/docker-host.md says"

    # destroy

    def whole(self) -> str:
        """Name the host."""
        return self.host.docker[-1]

    def inventory(self) -> list[tuple[str, str]]:
        """List services with their containers, and Caddy, which stays where other projects use it."""
        ours = [(name, " ".join(self._containers(name)) or "no container") for name in self._services]
        others = " ".join(self._others())
        fate = f"stays: {others}" if others else "with its network, its volumes and the certificates in them"
        return [*(("service", f"{name}: {held}") for name, held in ours), ("Caddy", f"{self.host.caddy} {fate}")]

    def removals(self) -> Iterator[Removal]:
        """Return the commands that remove what is there."""
        host, others = self.host, self._others()
        containers = [one for name in self._services for one in self._containers(name)]
        if others:
            yield from (Removal(steps.put(host, name, None), "service", name) for name in self._services)
            yield Removal(steps.load(host))
        if containers:
            yield Removal(steps.remove(host, *containers), "container", " ".join(containers))
        if not others:
            for kind, name in (("container", host.caddy), *self._around_caddy()):
                if self.engine.there(kind, name):
                    yield Removal(steps.drop(host, kind, name), kind, name)

    @property
    def _services(self) -> list[str]:
        return [self.host.service(environment) for environment in ENVIRONMENTS]

    def _containers(self, service: str) -> list[str]:
        return [known.name for known in self.engine.containers(service)]

    def _others(self) -> list[str]:
        """The services of other projects that Caddy answers for."""
        sites = self.engine.sites() if self._has_caddy() else {}
        return [name for name, site in sites.items() if site and name not in self._services]


def set_up_verbs(host: Host, project: Project, effects: Effects) -> dict[str, Callable[..., None]]:
    """Return the verbs of the set-up of a host."""
    return verbs_of(lambda patience: DockerHostSetUp(host, patience), {"docker": CODES}, project, effects)
