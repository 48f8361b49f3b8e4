"""Revisions: for each one a container of its image, as Cloud Run starts an instance to see whether it comes up."""

from __future__ import annotations

from typing import Any

from tests.delivery.stand_ins.containers import Container, NeverReadyError


def start(
    service: str, revision: str, template: dict[str, Any], secrets: dict[str, str], ambient: dict[str, str]
) -> Container:
    """Start the container that a revision's template describes, and wait until its startup probe succeeds.

    Raises:
        NeverReadyError: it does not; the message is the one that Cloud Run gives.
    """
    described = template["spec"]["containers"][0]
    inside = int(described.get("ports", [{"containerPort": 8080}])[0]["containerPort"])
    settings = ambient | {"PORT": str(inside), "K_SERVICE": service, "K_REVISION": revision}
    for variable in described.get("env", []):
        source = variable.get("valueFrom", {}).get("secretKeyRef", {})
        settings[variable["name"]] = secrets.get(source["name"], "") if source else variable.get("value", "")
    probe = described.get("startupProbe", {}).get("httpGet", {}).get("path", "/")
    try:
        return Container(described["image"], settings, inside, probe)
    except NeverReadyError:
        raise NeverReadyError(
            f"Revision '{revision}' is not ready and cannot serve traffic. The user-provided container failed to "
            f"start and listen on the port defined provided by the PORT={inside} environment variable."
        ) from None
