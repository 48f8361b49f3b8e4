"""Requests of every kind to a service that is stopped, killed and started again, and what became of each of them."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cd4ml.bundle.bundle import Bundle
from logged_service import wait_until

PAUSE = 0.003  # seconds between two requests of a client, and after a failure ten times as many
GIVE_UP = 60.0  # seconds after which a request that always fails is an error
INVALID = {
    b'{"rows": [NaN]}': 400,
    b'{"rows": [{"size": "wide"}]}': 422,
    b'{"rows": []}': 422,
    b'{"rows": [{}': 400,
    b"\xff\xfe": 400,
    b"x" * (1024 * 1024 + 1): 413,
}
PAGES = ("/", "/docs", "/openapi.json", "/version", "/health/ready", "/docs/files/swagger-ui.css")
KINDS = {"1 row": 8, "100 rows": 3, "600 rows": 1, "invalid": 2, "page": 2, "metrics": 1}
"""What is sent, and how often."""


class Service:
    """A service at one port, started as often as it is stopped; what it writes is kept in a folder."""

    def __init__(self, bundle: Path, folder: Path, **environment: object) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.row = Bundle.load(bundle).contract.sample_row()
        self._out, self._log = folder / "out", folder / "service.log"
        self._environment = {name: str(value) for name, value in environment.items()} | {"MODEL_BUNDLE": str(bundle)}
        self.starts = 0
        self.stopping: list[float] = []  # seconds from SIGTERM to the end
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.starts += 1
        command = [sys.executable, "-m", "cd4ml", "serve", "--port", str(self.port)]
        with self._out.open("ab") as out, self._log.open("ab") as log:
            self.process = subprocess.Popen(command, env=os.environ | self._environment, stdout=out, stderr=log)
        wait_until(lambda: self.process.poll() is not None or self._out.read_bytes().count(b"/docs\n") == self.starts)
        assert self.process.poll() is None, self._log.read_text()

    def stop(self, number: int) -> float:
        """Send a signal, wait for the end, and return the moment of the signal."""
        moment = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(30) == (0 if number == signal.SIGTERM else -number)
        if number == signal.SIGTERM:
            self.stopping.append(time.monotonic() - moment)
        return moment

    def log(self) -> list[dict]:
        """Return the lines of its own log."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def printed(self) -> list[str]:
        """Return the request ids of the records on standard output; each line that is none says where it serves."""
        lines = self._out.read_bytes().splitlines()
        records = [line for line in lines if not line.startswith(b"serving ")]
        assert len(lines) - len(records) == self.starts
        return [_RECORD.decode(line).request_id for line in records]


class _Record(msgspec.Struct, tag_field="event", tag="prediction"):
    request_id: str


_RECORD = msgspec.json.Decoder(_Record)  # of large logs, in a tenth of the time that `json` takes


@dataclass
class Outcome:
    """What the clients were told."""

    rows: dict[str, int] = field(default_factory=dict)
    """Of each prediction that got a 200, by its request id."""
    moments: dict[str, float] = field(default_factory=dict)
    """When it got it, of `time.monotonic`."""
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By the kind of request."""
    tried_again: Counter[str] = field(default_factory=Counter)
    """Why requests were sent again."""
    wrong: list[str] = field(default_factory=list)
    """Answers that no client should get."""
    latencies: list[float] = field(default_factory=list)
    """Seconds from sending a prediction's request to its 200."""

    def figures(self, seconds: float) -> str:
        """Return the outcome in words."""
        total, ordered = sum(self.statuses.values()), sorted(self.latencies)
        p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
        return (
            f"{total:,} requests in {seconds:.0f} s ({total / seconds:,.0f}/s), {len(self.rows):,} predictions "
            f"acknowledged with {sum(self.rows.values()):,} rows, p50 {p50:.1f} ms, p99 {p99:.1f} ms; "
            f"sent again: {dict(self.tried_again)}"
        )


class Load:
    """Clients that send requests of all kinds, one after the other, until the load ends.

    A request that is not answered, or with 503, is sent again under another id.
    """

    def __init__(self, service: Service, clients: int) -> None:
        self._service, self._clients, self._ended = service, clients, False
        self.outcome = Outcome()

    async def run(self) -> None:
        """Send requests until `end` is called."""
        await asyncio.gather(*(self._client(number) for number in range(self._clients)))

    def end(self) -> None:
        """Let each client end after its present request."""
        self._ended = True

    async def _client(self, number: int) -> None:
        chance, connection, count = random.Random(number), None, 0
        while not self._ended:
            kind = chance.choices([*KINDS], [*KINDS.values()])[0]
            content, expected, rows = self._request(kind, chance)
            count, until = count + 1, time.monotonic() + GIVE_UP
            for attempt in range(100_000):
                identity, sent = f"c{number}-{count}-{attempt}", time.monotonic()
                try:
                    connection = connection or await asyncio.open_connection("127.0.0.1", self._service.port)
                    status = await _exchange(*connection, content.replace(b"IDENTITY", identity.encode()))
                except (OSError, asyncio.IncompleteReadError) as failure:
                    status, connection = None, None
                    self.outcome.tried_again[type(failure).__name__] += 1
                if status == expected:
                    self._note(kind, status, identity, rows, sent)
                    break
                if status is not None:
                    self.outcome.tried_again[str(status)] += 1
                if status not in (None, 503) or time.monotonic() > until:
                    self.outcome.wrong.append(f"{identity}, {kind}: {status}")
                    break
                await asyncio.sleep(10 * PAUSE)
            await asyncio.sleep(PAUSE)

    def _note(self, kind: str, status: int, identity: str, rows: int, sent: float) -> None:
        now = time.monotonic()
        self.outcome.statuses[kind, status] += 1
        if rows:
            self.outcome.rows[identity], self.outcome.moments[identity] = rows, now
            self.outcome.latencies.append(now - sent)

    def _request(self, kind: str, chance: random.Random) -> tuple[bytes, int, int]:
        """Return a request, the status that it is to get, and how many rows it has that are to be recorded."""
        if kind in ("page", "metrics"):
            path = "/metrics" if kind == "metrics" else chance.choice(PAGES)
            return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 200, 0
        if kind == "invalid":
            body, expected = chance.choice([*INVALID.items()])
            return _post(body), expected, 0
        rows = int(kind.split()[0])
        return _post(json.dumps({"rows": [self._service.row] * rows}).encode()), 200, rows


def _post(body: bytes) -> bytes:
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nX-Request-ID: IDENTITY\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytes) -> int:
    """Send a request, read the whole response, and return its status."""
    try:
        writer.write(content)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        (length,) = (line.split(": ")[1] for line in head.split("\r\n") if line.startswith("content-length"))
        await reader.readexactly(int(length))
    except BaseException:
        writer.close()
        raise
    if "\r\nconnection: close" in head:
        writer.close()
    return int(head.split(" ")[1])
