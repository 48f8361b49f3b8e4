"""Start the stand-in, and tell the real gcloud where it is."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from tests.delivery.stand_ins.hosts import can_be_named, named

from .server import Google
from .tokens import mint

APIS = "SERVICEUSAGE IAM IAMCREDENTIALS ARTIFACTREGISTRY SECRETMANAGER STORAGE CLOUDRESOURCEMANAGER ORGPOLICY".split()


def why_not_here() -> str | None:
    """Return what this machine lacks to run gcloud against the stand-in; None when it has everything."""
    if not shutil.which("gcloud"):
        return "gcloud is not installed"
    if not can_be_named():
        return "/etc/hosts cannot be written, and gcloud puts the region before the name of the Run API's host"
    return None


def _name(google: Google) -> str:
    return f"run.p{google.port}.cd4ml.test"


def reachable(google: Google) -> AbstractContextManager[None]:
    """Let the name of the Run API's host be found, for as long as this lasts; the name is this stand-in's own.

    gcloud puts the region before the host's name, so that an address will not do.
    """
    return named(dict.fromkeys((_name(google), f"{google.region}-{_name(google)}"), "127.0.0.1"))


def environment(google: Google, folder: Path) -> dict[str, str]:
    """The settings with which gcloud and the verbs take the stand-in for Google.

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
