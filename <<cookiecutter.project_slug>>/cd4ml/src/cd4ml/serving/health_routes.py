"""Is the service alive and ready, and which model does it serve: /health/live, /health/ready, /version."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.release_metadata import read_release

HEALTH = ("/health/live", "/health/ready", "/version")


class Health(BaseModel):
    """The status of the service, and the version of its model."""

    status: str
    version: str


class Version(BaseModel):
    """The model, and what it was made of."""

    model: str
    version: str
    digest: str
    runtime: str
    reason: str
    task: str
    until: str | None
    made_of: dict[str, str]
    release: dict[str, Any] | None


def add_health_routes(app: FastAPI, bundle: Bundle) -> None:
    """Add GET and HEAD of the three paths, whose answers are made once."""
    manifest = bundle.manifest
    health = Health(status="ok", version=bundle.version)
    model = Version(
        model=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        runtime=manifest.runtime,
        reason=manifest.reason,
        task=manifest.task,
        until=manifest.until,
        made_of=manifest.made_of,
        release=read_release(bundle),
    )

    async def live() -> Health:
        """Return 200: the process runs."""
        return health

    async def ready() -> Health:
        """Return 200: the service is ready, since the bundle and its examples are checked before it listens."""
        return health

    async def version() -> Version:
        """Return the model's version, its runtime and the reason for it, what it was made of, and its release."""
        return model

    endpoints = {"Liveness": live, "Readiness": ready, "Version and lineage of the model": version}
    for path, (summary, endpoint) in zip(HEALTH, endpoints.items(), strict=True):
        app.add_api_route(path, endpoint, methods=["GET"], summary=summary)
        app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
