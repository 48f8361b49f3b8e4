"""What a contender does besides predicting, found by asking it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

from benchmarks.serving.models import Model
from benchmarks.serving.server import ANSWER, Server
from demo.demo import WITHOUT_PROXY

ASKED = 5  # requests that are looked for in the log
PATIENCE = 3  # seconds until they have to be there
OURS = {"contract", "API key", "request id", "log", "metrics"}


def ask(url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, set[str], bytes]:
    """Send a request; return the status, the names of the response's headers in lower case, and its body."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    try:
        with WITHOUT_PROXY.open(request, timeout=ANSWER) as answer:
            return answer.status, {name.lower() for name in answer.headers}, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, {name.lower() for name in refused.headers}, refused.read()


def is_logged(server: Server, body: bytes) -> bool:
    """Return whether a server writes a line for each request."""
    before = server.log.read_bytes().count(b"\n")
    for _ in range(ASKED):
        server.ask(body)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.log.read_bytes().count(b"\n") >= before + ASKED:
            return True
        time.sleep(0.1)
    return False


def switched_on(server: Server, model: Model) -> list[str]:
    """Return what a server does: which checks, and what it records."""
    contender = server.installed.contender
    good, column = model.rows[0], "distance"

    def asked(value: object, headers: dict[str, str] = contender.headers) -> tuple[int, set[str], bytes]:
        return ask(server.url, json.dumps(contender.request([{**good, column: value}])).encode(), headers)

    found = []
    code, names, _ = asked(good[column])
    if 400 <= asked(-1.0)[0] < 500:  # the contract asks for 0 or more
        found.append("contract")
    elif 400 <= asked("far")[0] < 500:
        found.append("types")
    if contender.headers and asked(good[column], {})[0] == 401:
        found.append("API key")
    if code == 200 and "x-request-id" in names:
        found.append("request id")
    if is_logged(server, json.dumps(contender.request([good])).encode()):
        found.append("log")
    try:
        if b"# TYPE" in ask(server.metrics, None, contender.headers)[2]:
            found.append("metrics")
    except OSError:
        pass  # there is no such server
    return found
