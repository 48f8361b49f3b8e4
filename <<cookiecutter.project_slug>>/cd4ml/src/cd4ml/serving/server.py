"""The verb `serve`: run the service until SIGTERM or SIGINT."""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from cd4ml.errors import UserError
from cd4ml.serving.service_settings import ServiceSettings

if TYPE_CHECKING:
    from cd4ml.serving.worker import Worker

# libuv accepts one connection of a socket in each turn of the event loop. Under load, when a turn takes long, new
# clients would wait for seconds; of copies of the socket, it accepts one each. Workers accept from one socket: with
# copies, one of them would take most connections before the others wake up.
_ACCEPTED_AT_ONCE = 32
# Seconds after which a thread with a large batch lets the event loop go on; Python's 0.005 delay the small ones.
_SWITCH = 0.0005
# Seconds in which open requests are completed after SIGTERM or SIGINT. Most platforms kill 10 seconds after SIGTERM,
# and then the predictions are still to be written that were answered.
_GRACE = 7
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_INHERITED = "--inherited="  # the first argument of a worker: what it inherits


def main(argv: list[str]) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        UserError: a setting is not valid, the bundle cannot be served, or the port is in use.
    """
    inherited, argv = _split(argv)
    settings = ServiceSettings.read(argv, os.environ)
    os.environ.pop("SERVICE_API_KEYS", None)  # from here on, the process knows their digests only
    _handle_signals(lambda: False)
    if inherited is not None:
        from cd4ml.serving.worker import Worker

        worker = Worker.inherit(inherited, settings.workers)
        worker.stop_with_supervisor()
        _serve(settings, worker.listener, worker)
        return
    with _listen(settings) as listener:
        if settings.workers == 1:
            _serve(settings, listener)
        else:
            _supervise(argv, settings, listener)


def _split(argv: list[str]) -> tuple[str | None, list[str]]:
    """Return what a worker inherits, None if this is not one, and the other arguments."""
    if argv and argv[0].startswith(_INHERITED):
        return argv[0].removeprefix(_INHERITED), argv[1:]
    return None, argv


def _supervise(argv: list[str], settings: ServiceSettings, listener: socket.socket) -> None:
    from cd4ml.serving.log_output import open_log_output
    from cd4ml.serving.supervisor import Supervisor

    open_log_output(settings.log_format)
    command = [sys.executable, "-P", "-m", "cd4ml", "serve"]  # -P: no modules of this folder, as with `cd4ml serve`
    Supervisor(
        lambda inherited: [*command, f"{_INHERITED}{inherited}", *argv],
        settings,
        listener,
        lambda served: _announce(served, settings, listener),
    ).run()


def _announce(served: str, settings: ServiceSettings, listener: socket.socket) -> None:
    url = _url(settings.host, listener)
    print(f"serving {served} at {url}; the API's documentation: {url}/docs", flush=True)


def _serve(settings: ServiceSettings, listener: socket.socket, worker: "Worker | None" = None) -> None:
    import uvicorn

    from cd4ml.serving.app import create_app
    from cd4ml.serving.connection_limits import ConnectionLimits
    from cd4ml.serving.http_protocol import LimitedProtocol
    from cd4ml.serving.log_output import open_log_output
    from cd4ml.serving.refusals import Refusals

    app = create_app(settings.bundle, settings, open_log_output(settings.log_format), worker.share if worker else None)
    served = f"{app.title} {app.version}"
    sys.setswitchinterval(_SWITCH)
    limits = ConnectionLimits(settings, Refusals(app.metrics.counts))
    protocol: Any = partial(LimitedProtocol, limits=limits)
    config = uvicorn.Config(
        app,
        http=protocol,
        timeout_keep_alive=settings.keep_alive,
        callback_notify=worker.reporting(served, limits.enforce) if worker else limits.enforce,
        timeout_notify=0,  # once a second
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    gc.freeze()  # what is loaded is never garbage: not looked at again
    if worker is None:
        _announce(served, settings, listener)
    server = uvicorn.Server(config)
    _handle_signals(lambda: server.started)
    copies = 0 if worker else _ACCEPTED_AT_ONCE - 1
    server.run(sockets=[listener, *(listener.dup() for _ in range(copies))])


def _handle_signals(started: Callable[[], bool]) -> None:
    """Let SIGTERM and SIGINT exit with 0.

    While the server runs, uvicorn handles them, stops, and raises them again. Until it has started, the process ends at
    once, as an exception from here could get lost in an import.
    """

    def stop(*_: Any) -> None:
        if not started():
            os._exit(0)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)  # another one ends the process while it exits
        raise SystemExit(0)

    for number in _SIGNALS:
        signal.signal(number, stop)


def _listen(settings: ServiceSettings) -> socket.socket:
    """Return a socket that listens already, so that the printed address accepts connections at once."""
    try:
        addresses = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = addresses[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as failure:
        place = f"{settings.host}, port {settings.port}"
        raise UserError(f"cannot listen at {place}: {failure.strerror}; choose another with HOST and PORT") from None
    return listener


def _url(host: str, listener: socket.socket) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{listener.getsockname()[1]}"
