"""The route GET /metrics, for Prometheus."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response

from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.metrics import Metrics
from cd4ml.serving.release_metadata import lineage

if TYPE_CHECKING:
    from cd4ml.serving.exposition import Exposition

METRICS = "/metrics"
_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def add_metrics_route(app: FastAPI, bundle: Bundle, metrics: Callable[[], Metrics], alone: bool) -> None:
    """Add GET /metrics.

    Args:
        app: the service.
        bundle: that it serves.
        metrics: returns the counts, which exist from the first request.
        alone: whether one process serves.
    """

    @cache
    def exposition() -> "Exposition":
        from cd4ml.serving.exposition import Exposition  # prometheus-client takes 15 ms: not before it is needed

        return Exposition(metrics(), model_labels(bundle), alone)

    async def metrics_text() -> Response:
        """Return what the service counted since it started, as Prometheus reads it."""
        return Response(exposition().text(), headers={"content-type": _MEDIA_TYPE})

    summary = "Metrics for Prometheus"
    app.add_api_route(METRICS, metrics_text, methods=["GET"], response_class=PlainTextResponse, summary=summary)
    app.add_api_route(METRICS, metrics_text, methods=["HEAD"], include_in_schema=False)


def model_labels(bundle: Bundle) -> dict[str, str]:
    """Return the labels of `model_info`; the commit is empty if the bundle was not released."""
    manifest = bundle.manifest
    return {
        "model": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "runtime": manifest.runtime,
        "commit": lineage(bundle).get("commit", ""),
    }
