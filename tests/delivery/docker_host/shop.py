"""A project that is shipped to a host, and what its owner and its clients do."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cd4ml.deploy.docker_host import steps
from cd4ml.deploy.docker_host.service import Container, read_container
from cd4ml.deploy.docker_host.settings import Host, read_runtime
from cd4ml.deploy.docker_host.site import Site, read_site, unpack

from tests.conftest import Bake
from tests.delivery.azure import caddy
from tests.delivery.docker_host.delivery import removed, trust
from tests.delivery.docker_host.killing import put_docker
from tests.delivery.docker_host.sshd import Server, program, sshd
from tests.delivery.stand_ins.authority import Authority
from tests.delivery.stand_ins.containers import DOCKER, docker
from tests.delivery.stand_ins.failures import Failures
from tests.delivery.stand_ins.hosts import can_be_named, named
from tests.delivery.stand_ins.images import image, smoke_test
from tests.delivery.stand_ins.script import Releasing, engine_answers
from tests.delivery.world import open_registry
from tests.project.baked import environment, free_port

KEY = "a-key-that-is-long-enough"
LOOPBACK = "127.83.7.1"


@dataclass
class Shop(Releasing):
    """A project, its host, and what its clients do."""

    platform = "docker-host"
    host: Host
    """The same host, without ssh."""
    trusted: ssl.SSLContext
    counted: Path
    pushed: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, fails: bool = False, **settings: str) -> str:
        """Run a verb, and count its writes from 1."""
        self.counted.unlink(missing_ok=True)
        said = super().run(*arguments, fails=fails, **settings)
        assert KEY not in said
        assert "PRIVATE KEY" not in said
        return said

    def killed(self, at: str, *arguments: str, **settings: str) -> None:
        """Run a verb, and kill it at a write, such as `2 after`."""
        self.counted.unlink(missing_ok=True)
        process = self.start(*arguments, KILL_AT=at, **settings)
        said = self.ended(process)
        assert process.returncode == -signal.SIGKILL, said

    @property
    def writes(self) -> list[str]:
        """What the last verb did, by the first words of its commands."""
        return self.counted.read_text().splitlines() if self.counted.exists() else []

    def images(self, release: str) -> str:
        """The image of a release, by its digest at the registry."""
        if release not in self.pushed:
            tag = f"{self.repository}:{release}"
            docker("tag", image(release), tag)
            docker("push", tag)
            digests = json.loads(docker("image", "inspect", "--format", "{{json .RepoDigests}}", tag))
            self.pushed[release] = next(one for one in digests if one.startswith(f"{self.repository}@"))
        return self.pushed[release]

    # what is on the host, asked without the library's own way there

    def site(self, service: str = "demo") -> Site | None:
        done = subprocess.run([DOCKER, "cp", f"{self.host.caddy}:/sites", "-"], capture_output=True, check=True)
        text = unpack(done.stdout.decode()).get(f"{service}.site", "")
        return read_site(service, text) if text else None

    def containers(self, service: str = "demo") -> dict[str, Container]:
        listed = docker(*steps.containers(self.host, service).argv[1:]).splitlines()
        return {known.name: known for known in (read_container(json.loads(line)) for line in listed)}

    def release(self, name: str, service: str = "demo") -> str:
        """Let a release serve, as one that ended well leaves it; return its revision."""
        revision, runtime = f"{service}-{name}", read_runtime({}, KEY, "")
        docker(*steps.run(self.host, service, revision, self.images(name), runtime).argv[1:])
        site = Site(self.host.address, "internal", {revision: 100})
        for command in (steps.put(self.host, service, site), steps.load(self.host)):
            subprocess.run([DOCKER, *command.argv[1:]], input=command.stdin, text=True, check=True, capture_output=True)
        deadline = time.monotonic() + 60
        while self.answers(1) != {name: 1}:
            assert time.monotonic() < deadline, docker("logs", self.host.caddy)
            time.sleep(0.2)
        return revision

    def empty(self) -> None:
        """Leave nothing of the project behind, but for Caddy."""
        for service in ("demo", "demo-staging"):
            if known := list(self.containers(service)):
                docker("rm", "--force", *known)
            command = steps.put(self.host, service, None)
            subprocess.run([DOCKER, *command.argv[1:]], input=command.stdin, text=True, check=True, capture_output=True)
        docker(*steps.load(self.host).argv[1:])

    # what clients see

    def answer(self, path: str = "/predict") -> str:
        """The release that answers, or why none does."""
        request = urllib.request.Request(f"https://{self.host.address}{path}", b"{}")
        try:
            with urllib.request.urlopen(request, timeout=20, context=self.trusted) as reply:
                return str(json.load(reply)["release"])
        except urllib.error.HTTPError as refused:
            return str(refused.code)
        except (OSError, http.client.HTTPException) as failure:
            return type(failure).__name__

    def answers(self, times: int = 5) -> Counter[str]:
        """The releases that answer, and how often."""
        return Counter(self.answer() for _ in range(times))

    @contextlib.contextmanager
    def clients(self) -> Iterator[Counter[str]]:
        """Ask all the time, from four sides, until the block ends."""
        seen: Counter[str] = Counter()
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                seen[self.answer()] += 1

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def serves(self, release: str) -> None:
        """This release serves, alone, and nothing is under way."""
        assert self.answers() == {release: 5}
        site = self.site()
        assert site is not None
        assert (site.candidate, site.previous, site.beside) == ("", "", "")
        (revision,) = site.shares
        known = self.containers()
        assert {name for name, one in known.items() if one.runs} == {revision}
        assert set(known) <= {revision, *site.kept}


@pytest.fixture(scope="module")
def server(need: Callable[[str, object, str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A way to this machine's engine over ssh."""
    need("docker", engine_answers(), "no container engine answers")
    need("sshd", program(), "sshd is not installed: apt-get install openssh-server")
    need("caddy", caddy.program(), "caddy is not installed")
    need("docker", can_be_named(), "/etc/hosts cannot be written")
    with sshd(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server


@pytest.fixture(scope="module")
def plain_registry(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of everybody's; its address."""
    with open_registry(tmp_path_factory.mktemp("of-everybody") / "registry") as address:
        yield address


@pytest.fixture(scope="module")
def host_with_caddy(
    server: Server, plain_registry: str, bake: Bake, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A host on which nothing is released yet: `bootstrap` has set it up."""
    folder = tmp_path_factory.mktemp("shipped")
    project = bake(into=folder, project_slug="demo", platform="docker-host", registry="ghcr")
    put_docker(folder / "bin", DOCKER)
    smoke_test(folder / "bin")
    authority = Authority(folder)
    name, port = f"cd4ml-{free_port()}", free_port()
    address = f"model-{port}.example.test"
    settings = {
        "PATH": f"{folder / 'bin'}:{environment()['PATH']}",
        "DOCKER_HOST_SSH": server.url, "DOCKER_HOST_KEY": server.key, "DOCKER_HOST_KNOWN_HOSTS": server.known_hosts,
        "SERVICE_ADDRESS": address, "SERVICE_CERTIFICATE": "internal", "SERVICE_BIND": LOOPBACK,
        "SERVICE_START_SECONDS": "30", "SERVICE_API_KEYS": KEY, "CADDY_NAME": name, "CADDY_IMAGE": caddy.image(),
        "SSL_CERT_FILE": str(authority.file), "XDG_CONFIG_HOME": str(folder / "config"), "CANARY_PAUSE": "0",
        "GITHUB_OUTPUT": str(folder / "output"), "COUNT_IN": str(folder / "count"), "RUNNER_TEMP": str(folder),
    }  # fmt: skip
    host = Host("demo", ("docker",), address, name)
    shop = Shop(project, settings, f"{plain_registry}/demo", Failures(), host, authority.asks, folder / "count")
    try:
        shop.run("bootstrap")
        trust(host, authority, folder)
        with named({address: LOOPBACK, f"{host.name_of('staging')}": LOOPBACK}):
            yield shop
            shop.run("destroy", "--yes", "demo")
    finally:
        removed(host)


@pytest.fixture
def shop_on_host(host_with_caddy: Shop) -> Shop:
    """A host on which nothing is released yet."""
    host_with_caddy.empty()
    return host_with_caddy


@pytest.fixture
def live_on_host(shop_on_host: Shop) -> Shop:
    """The same with release `one` in production."""
    shop_on_host.release("one")
    return shop_on_host
