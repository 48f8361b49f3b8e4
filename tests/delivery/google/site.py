"""A project, the stand-in that is set up for it, and what its owner finds there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import Bake
from tests.delivery.clouds import Need
from tests.delivery.google import cloud
from tests.delivery.google.server import Google
from tests.delivery.stand_ins.script import SettingUp, owner

SLUG = "demo"


@dataclass
class Site(SettingUp):
    """A project and Google's project that is set up for it."""

    platform = "cloud-run"
    google: Google

    def rules(self, kind: str) -> list[dict[str, Any]]:
        """The lifecycle rules of a bucket."""
        bucket = self.google.resources.resources[f"/b/{SLUG}-{kind}-{self.google.resources.number}"]
        return list(bucket.get("lifecycle", {}).get("rule", []))

    def roles(self) -> set[tuple[str, str, str]]:
        """Who has which role on what."""
        return {
            (
                member.removeprefix("serviceAccount:").split("@")[0],
                binding["role"].removeprefix("roles/"),
                address.rsplit("/", 1)[1],
            )
            for address, policy in self.google.resources.policies.items()
            for binding in policy.get("bindings", [])
            for member in binding["members"]
        }


@contextmanager
def site_on_google(bake: Bake, need: Need, folder: Path) -> Iterator[Site]:
    """A project of Google's in which nothing was made yet."""
    reason = cloud.why_not_here()
    need("gcloud", not reason, str(reason))
    google = Google()
    settings = cloud.environment(google, folder / "gcloud") | owner(folder, os.environ["PATH"])
    with cloud.reachable(google):
        try:
            yield Site(bake(into=folder, project_slug=SLUG), settings, google)
        finally:
            google.close()
