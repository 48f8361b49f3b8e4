"""Pass the answers of the service on to the prediction log, before they are sent."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cd4ml.bundle.bundle import Bundle
from cd4ml.prediction_log.address import require_packages
from cd4ml.prediction_log.place import Bucket, Folder, Place, Stdout
from cd4ml.prediction_log.record import Layout
from cd4ml.prediction_log.writer import PredictionLog
from cd4ml.serving.service_settings import ServiceSettings

CLOSING = 9.0  # seconds in which the records that wait are written when the service stops; mostly it takes none
PREPARING = 10.0  # seconds that a service whose responses wait for the log takes to connect to it before it starts


def open_log(
    bundle: Bundle, settings: ServiceSettings, clock: Callable[[], int] = time.time_ns
) -> PredictionLog | None:
    """Return the prediction log of a service; None if it is to have none.

    Raises:
        UserError: a package that it needs is missing, or it is in a folder that cannot be made or written.
    """
    address, layout = settings.prediction_log, Layout.of(bundle)
    if not address:
        return None
    require_packages(address)
    place: Place
    if address == "stdout":
        place = Stdout(layout)
    else:
        place = Bucket(address, layout) if "://" in address else Folder(Path(address), layout)
    return PredictionLog(
        place, settings.prediction_log_interval, settings.prediction_log_batch, settings.prediction_log_queue, clock
    )


class LogPredictions:
    """Middleware that queues the records of each answer, and starts and stops the prediction log with the service."""

    def __init__(self, app: ASGIApp, log: PredictionLog, settings: ServiceSettings) -> None:
        self._app, self._log = app, log
        by_default = "request" if settings.cloud_run_service else "interval"
        self._flush = (settings.prediction_log_flush or by_default) == "request"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the start and the end of the service."""
        if scope["type"] == "http":
            await self._app(scope, receive, self._waiting(scope, send) if self._flush else self._logging(scope, send))
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, self._closing(send))
        else:
            await self._app(scope, receive, send)

    def _logging(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that queues the answer's records before the response is complete.

        It is no coroutine, which would take longer.
        """

        def send_logged(message: Message) -> Awaitable[None]:
            if "answer" in scope and _is_last(message):
                self._append(scope)
            return send(message)

        return send_logged

    def _waiting(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that waits until the answer's records are written."""

        async def send_waiting(message: Message) -> None:
            if "answer" in scope and _is_last(message):
                self._append(scope)
                await self._log.flushed()
            await send(message)

        return send_waiting

    def _append(self, scope: Scope) -> None:
        self._log.append(scope["request_id"], scope["client_kind"], scope["answer"])

    def _closing(self, send: Send) -> Send:
        async def send_closing(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._log.start()
                if self._flush:  # or the first response would wait for what is imported and connected
                    await run_in_threadpool(self._log.wait_until_prepared, PREPARING)
            elif message["type"].startswith("lifespan.shutdown."):
                await run_in_threadpool(self._log.close, CLOSING)
            await send(message)

        return send_closing


def _is_last(message: Message) -> bool:
    """Return whether a response is complete with a message; until then a route may make more predictions."""
    return message["type"] == "http.response.body" and not message.get("more_body")
