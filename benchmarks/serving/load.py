"""Load a server with wrk, from another core."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.environment import ContenderError, body_file
from benchmarks.serving.models import Model
from benchmarks.serving.server import CLOCK, Server

SCRIPT = Path(__file__).with_name("post.lua")
ENOUGH, LONGEST = 4, 30  # a measurement takes longer until each connection has so many answers, up to these seconds
WARM = 1  # seconds of load that are not counted
TIMEOUT = 20  # seconds in which a request has to be answered


@dataclass(frozen=True)
class Load:
    """Requests of some rows, on some connections at once."""

    rows: int
    connections: int

    def __str__(self) -> str:
        return f"{self.rows} row{'s' * (self.rows > 1)} c{self.connections}"


LOADS = [Load(rows, connections) for rows in (1, 100) for connections in (1, 8, 64)]


@dataclass(frozen=True)
class Measured:
    """What wrk measured."""

    per_second: float
    p50: float
    """Milliseconds."""
    p99: float
    cpu: float
    """Microseconds of processor time that the server used for a request."""
    others: float
    """The share of the server's core that other programs used."""


def busy(core: int) -> float:
    """Return the seconds that a core was not idle, since the machine started."""
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, *interrupts = map(int, line.split()[1:9])
    return (user + nice + system + sum(interrupts)) / CLOCK


def measure(server: Server, model: Model, load: Load, seconds: int, core: int) -> Measured:
    """Load a server, after a second that is not counted.

    Raises:
        ContenderError: a connection failed, or a request was not answered, or not with a status of 200 to 299.
    """
    warm = wrk(server, model, load, WARM)
    wanted = ENOUGH * load.connections / max(1.0, warm["requests"] / WARM)
    seconds = max(seconds, min(LONGEST, math.ceil(wanted)))
    server.settle()
    before, own = busy(core), server.cpu()
    found = wrk(server, model, load, seconds)
    elapsed = found["microseconds"] / 1e6
    used = server.cpu() - own
    others = max(0.0, busy(core) - before - used) / elapsed
    server.settle()
    if not found["requests"]:
        raise ContenderError(f"{load}: not one request was answered in {seconds} seconds")
    return Measured(
        found["requests"] / elapsed, found["p50"] / 1000, found["p99"] / 1000, 1e6 * used / found["requests"], others
    )


def wrk(server: Server, model: Model, load: Load, seconds: int) -> dict[str, float]:
    """Run wrk once; return what post.lua prints.

    Raises:
        ContenderError: a connection failed, or a request was not answered, or not with a status of 200 to 299.
    """
    contender = server.installed.contender
    file = str(body_file(contender, model, load.rows))
    headers = [text for pair in contender.headers.items() for text in pair]
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", f"--timeout={TIMEOUT}s"]
    command += ["-s", str(SCRIPT), server.url, "--", file, contender.path, *headers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if done.returncode:
        raise ContenderError(f"wrk failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if found["status"] or found["sockets"]:
        raise ContenderError(
            f"{load}: of {found['requests']:.0f} requests {found['status']:.0f} were not answered with 2xx, "
            f"{found['sockets']:.0f} failed at the connection; see {server.log}"
        )
    return found
