"""A contender's server: started on a core of its own, checked against the pipeline, measured, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.serving.environment import ContenderError, Installed, body_file
from benchmarks.serving.models import LARGE, Model
from demo.demo import WITHOUT_PROXY

START, ANSWER, SETTLE, GRACE = 120, 30, 60, 15  # seconds to start, to answer once, to become idle, and to stop
TOLERANCE = 1e-5  # of a probability: ONNX computes with float32
CLOCK = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    installed: Installed
    url: str
    metrics: str
    log: Path
    started: float
    """Seconds from the start of the process to the first good answer."""

    def ask(self, body: bytes) -> bytes:
        """Send one request; return the answer.

        Raises:
            OSError: it was not answered, or not with a status of 200 to 299.
        """
        headers = {"Content-Type": "application/json", **self.installed.contender.headers}
        with WITHOUT_PROXY.open(urllib.request.Request(self.url, body, headers), timeout=ANSWER) as answer:
            if not 200 <= answer.status < 300:
                raise ConnectionError(f"status {answer.status}")
            return bytes(answer.read())

    def processes(self) -> list[int]:
        """Return the ids of the server's process, and of those that it started."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                except (OSError, ValueError):
                    continue  # it has ended
        family = [self.process.pid]
        for member in family:
            family.extend(child for child, parent in parents.items() if parent == member)
        return family

    def memory(self) -> list[int]:
        """Return the resident bytes of each process, the largest first."""
        pages = [int(Path(f"/proc/{number}/statm").read_text().split()[1]) for number in self.processes()]
        return sorted((count * os.sysconf("SC_PAGE_SIZE") for count in pages), reverse=True)

    def cpu(self) -> float:
        """Return the seconds of processor time that its processes have used."""
        used = 0
        for number in self.processes():
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
        return used / CLOCK

    def settle(self) -> None:
        """Wait until the server has nothing more to do: requests whose client has gone are still answered."""
        deadline = time.monotonic() + SETTLE
        while time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(0.2)
            if self.cpu() - before <= 0.02:
                return
        raise ContenderError(f"it is still busy {SETTLE} seconds after its clients have gone")

    def check(self, model: Model) -> None:
        """Compare the answers with the pipeline's own.

        Raises:
            ContenderError: one differs.
        """
        contender = self.installed.contender
        for rows in (1, LARGE):
            lines = body_file(contender, model, rows).read_bytes().splitlines()
            for body, numbers in zip(lines, model.requests(rows), strict=True):
                answer = self.ask(body)
                if contender.answer is None:
                    continue
                found = contender.answer(json.loads(answer))
                expected = [model.expected[number] for number in numbers]
                if len(found) != len(expected) or any(
                    not abs(one - other) <= TOLERANCE for one, other in zip(found, expected, strict=True)
                ):
                    raise ContenderError(f"answers {found[:3]} where the pipeline answers {expected[:3]}")


def last_lines(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1500:]


@contextmanager
def started(installed: Installed, model: Model, *cores: int) -> Iterator[Server]:
    """A server that runs on these cores, and has given a good answer; it is stopped when the block is left.

    Raises:
        ContenderError: it ended, or gave no good answer in time.
    """
    contender = installed.contender
    names = list(contender.settings)
    filled = installed.filled(["{port}", contender.metrics, *contender.settings.values(), *contender.command])
    port, metrics, *rest = filled
    settings = installed.settings(model) | dict(zip(names, rest, strict=False))
    command = rest[len(names) :]
    body = body_file(contender, model, 1).read_bytes().splitlines()[0]
    log = model.folder / f"{contender.name}.log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=installed.work,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=partial(os.sched_setaffinity, 0, cores),
        )
    server = Server(process, installed, f"http://127.0.0.1:{port}{contender.path}", metrics, log, 0.0)
    try:
        while True:
            try:
                server.ask(body)
                break
            except OSError as failure:
                if process.poll() is not None or time.perf_counter() - began > START:
                    raise ContenderError(f"does not start ({failure}):\n{last_lines(log)}") from None
                time.sleep(0.005)
        server.started = time.perf_counter() - began
        yield server
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end, and end it and all that it started if it does not."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(GRACE)
