"""A host, set up for the project `flight-delays`, as its workflows find it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cd4ml.deploy.commands import Effects
from cd4ml.deploy.docker_host.set_up import set_up_verbs
from cd4ml.deploy.docker_host.settings import Host
from cd4ml.settings.project import Project

from tests.delivery.azure import caddy
from tests.delivery.delivery import KEY, Need, ask
from tests.delivery.docker_host.sshd import Server, program, sshd
from tests.delivery.github import GitHub
from tests.delivery.stand_ins.authority import Authority
from tests.delivery.stand_ins.containers import docker
from tests.delivery.stand_ins.hosts import can_be_named, named
from tests.project.baked import free_port

SLUG = "flight-delays"
LOOPBACK = "127.83.7.2"


@dataclass(frozen=True)
class OnHost:
    """One host, and how it is found."""

    folder: Path
    server: Server
    host: Host
    authority: Authority
    settings: dict[str, str]

    @property
    def storage(self) -> dict[str, str]:
        return {}

    @property
    def tools(self) -> list[str]:
        return []

    @property
    def log(self) -> str:
        return ""

    @property
    def remote(self) -> dict[str, str]:
        """A folder: a host has no bucket."""
        return {"url": str(self.folder / "dvc")}

    @property
    def variables(self) -> dict[str, str]:
        return {
            "DOCKER_HOST_SSH": self.server.url,
            "DOCKER_HOST_KNOWN_HOSTS": self.server.known_hosts,
            "SERVICE_ADDRESS": self.host.address,
            "SERVICE_CERTIFICATE": "internal",
            "CADDY_NAME": self.host.caddy,
        }

    def keys(self, github: GitHub) -> None:
        for place in ("staging", "production"):
            github.environments[place].secrets["DOCKER_HOST_KEY"] = self.server.key

    def trust(self, github: GitHub) -> None:
        raise NotImplementedError("a host trusts no tokens of GitHub's")

    def ask(self, path: str, body: Any = None) -> Any:
        return ask(f"https://{self.host.address}{path}", body, self.authority.asks)


@contextmanager
def docker_host(need: Need, folder: Path, address: str) -> Iterator[OnHost]:
    """Start an ssh server, and Caddy as bootstrap does, until the block ends; images come from the given registry."""
    need("sshd", program(), "sshd is not installed: apt-get install openssh-server")
    need("caddy", caddy.program(), "caddy is not installed")
    need("docker", can_be_named(), "/etc/hosts cannot be written")
    folder.mkdir()
    authority = Authority(folder)
    host = Host(SLUG, ("docker",), f"model-{free_port()}.example.test", f"cd4ml-{free_port()}")
    with ExitStack() as stack:
        stack.callback(removed, host)
        set_up(host, authority, folder, LOOPBACK)
        stack.enter_context(named({host.name_of(name): LOOPBACK for name in ("production", "staging")}))
        server = stack.enter_context(sshd(folder / "ssh"))
        yield OnHost(folder, server, host, authority, authority.trusted())


def set_up(host: Host, authority: Authority, folder: Path, bind: str) -> None:
    """Do what `bootstrap` does, and let Caddy sign with our authority."""
    environment = {"CADDY_IMAGE": caddy.image(), "SERVICE_BIND": bind, "SERVICE_API_KEYS": KEY}
    project = Project(SLUG, "", "flight_delays", "docker-host", "service-account", "ghcr")
    set_up_verbs(host, project, Effects("docker-host", environment=environment))["bootstrap"]()
    trust(host, authority, folder)


def trust(host: Host, authority: Authority, folder: Path) -> None:
    """Let Caddy, which has signed nothing yet, sign with our authority."""
    caddy.put_root(authority.signs, folder / "data")
    docker("cp", f"{folder / 'data'}/.", f"{host.caddy}:/data")


def removed(host: Host) -> None:
    """Remove whatever is there still."""
    for known in docker("ps", "--all", "--quiet", "--filter", f"label=cd4ml.caddy={host.caddy}").split():
        docker("rm", "--force", known, check=False)
    docker("rm", "--force", host.caddy, check=False)
    docker("network", "rm", host.network, check=False)
    docker("volume", "rm", host.sites, host.data, check=False)
