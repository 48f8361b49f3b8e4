"""A project that is shipped to the stand-in for Cloud Run, and what its owner and its clients do."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.google import cloud
from tests.delivery.google.server import Google
from tests.delivery.google.tokens import mint
from tests.delivery.stand_ins.images import smoke_test
from tests.delivery.stand_ins.script import Releasing, engine_answers

REPOSITORY = "europe-west1-docker.pkg.dev/demo-project/demo/demo"


@dataclass
class Shop(Releasing):
    """A project, Cloud Run, and what its clients do."""

    platform = "cloud-run"
    google: Google

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        token = cloud.identity(self.google, "demo-staging" if "staging" in arguments else "demo")
        return super().start(*arguments, **{"SERVICE_IDENTITY_TOKEN": token} | settings)

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
    need("docker", engine_answers(), "no container engine answers")
    return bake(into=tmp_path_factory.mktemp("shipped"), project_slug="demo")


@pytest.fixture
def shop(shipped: Path, tmp_path: Path) -> Iterator[Shop]:
    """A cloud in which nothing is deployed yet."""
    google = Google()
    google.resources.add_secret("demo-api-keys", "a-key")
    smoke_test(tmp_path / "bin")
    settings = cloud.environment(google, tmp_path / "gcloud") | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "CANARY_PAUSE": "0",
    }
    with cloud.reachable(google):
        try:
            yield Shop(shipped, settings, REPOSITORY, google.failures, google)
        finally:
            google.close()


@pytest.fixture
def live(shop: Shop) -> Shop:
    """The same with release `one` in production."""
    shop.google.release("demo", shop.images("one"), "demo-one")
    assert shop.answers() == {"one"}
    return shop
