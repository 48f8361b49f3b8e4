"""Ask a service over HTTPS: whether it is ready, whether it says of itself what another says, how long it is away."""

import http.client
import json
import os
import ssl
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import cache
from typing import Any, Self

_PAUSE = 0.2  # seconds between two questions
_TIMEOUT = 5.0  # seconds without an answer
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UNANSWERED = (OSError, ValueError, http.client.HTTPException)  # the last is what half an answer raises


def wait_until_ready(url: str, seconds: float) -> None:
    """Wait until the service is ready.

    Raises:
        TimeoutError: it is not, within that time.
    """
    _wait(seconds, lambda: _answer(url, "/health/ready"), f"{url} is not ready")


def is_ready(url: str) -> bool:
    """Return whether the service says now that it is ready."""
    try:
        wait_until_ready(url, 0)
    except TimeoutError:
        return False
    return True


def wait_until_same(url: str, other: str, seconds: float) -> None:
    """Wait until the service is ready and says of itself what another says.

    Raises:
        TimeoutError: it does not, within that time.
    """

    def look() -> None:
        expected = _answer(other, "/version")  # in here, as this question can be lost as well
        _answer(url, "/health/ready")
        if _answer(url, "/version") != expected:
            raise ValueError("another bundle answers")

    _wait(seconds, look, f"{url} does not answer as {other} does")


class Watch:
    """Asks a service, in a thread, for as long as the `with` block goes on.

    `away` is then for how many seconds nobody answered: the time between an answer and the next one, wherever a
    question in between had none.
    """

    def __init__(self, url: str) -> None:
        self._url, self._ends, self._lock = url, threading.Event(), threading.Lock()
        self._answered, self._missed, self._failing = time.monotonic(), 0.0, False
        self.away = 0.0

    def __enter__(self) -> Self:
        threading.Thread(target=self._ask, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        with self._lock:
            self.away = self._missed + (time.monotonic() - self._answered if self._failing else 0)

    def _ask(self) -> None:
        while not self._ends.is_set():
            try:
                _answer(self._url, "/health/ready")
            except _UNANSWERED:
                self._note(answered=False)
            else:
                self._note(answered=True)
            self._ends.wait(_PAUSE)

    def _note(self, answered: bool) -> None:
        now = time.monotonic()
        with self._lock:
            if not answered:
                self._failing = True
                return
            self._missed += now - self._answered if self._failing else 0
            self._answered, self._failing = now, False


def _answer(url: str, path: str) -> Any:
    """Return what is answered there with 200.

    Raises:
        OSError: nothing is.
        HTTPException: half of it is.
        ValueError: the address is neither encrypted nor on this machine, or the answer is no JSON.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError(f"{url[:80]} does not begin with https://")
    trust = _authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    with urllib.request.urlopen(url + path, timeout=_TIMEOUT, context=trust) as reply:  # noqa: S310 - looked at
        return json.load(reply)


@cache
def _authorities(file: str | None, folder: str | None) -> ssl.SSLContext:  # noqa: ARG001 - keys of the cache
    """Read the system's authorities once: it takes longer than a question. The arguments are where ssl looks."""
    return ssl.create_default_context()


def _wait(seconds: float, look: Callable[[], object], otherwise: str) -> None:
    """Look until nothing is raised any more."""
    until = time.monotonic() + seconds
    while True:
        try:
            look()
        except _UNANSWERED as failure:
            if time.monotonic() >= until:
                raise TimeoutError(f"{otherwise}: {getattr(failure, 'reason', failure)}") from None
            time.sleep(_PAUSE)
        else:
            return
