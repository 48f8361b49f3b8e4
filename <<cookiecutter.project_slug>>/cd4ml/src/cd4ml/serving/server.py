"""The verb `serve`: run the service until SIGTERM or SIGINT."""

import gc
import os
import signal
import socket
import sys
from functools import partial
from typing import Any

from cd4ml.errors import UserError
from cd4ml.serving.service_settings import ServiceSettings

# libuv accepts one connection of a socket in each turn of the event loop. Under load, when a turn takes long, new
# clients would wait for seconds; of copies of the socket, it accepts one each.
_ACCEPTED_AT_ONCE = 32
# Seconds after which a thread with a large batch lets the event loop go on; Python's 0.005 delay the small ones.
_SWITCH = 0.0005
# Seconds in which open requests are completed after SIGTERM or SIGINT. Most platforms kill 10 seconds after SIGTERM,
# and then the predictions are still to be written that were answered.
_GRACE = 7


def main(argv: list[str]) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        UserError: a setting is not valid, the bundle cannot be served, or the port is in use.
    """
    settings = ServiceSettings.read(argv, os.environ)
    os.environ.pop("SERVICE_API_KEYS", None)  # from here on, the process knows their digests only
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with _listen(settings) as listener:
        _serve(settings, listener)


def _serve(settings: ServiceSettings, listener: socket.socket) -> None:
    import uvicorn

    from cd4ml.serving.app import create_app
    from cd4ml.serving.connection_limits import ConnectionLimits
    from cd4ml.serving.http_protocol import LimitedProtocol
    from cd4ml.serving.log_output import open_log_output

    app = create_app(settings.bundle, settings, open_log_output(settings.log_format))
    sys.setswitchinterval(_SWITCH)
    limits = ConnectionLimits(settings)
    protocol: Any = partial(LimitedProtocol, limits=limits)
    config = uvicorn.Config(
        app,
        http=protocol,
        timeout_keep_alive=settings.keep_alive,
        callback_notify=limits.enforce,
        timeout_notify=0,  # once a second
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    gc.freeze()  # what is loaded is never garbage: not looked at again
    print(f"serving {app.title} {app.version} at {_url(settings.host, listener)}/docs", flush=True)
    uvicorn.Server(config).run(sockets=[listener, *(listener.dup() for _ in range(_ACCEPTED_AT_ONCE - 1))])


def _stop(*_: Any) -> None:
    """Exit with 0: at once while the bundle is loaded; later uvicorn handles the signal, stops, and raises it again."""
    raise SystemExit(0)


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
