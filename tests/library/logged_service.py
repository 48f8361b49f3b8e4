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
from running_service import printed_url

NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""For a process that may not write whole files: half a .pyc would break whatever imports it next."""
COMMAND = [sys.executable, "-m", "cd4ml", "serve", "--port", "0"]


class LoggedService:
    """A process that serves a bundle; what it prints goes to a file, what it reports is remembered."""

    def __init__(
        self, bundle: Path, scratch: Path, environment: dict[str, str], before: Callable[[], None] | None
    ) -> None:
        self.out = scratch / f"out-{id(self)}"
        self.row = Bundle.load(bundle).contract.sample_row()
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                COMMAND,
                env=os.environ | NO_BYTECODE | {"MODEL_BUNDLE": str(bundle)} | environment,
                stdout=out,
                stderr=subprocess.PIPE,  # which a limit on the size of files does not concern
                text=True,
                preexec_fn=before,
            )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: "\n" in self.out.read_text() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.errors()
        self.port = int(printed_url(self.out.read_text().splitlines()[0]).rpartition(":")[2])

    def _read(self) -> None:
        for line in self.process.stderr:
            self._lines.append(line)

    def errors(self) -> str:
        """Return what it reported on standard error, without the lines about its requests."""
        if self.process.poll() is not None:
            self._reader.join(30)
        return "".join(line for line in self._lines if '"message":"request"' not in line)

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


def records(folder: Path, killed: bool = False) -> list[dict]:
    """Return all records in a folder; each of its files must be whole, and in the folder of its own day.

    A process that was killed may have left an unfinished file, under a hidden name.
    """
    found = []
    for file in sorted(folder.glob("date=*/*")):
        if killed and file.name.startswith("."):
            continue
        assert file.suffix == ".parquet", file
        table: pa.Table = pq.ParquetFile(file).read()
        day = date.fromisoformat(file.parent.name.removeprefix("date="))
        found += table.to_pylist()
        assert {record["time"].date() for record in table.to_pylist()} == {day}
    return found
