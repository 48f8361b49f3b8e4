"""The runbook's commands for keys, credentials and the prediction log's bucket, on each cloud, with the real tools."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.aws.cloud import Moto, moto, need_aws
from tests.delivery.aws.site import site_on_aws
from tests.delivery.azure.site import site_on_azure
from tests.delivery.clouds import Need
from tests.delivery.google.site import site_on_google
from tests.delivery.stand_ins.script import SettingUp
from tests.runbook import blocks, pages
from tests.template.conftest import TOOLS

LAST_KEYS = {"cloud-run": "GCP_CREDENTIALS", "fargate": "AWS_ACCESS_KEY_ID", "aci": "AZURE_CLIENT_SECRET"}


@dataclass
class Owner:
    """Somebody who pastes the runbook's commands into a shell."""

    site: Any
    revoke: Callable[[], None]
    """Takes every key of the deployer away in the cloud."""
    api_keys: Callable[[], str]
    """The keys that the cloud keeps for the service."""

    def paste(self, page: str, section: str, *numbers: int) -> str:
        """Run the blocks with these numbers of a section of a page, each as a whole; return what they printed."""
        found = blocks(pages(self.site.project)[page])[section]
        return "".join(self.run(found[number]) for number in numbers or range(len(found)))

    def run(self, text: str, check: bool = True) -> str:
        settings = self.site.settings | {"PYTHONPATH": str(self.site.project / "cd4ml/src")}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text.replace("uv run cd4ml", "cd4ml")],
            cwd=self.site.project,
            env=os.environ | settings | {"PATH": f"{TOOLS}{os.pathsep}{settings['PATH']}"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, timeout=SettingUp.patience, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{text}\n{done.stdout}"
        return done.stdout

    def secrets(self, name: str) -> dict[str, str]:
        """By environment, what GitHub was told under this name."""
        return {place: held[name] for place, held in self.site.github["secret"].items() if name in held}


@contextmanager
def on_google(bake: Bake, need: Need, folder: Path) -> Iterator[Owner]:
    with site_on_google(bake, need, folder) as site:
        kept = site.google.resources.resources

        def revoke() -> None:
            for name in [name for name in kept if "/demo-deployer@" in name and "/keys/" in name]:
                del kept[name]

        yield Owner(site, revoke, lambda: str(site.google.resources.secret_values()["demo-api-keys"]))


@contextmanager
def on_aws(bake: Bake, need: Need, folder: Path) -> Iterator[Owner]:
    need_aws(need)
    with moto(need, folder) as server, site_on_aws(bake, server, folder) as site:
        iam = server.client("iam")

        def revoke() -> None:
            for key in iam.list_access_keys(UserName="demo-deployer")["AccessKeyMetadata"]:
                iam.delete_access_key(UserName="demo-deployer", AccessKeyId=key["AccessKeyId"])

        yield Owner(site, revoke, lambda: server.secret("demo-api-keys"))


@contextmanager
def on_azure(bake: Bake, need: Need, folder: Path) -> Iterator[Owner]:
    with site_on_azure(bake, need, folder) as site:
        file = site.keys / "service/SERVICE_API_KEYS"
        yield Owner(site, lambda: site.app("deployer")["passwordCredentials"].clear(), lambda: file.read_text().strip())


PLACES = {"cloud-run": on_google, "fargate": on_aws, "aci": on_azure}
OWN, LIBRARYS = "docs/runbook.md", "cd4ml/docs/runbook.md"


@pytest.mark.parametrize(
    "platform", ["cloud-run", *(pytest.param(name, marks=pytest.mark.drill) for name in ("fargate", "aci"))]
)
def test_keys_credentials_and_the_bucket_by_the_page(platform: str, bake: Bake, need: Need, tmp_path: Path) -> None:
    with PLACES[platform](bake, need, tmp_path) as owner:
        owner.site.run("bootstrap", "--set-secrets")

        assert "not there yet" in owner.run(blocks(pages(owner.site.project)[OWN])["Settings"][0].split("\n")[1])

        a_key_leaked(owner)
        credentials_were_revoked(owner, LAST_KEYS[platform])
        the_bucket_keeps_fewer_days(owner)


def a_key_leaked(owner: Owner) -> None:
    leaked = owner.api_keys()
    assert owner.secrets("SERVICE_API_KEYS") == {"staging": leaked, "production": leaked}
    give, section = "Give the API keys to GitHub", "A key leaked"

    said = owner.paste(LIBRARYS, section, 0) + owner.paste(OWN, give) + owner.paste(LIBRARYS, section, 1)
    new, kept = owner.api_keys().split(",")
    assert kept == leaked
    both = f"{new},{leaked}"
    assert owner.secrets("SERVICE_API_KEYS") == {"staging": both, "production": both}
    assert owner.site.github["runs"] == [["cd"]]

    finish, release = blocks(pages(owner.site.project)[LIBRARYS])[section][2].splitlines()
    said += owner.run(finish) + owner.paste(OWN, give) + owner.run(release)
    assert owner.api_keys() == new
    assert owner.secrets("SERVICE_API_KEYS") == {"staging": new, "production": new}
    assert owner.site.github["runs"] == [["cd"], ["cd"]]
    assert leaked not in said
    assert new not in said


def credentials_were_revoked(owner: Owner, name: str) -> None:
    section, again = "Cloud credentials were revoked", "Make the workflows' credentials again"
    before = owner.secrets(name)
    owner.revoke()

    look = blocks(pages(owner.site.project)[LIBRARYS])[section][0].splitlines()
    assert look == ["make doctor", "uv run cd4ml cloud doctor"]
    assert "missing  key               demo-deployer" in owner.run(look[1], check=False)
    owner.paste(OWN, again, 0)
    assert "missing  key" not in owner.run(look[1], check=False)
    after = owner.secrets(name)
    assert (after["reader"], after["trainer"]) == (before["reader"], before["trainer"])
    assert after["production"] == after["staging"] != before["staging"]

    owner.paste(OWN, again, 1)
    assert not set(owner.secrets(name).values()) & set(after.values())
    owner.paste(LIBRARYS, section, 1)
    assert [run[0] for run in owner.site.github["runs"]] == ["cd", "cd", "doctor", "doctor", "ct"]


def the_bucket_keeps_fewer_days(owner: Owner) -> None:
    section = "The prediction log is not written"
    assert "90 days" in owner.site.run("bootstrap")

    said = owner.paste(LIBRARYS, section, 0, 1, 2)

    assert "for 30 days" in said
    assert "for 30 days" in owner.site.run("bootstrap")


@pytest.mark.drill
def test_the_log_of_a_service_on_aws_by_the_page(bake: Bake, moto_server: Moto, tmp_path: Path) -> None:
    with site_on_aws(bake, moto_server, tmp_path) as site:
        logs = moto_server.client("logs")
        group = "/aws/ecs/demo/demo-1a2b"
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="one")
        message = json.dumps({"severity": "WARNING", "message": "s3://demo cannot be written"})
        lines = [{"timestamp": int(time.time() * 1000) - 1000, "message": message}]
        logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=lines)
        owner = Owner(site, lambda: None, str)
        look, read = blocks(pages(site.project)[OWN])["The service's log"][0].splitlines()

        assert group in owner.run(look)
        assert (
            "?WARNING ?ERROR" in read
        )  # one of the two, in AWS's pattern syntax, which the stand-in lets all lines pass
        assert "s3://demo cannot be written" in owner.run(read.replace("LOG-GROUP", group))


@pytest.mark.parametrize(("platform", "tool"), [("cloud-run", "gcloud"), ("aci", "az")])
def test_the_log_of_a_service_is_read_by_a_command_that_exists(
    platform: str, tool: str, bake: Bake, need: Need, tmp_path: Path
) -> None:
    """Neither stand-in has the API: the real tool's help has the command, and each of its options."""
    with PLACES[platform](bake, need, tmp_path) as owner:
        (line,) = blocks(pages(owner.site.project)[OWN])["The service's log"][0].splitlines()
        words = line.split()
        assert words[0] == tool

        told = owner.run(f"{' '.join(words[:3])} --help")

        for option in (word for word in words if word.startswith("--")):
            assert option in told
