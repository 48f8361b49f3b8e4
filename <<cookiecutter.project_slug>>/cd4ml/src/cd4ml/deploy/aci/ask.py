"""Ask a service over HTTPS, with the standard library alone, what a release has to know.

ask.py ready URL SECONDS           wait until it says that it is ready
ask.py same URL OTHER SECONDS      wait until it says of itself at /version what OTHER says
ask.py watch URL                   ask until told to stop (SIGTERM), then print for how many seconds nobody answered
"""

import http.client
import json
import os
import signal
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

PAUSE = 0.2  # seconds between two questions
LONGEST = 3600.0  # seconds that `watch` goes on when nobody tells it to stop
UNANSWERED = (OSError, ValueError, http.client.HTTPException)  # the last is what half an answer raises


class StopError(Exception):
    """`watch` was told to stop."""


def answer(url: str, path: str) -> Any:
    """Return what is answered there with 200.

    Raises:
        OSError: nothing is.
        HTTPException: half of it is.
        ValueError: the address is neither encrypted nor on this machine, or the answer is no JSON.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError(f"{url[:80]} does not begin with https://")
    with urllib.request.urlopen(url + path, timeout=5) as reply:  # noqa: S310 - looked at
        return json.load(reply)


def ready(url: str, seconds: str) -> None:
    """Wait until the service is ready.

    Raises:
        TimeoutError: it is not, within that time.
    """
    wait(float(seconds), lambda: answer(url, "/health/ready"), f"{url} is not ready")


def same(url: str, other: str, seconds: str) -> None:
    """Wait until it is ready and says of itself what another says.

    Raises:
        TimeoutError: it does not, within that time.
    """

    def look() -> None:
        expected = answer(other, "/version")  # in here, as this question can be lost as well
        answer(url, "/health/ready")
        if answer(url, "/version") != expected:
            raise ValueError("another bundle answers")

    wait(float(seconds), look, f"{url} does not answer as {other} does")


def wait(seconds: float, look: Callable[[], object], otherwise: str) -> None:
    """Look until nothing is raised any more."""
    until = time.monotonic() + seconds
    while True:
        try:
            look()
        except UNANSWERED as failure:
            if time.monotonic() >= until:
                raise TimeoutError(f"{otherwise}: {getattr(failure, 'reason', failure)}") from None
            time.sleep(PAUSE)
        else:
            return


def watch(url: str) -> None:
    """Count the time between an answer and the next one, wherever a question in between had none."""
    signal.signal(signal.SIGTERM, _stop)
    parent, started = os.getppid(), time.monotonic()
    answered, missed, failing = started, 0.0, False
    try:
        while os.getppid() == parent and time.monotonic() - started < LONGEST:
            try:
                answer(url, "/health/ready")
            except UNANSWERED:
                failing = True
            else:
                now = time.monotonic()
                missed += now - answered if failing else 0
                answered, failing = now, False
            time.sleep(PAUSE)
    except StopError:
        pass
    print(f"{missed + (time.monotonic() - answered if failing else 0):.1f}")


def _stop(*_: Any) -> None:
    raise StopError


QUESTIONS: dict[str, Callable[..., None]] = {"ready": ready, "same": same, "watch": watch}

if __name__ == "__main__":
    try:
        QUESTIONS[sys.argv[1]](*sys.argv[2:])
    except UNANSWERED as failure:
        sys.exit(str(failure))
