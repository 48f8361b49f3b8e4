"""A service with a prediction log as a process of its own, and clients that remember what it acknowledged."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from cd4ml.bundle.bundle import Bundle

COMMAND = [sys.executable, "-m", "cd4ml", "serve", "--port", "0"]


class LoggedService:
    """A process that serves a bundle, whose outputs go to files."""

    def __init__(
        self, bundle: Path, scratch: Path, environment: dict[str, str], before: Callable[[], None] | None
    ) -> None:
        self.out, self.err = scratch / f"out-{id(self)}", scratch / f"err-{id(self)}"
        self.row = Bundle.load(bundle).contract.sample_row()
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                COMMAND,
                env=os.environ | {"MODEL_BUNDLE": str(bundle)} | environment,
                stdout=out,
                stderr=err,
                preexec_fn=before,
            )
        wait_until(lambda: "/docs" in self.out.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.errors()
        self.port = int(self.out.read_text().split("/docs")[0].rpartition(":")[2])

    def errors(self) -> str:
        return self.err.read_text()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, *rows: dict, connection: http.client.HTTPConnection | None = None, **headers: str) -> dict:
        """Ask for predictions, or that of a sample row; return the body of the response, which must be a 200."""
        connection = connection or self.connect()
        body = json.dumps({"rows": rows or [self.row]})
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"} | named)
        response = connection.getresponse()
        content = json.loads(response.read())
        assert response.status == 200, content
        return content

    @contextlib.contextmanager
    def load(self, clients: int = 4) -> Iterator[dict[str, float]]:
        """Ask from several clients at once until the service is gone; yield the ids it acknowledged, and when."""
        acknowledged: dict[str, float] = {}
        until = time.monotonic() + 60

        def client() -> None:
            connection = self.connect()
            with contextlib.suppress(OSError, http.client.HTTPException):
                while time.monotonic() < until:
                    identity = self.ask(connection=connection)["request_id"]
                    acknowledged[identity] = time.monotonic()

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield acknowledged
        finally:
            self.process.kill() if self.process.poll() is None else None
            for thread in threads:
                thread.join(60)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def logged_service(
    bundle: Path, scratch: Path, before: Callable[[], None] | None = None, **environment: object
) -> Iterator[LoggedService]:
    service = LoggedService(bundle, scratch, {name: str(value) for name, value in environment.items()}, before)
    try:
        yield service
    finally:
        service.process.kill()
        service.process.wait(timeout=30)


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: it does not, within `seconds`.
    """
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def records(folder: Path) -> list[dict]:
    """Return all records in a folder; each of its files must be whole, and in the folder of its own day."""
    found = []
    for file in sorted(folder.glob("date=*/*")):
        assert file.suffix == ".parquet", file
        table: pa.Table = pq.ParquetFile(file).read()
        day = date.fromisoformat(file.parent.name.removeprefix("date="))
        found += table.to_pylist()
        assert {record["time"].date() for record in table.to_pylist()} == {day}
    return found
