"""Start the stand-in, and tell the real az where it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

from tests.conftest import ROOT
from tests.delivery.stand_ins.hosts import can_be_named, named

from . import caddy
from .server import Azure

PATIENCE = 120
QUIET = {
    "AZURE_CORE_COLLECT_TELEMETRY": "false",
    "AZURE_CORE_INSTANCE_DISCOVERY": "false",
    "AZURE_CORE_ENCRYPT_TOKEN_CACHE": "false",
    "AZURE_CORE_LOGIN_EXPERIENCE_V2": "false",
}
AZ = ROOT / "build/az/bin"  # where make puts it: it wants older packages than anything else here


def az_folder() -> str:
    """Return the folder that az is in; nothing where it is nowhere."""
    found = shutil.which("az", path=str(AZ)) or shutil.which("az")
    return str(Path(found).parent) if found else ""


def why_not_here() -> str | None:
    """Return what this machine lacks to run az against the stand-in; None when it has everything."""
    if not az_folder():
        return "az is not installed: make az"
    if not caddy.program():
        return "caddy is not installed"
    if not can_be_named():
        return "/etc/hosts cannot be written, and container groups are found by their names in the DNS"
    return None


def reachable(azure: Azure, hosts: dict[str, str]) -> AbstractContextManager[None]:
    """Let the hosts of groups, by their names, be found for as long as this lasts."""
    return named({host: azure.address_of(group) for group, host in hosts.items()})


def group_address(azure: Azure) -> str:
    """The address of the resource group."""
    return f"/subscriptions/{azure.subscription}/resourceGroups/{azure.resource_group}"


def total(azure: Azure, slug: str = "demo") -> str:
    """The sum that ends names which are everybody's."""
    told = f"{azure.subscription}/{azure.resource_group}/{slug}"
    done = subprocess.run(["cksum"], input=told, capture_output=True, text=True, check=True)
    return f"{int(done.stdout.split()[0]):08x}"


def host(azure: Azure, group: str, slug: str = "demo") -> str:
    """The name in the DNS that a group gets: its own, and a sum over subscription, resource group and project."""
    service, candidate, _ = group.partition("-candidate")
    return f"{service}-{total(azure, slug)}{candidate}.{azure.location}.azurecontainer.io"


def environment(azure: Azure, folder: Path) -> dict[str, str]:
    """The settings with which az and the verbs take the stand-in for Azure; az is signed in as the owner."""
    settings = {
        "PATH": f"{az_folder()}:{os.environ['PATH']}",
        "AZURE_LOCATION": azure.location,
        "AZURE_RESOURCE_GROUP": azure.resource_group,
        "AZURE_CONFIG_DIR": str(folder / "az"),
        "REQUESTS_CA_BUNDLE": str(azure.authority.file),
        "SSL_CERT_FILE": str(azure.authority.file),
        **QUIET,
    }
    register(azure, settings)
    owner = azure.entra.owner
    run(settings, "login", "--service-principal", "--username", owner, "--password", azure.entra.owner_secret,
        "--tenant", azure.tenant)  # fmt: skip
    return settings


def register(azure: Azure, settings: dict[str, str]) -> None:
    """Let az know the stand-in as its cloud, in the folder that the settings name."""
    Path(settings["AZURE_CONFIG_DIR"]).mkdir(parents=True)
    endpoints = {
        "--endpoint-resource-manager": azure.url, "--endpoint-management": azure.url,
        "--endpoint-active-directory": azure.url, "--endpoint-active-directory-resource-id": azure.url,
        "--endpoint-active-directory-graph-resource-id": azure.url,
        "--endpoint-microsoft-graph-resource-id": f"{azure.url}/",
        "--suffix-storage-endpoint": "core.windows.net", "--suffix-acr-login-server-endpoint": ".azurecr.io",
    }  # fmt: skip
    words = [word for pair in endpoints.items() for word in pair]
    run(settings, "cloud", "register", "--name", "stand-in", "--skip-endpoint-discovery", *words)
    run(settings, "cloud", "set", "--name", "stand-in")


def run(settings: dict[str, str], *arguments: str) -> str:
    """Run az, which must succeed; return what it printed."""
    done = subprocess.run(
        ["az", *arguments], env=os.environ | settings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout
