"""A project that is shipped to the stand-in for Cloud Run, and what its owner and its clients do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.slow.google import cloud
from tests.slow.google.server import Google
from tests.slow.google.tokens import mint
from tests.slow.stand_ins import images as stand_in
from tests.slow.stand_ins.containers import DOCKER

PATIENCE = 300
REPOSITORY = "europe-west1-docker.pkg.dev/demo-project/demo/demo"


@dataclass
class Shop:
    """A project, the cloud it is shipped to, and what its owner and its clients do."""

    google: Google
    project: Path
    settings: dict[str, str]
    images: Callable[[str], str]

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start deploy/cloud-run.sh in a session of its own."""
        token = cloud.identity(self.google, "demo-staging" if "staging" in arguments else "demo")
        return subprocess.Popen(
            ["deploy/cloud-run.sh", *arguments],
            cwd=self.project,
            env=os.environ | {"SERVICE_IDENTITY_TOKEN": token} | self.settings | settings,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, fails: bool = False, **settings: str) -> str:
        """Run deploy/cloud-run.sh, which must succeed, or fail when told so; return what it printed."""
        process = self.start(*arguments, **settings)
        said = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == (1 if fails else 0), said
        return said

    def killed_at(self, write: int, *arguments: str) -> None:
        """Run deploy/cloud-run.sh and kill it, gcloud included, as soon as its n-th write has taken effect."""
        running: list[subprocess.Popen[str]] = []
        self.google.failures.after_write(write, lambda: os.killpg(running[0].pid, signal.SIGKILL))
        running.append(self.start(*arguments))
        running[0].communicate(timeout=PATIENCE)
        self.google.failures.none()
        assert running[0].returncode == -signal.SIGKILL

    def answers(self, service: str = "demo", times: int = 5) -> set[str]:
        """The releases that answer at the service's own address."""
        url = self.google.services[service].addresses[""].url
        found = set()
        for _ in range(times):
            request = urllib.request.Request(
                f"{url}/predict", b"{}", {"X-Serverless-Authorization": f"Bearer {mint(url)}"}
            )
            with urllib.request.urlopen(request, timeout=60) as reply:
                found.add(json.load(reply)["release"])
        return found

    def stage(self, release: str) -> str:
        """Let a release be the candidate, as `deploy` leaves it; return its revision."""
        self.google.stage("demo", self.images(release), f"demo-{release}", before="demo-one")
        return f"demo-{release}"

    def tags(self, service: str = "demo") -> dict[str, str]:
        wanted = self.google.services[service].read()["spec"]["traffic"]
        return {target["tag"]: target.get("revisionName", "latest") for target in wanted if "tag" in target}


@pytest.fixture(scope="module")
def shipped(bake: Bake, need: Callable[[str, object, str], None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project whose scripts are run; nothing is installed in it."""
    reason = cloud.why_not_here()
    need("gcloud", not reason, str(reason))
    engine = subprocess.run([DOCKER, "info"], capture_output=True, check=False).returncode == 0
    need("docker", engine, "no container engine answers")
    return bake(into=tmp_path_factory.mktemp("shipped"), project_slug="demo")


@pytest.fixture(scope="module")
def images() -> Callable[[str], str]:
    built: dict[str, str] = {}

    def image(release: str) -> str:
        if release not in built:
            built[release] = f"{REPOSITORY}@{stand_in.image(release)}"
        return built[release]

    return image


@pytest.fixture
def shop(shipped: Path, images: Callable[[str], str], tmp_path: Path) -> Iterator[Shop]:
    """A cloud in which nothing is deployed yet."""
    google = Google()
    google.resources.add_secret("demo-api-keys", "a-key")
    stand_in.smoke_test(tmp_path / "bin")
    settings = cloud.environment(google, tmp_path / "gcloud") | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "CANARY_PAUSE": "0",
    }
    with cloud.reachable(google):
        try:
            yield Shop(google, shipped, settings, images)
        finally:
            google.close()


@pytest.fixture
def live(shop: Shop) -> Shop:
    """The same with release `one` in production."""
    shop.google.release("demo", shop.images("one"), "demo-one")
    assert shop.answers() == {"one"}
    return shop
