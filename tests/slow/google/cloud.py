"""Start the stand-in, and tell the real gcloud where it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from .server import Google
from .tokens import mint

HOSTS = Path("/etc/hosts")
APIS = "SERVICEUSAGE IAM IAMCREDENTIALS ARTIFACTREGISTRY SECRETMANAGER STORAGE CLOUDRESOURCEMANAGER ORGPOLICY".split()


def why_not_here() -> str | None:
    """Return what this machine lacks to run gcloud against the stand-in; None when it has everything."""
    if not shutil.which("gcloud"):
        return "gcloud is not installed"
    if not os.access(HOSTS, os.W_OK):
        return "/etc/hosts cannot be written, and gcloud puts the region before the name of the Run API's host"
    return None


def _name(google: Google) -> str:
    return f"run.p{google.port}.cd4ml.test"


@contextlib.contextmanager
def reachable(google: Google) -> Iterator[None]:
    """Let the name of the Run API's host be the loopback, in /etc/hosts, for as long as this lasts.

    gcloud puts the region before the host's name, so that an address will not do. The name is this stand-in's own.
    """
    line = f"127.0.0.1 {_name(google)} {google.region}-{_name(google)}\n"
    _edit_hosts(lambda text: text + ("" if text.endswith("\n") else "\n") + line)
    try:
        yield
    finally:
        _edit_hosts(lambda text: text.replace(line, ""))


def _edit_hosts(change: Callable[[str], str]) -> None:
    """Change the file in one write, as it may be mounted and cannot then be replaced; one process at a time."""
    with HOSTS.open("r+", encoding="utf-8") as hosts:
        fcntl.flock(hosts, fcntl.LOCK_EX)
        text = change(hosts.read())
        hosts.seek(0)
        hosts.write(text)
        hosts.truncate()


def environment(google: Google, folder: Path) -> dict[str, str]:
    """The settings with which gcloud and deploy/cloud-run.sh take the stand-in for Google.

    `folder` is for gcloud's own records and the access token.
    """
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / "access-token"
    token.write_text(sorted(google.tokens)[0], encoding="utf-8")
    here = f"http://127.0.0.1:{google.port}/"
    return {
        "GCP_PROJECT": google.project,
        "GCP_REGION": google.region,
        "MONITORING_API": f"http://127.0.0.1:{google.port}",
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_CORE_PROJECT": google.project,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN": f"http://{_name(google)}:{google.port}/",
        **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}": here for api in APIS},
    }


def identity(google: Google, service: str) -> str:
    """Return an identity token that a service accepts."""
    return mint(google.services[service].addresses[""].url) if service in google.services else mint("nobody")
