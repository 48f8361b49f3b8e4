"""A project, the stand-in that is set up for it, and what its owner finds there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import Bake
from tests.delivery.azure import cloud
from tests.delivery.azure.server import Azure
from tests.delivery.clouds import Need
from tests.delivery.stand_ins.script import SettingUp, owner

SLUG = "demo"


@dataclass
class Site(SettingUp):
    """A project and the resource group that is set up for it."""

    platform = "aci"
    azure: Azure

    @property
    def total(self) -> str:
        """The sum that ends names which are everybody's."""
        return cloud.total(self.azure, SLUG)

    @property
    def keys(self) -> Path:
        return Path(self.settings["XDG_CONFIG_HOME"]) / f"{SLUG}-keys"

    def app(self, who: str) -> dict[str, Any]:
        named = f"{SLUG}-{who}-{self.total}"
        return next(app for app in self.azure.entra.apps.values() if app["displayName"] == named)

    def roles(self) -> set[tuple[str, str, str]]:
        """Who has which role on what."""
        entra = self.azure.entra
        apps = {app["appId"]: app["displayName"] for app in entra.apps.values()}
        named = {number: apps[principal["appId"]] for number, principal in entra.principals.items()}
        runtime = f"{SLUG}-runtime-{self.total}"
        return {
            (named.get(who, runtime).split("-")[1], role.replace(self.total, "SUM"), where.replace(self.total, "SUM"))
            for who, role, where in self.azure.resources.roles()
        }

    def kept(self, kind: str, name: str) -> dict[str, Any]:
        address = f"{cloud.group_address(self.azure)}/providers/{kind}/{name}".lower()
        return dict(self.azure.resources.kept[address]["properties"])

    def days_kept(self) -> int:
        """For how many days predictions are kept."""
        kept = self.kept("Microsoft.Storage/storageAccounts", f"demodata{self.total}/managementPolicies/default")
        (rule,) = kept["policy"]["rules"]
        assert rule["definition"]["filters"] == {"blobTypes": ["blockBlob"], "prefixMatch": ["predictions/"]}
        return int(rule["definition"]["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"])

    def state(self) -> str:
        return json.dumps([self.azure.resources.kept, self.azure.entra.apps, self.github], sort_keys=True)


@contextmanager
def site_on_azure(bake: Bake, need: Need, folder: Path) -> Iterator[Site]:
    """A subscription in which nothing was made yet."""
    reason = cloud.why_not_here()
    need("az", not reason, str(reason))
    azure = Azure(folder / "cloud")
    try:
        settings = cloud.environment(azure, folder / "az")
        settings |= owner(folder, settings["PATH"])
        yield Site(bake(into=folder, project_slug=SLUG, platform="aci"), settings, azure)
    finally:
        azure.close()
