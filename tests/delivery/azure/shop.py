"""A project that is shipped to the stand-in for Container Instances, and what its owner and its clients do."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.azure import cloud
from tests.delivery.azure.groups import Group
from tests.delivery.azure.resources import SHARE_KEY
from tests.delivery.azure.rights import set_up
from tests.delivery.azure.server import Azure
from tests.delivery.stand_ins.images import smoke_test
from tests.delivery.stand_ins.script import Releasing, engine_answers

REGISTRY = "demo.azurecr.io"
KEY = "a-key-that-is-long-enough"


@dataclass
class Shop(Releasing):
    """A project, Container Instances, and what its clients do."""

    platform = "aci"
    azure: Azure

    def run(self, *arguments: str, fails: bool = False, **settings: str) -> str:
        said = super().run(*arguments, fails=fails, **settings)
        assert KEY not in said
        return said

    def sign_in(self, who: str) -> None:
        """Let az be one of the project's identities, with what bootstrap grants it, and no longer the owner."""
        entra, total = self.azure.entra, cloud.total(self.azure)
        app = set_up(entra, self.azure.resources, cloud.group_address(self.azure), "demo", total)[who]
        key = entra.graph("POST", f"/applications/{app['id']}/addPassword", {}, {"passwordCredential": {}})
        assert key is not None
        cloud.run(self.settings, "login", "--service-principal", "--username", app["appId"],
                  "--password", key["secretText"], "--tenant", self.azure.tenant)  # fmt: skip

    def host(self, group: str) -> str:
        """The name in the DNS that a group gets."""
        return cloud.host(self.azure, group)

    def answer(self, group: str = "demo") -> str | None:
        """The release that answers at a group's address, over HTTPS; None where nothing does."""
        request = urllib.request.Request(f"https://{self.host(group)}/predict", b"{}")
        trusted = self.azure.authority.asks
        try:
            with urllib.request.urlopen(request, timeout=20, context=trusted) as reply:
                return str(json.load(reply)["release"])
        except (urllib.error.HTTPError, OSError):
            return None

    def release(self, release: str, group: str = "demo", **tags: str) -> str:
        """Let a group run a release, as one that ended well leaves it; return its revision."""
        revision = f"demo-{release}"
        own = {"revision": revision, "step": "served", "candidate": revision, "previous": "", "previous-image": ""}
        body = described(self.azure, group, self.images(release)) | {"tags": own | tags}
        scope = f"{cloud.group_address(self.azure)}/providers/Microsoft.ContainerInstance/containerGroups"
        made = self.azure.groups.get(group) or Group(
            f"{scope}/{group}", self.azure.address_of(group), self.azure.share, lambda: SHARE_KEY
        )
        made.write(body)
        self.azure.groups[group] = made
        made.ready_within(60)
        self.wait_for(release, group)
        return revision

    def stage(self, release: str, before: str = "one") -> str:
        """Let a release be the candidate beside another, as `deploy` leaves it; return its revision."""
        revision = f"demo-{release}"
        self.azure.groups["demo"].body["tags"] |= {"candidate": revision, "step": "deploy"}
        before_image = self.images(before)
        tags = {"previous": f"demo-{before}", "previous-image": before_image, "step": "deploy", "candidate": ""}
        return self.release(release, "demo-candidate", **tags)

    def stop_after_write(self, number: int) -> None:
        """Let the service answer nothing once the n-th write from now on has made it again."""

        def stop_it() -> None:
            self.azure.groups["demo"].settle()
            self.azure.groups["demo"].stop_service()

        self.failures.after_write(number, lambda: threading.Thread(target=stop_it, daemon=True).start())

    def wait_for(self, release: str, group: str = "demo") -> None:
        """Wait until a release answers: Caddy takes a moment to sign."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.answer(group) == release:
                return
            time.sleep(0.2)
        raise AssertionError(f"{group} answers with {self.answer(group)}, not with {release}")

    def tags(self, group: str = "demo") -> dict[str, str]:
        return dict(self.azure.groups[group].body["tags"])

    def serves(self, release: str) -> None:
        """What serves is this release, nothing is under way, and nothing is beside it."""
        assert self.answer() == release
        assert set(self.azure.groups) == {"demo"}
        assert self.tags()["step"] == "served"


def described(azure: Azure, group: str, image: str) -> dict[str, Any]:
    """A group as the verbs describe it."""
    identity = "the-runtime"
    ports = [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 80}]
    variables = [{"name": "PORT", "value": "8000"}, {"name": "SERVICE_API_KEYS", "secureValue": KEY}]
    name = cloud.host(azure, group)
    service = {
        "image": image, "environmentVariables": variables, "resources": {"requests": {"cpu": 1, "memoryInGB": 1.5}},
    }  # fmt: skip
    front = {
        "image": "registry/caddy@sha256:0",
        "command": ["caddy", "reverse-proxy", "--from", name, "--to", "127.0.0.1:8000"],
        "resources": {"requests": {"cpu": 0.2, "memoryInGB": 0.3}},
        "volumeMounts": [{"name": "certificates", "mountPath": "/data"}],
    }
    return {
        "location": azure.location,
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        "properties": {
            "osType": "Linux",
            "imageRegistryCredentials": [{"server": "registry", "identity": identity}],
            "ipAddress": {"type": "Public", "dnsNameLabel": name.split(".")[0], "ports": ports},
            "containers": [{"name": "service", "properties": service}, {"name": "https", "properties": front}],
            "volumes": [{"name": "certificates", "azureFile": {"storageAccountKey": SHARE_KEY}}],
        },
    }


@pytest.fixture(scope="module")
def shipped_to_azure(
    bake: Bake, need: Callable[[str, object, str], None], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The project whose scripts are run; nothing is installed in it."""
    reason = cloud.why_not_here()
    need("az", not reason, str(reason))
    need("docker", engine_answers(), "no container engine answers")
    return bake(into=tmp_path_factory.mktemp("shipped"), project_slug="demo", platform="aci")


@pytest.fixture
def shop_on_azure(shipped_to_azure: Path, tmp_path: Path) -> Iterator[Shop]:
    """A cloud in which everything is set up and nothing is deployed yet."""
    azure = Azure(tmp_path / "cloud")

    settings = cloud.environment(azure, tmp_path / "az")
    smoke_test(tmp_path / "bin")
    settings |= {
        "PATH": f"{tmp_path / 'bin'}:{settings['PATH']}",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "SERVICE_API_KEYS": KEY,
        "AZURE_REGISTRY": REGISTRY,
        "SERVICE_ROUND_SECONDS": "2",
        "SERVICE_START_SECONDS": "60",
        "CANARY_PAUSE": "0",
    }
    account = f"{cloud.group_address(azure)}/providers/Microsoft.Storage/storageAccounts/democert{cloud.total(azure)}"
    azure.resources.put(cloud.group_address(azure))
    azure.resources.put(account)
    names = ("demo", "demo-candidate", "demo-staging", "demo-staging-candidate")
    with contextlib.ExitStack() as stack:
        stack.callback(azure.close)
        stack.enter_context(cloud.reachable(azure, {name: cloud.host(azure, name) for name in names}))
        yield Shop(shipped_to_azure, settings, f"{REGISTRY}/demo", azure.failures, azure)


@pytest.fixture
def live_on_azure(shop_on_azure: Shop) -> Shop:
    """The same with release `one` in production."""
    shop_on_azure.release("one")
    return shop_on_azure
