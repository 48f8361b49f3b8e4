"""How many requests a second `cd4ml serve --workers 2` answers on two cores, beside one process.

    uv run python -m benchmarks.workers [--quick]

The example's model, by ONNX and by scikit-learn, with everything on that the service can do. wrk sends requests of 100
different rows on 8 connections from the same two cores: it needs little for each, and so leaves two workers a little
less than two cores. Both services have started; they are loaded in turns, a second each. Other programs on the machine
only make a turn slower, and two workers more than one: the fastest turn counts, and the median is beside it. So is the
least processor time for a request, which says whether workers hold each other up. The memory is the sum of proportional
shares (PSS), with the supervisor.

On a machine that is busy otherwise this shows nothing: Linux gives a session its share, however many processes it has.

`--quick` takes a few turns. Needs what `benchmarks.serving` does. Everything it makes is in build/serving/.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from benchmarks.batch import goal, proportional_share
from benchmarks.serving.__main__ import two_cores
from benchmarks.serving.contenders import Contender, ours
from benchmarks.serving.environment import install
from benchmarks.serving.load import WARM, Load, wrk
from benchmarks.serving.models import LARGE, Model, trained
from benchmarks.serving.server import Server, started

LOAD = Load(LARGE, 8)
RUNTIMES, WORKERS = ("onnx", "sklearn"), (1, 2)
TURNS, QUICK_TURNS, SECONDS = 20, 4, 1


@dataclass
class Measured:
    """One service under load, turn by turn."""

    per_second: list[float] = field(default_factory=list)
    """Requests."""
    cpu: list[float] = field(default_factory=list)
    """Microseconds of processor time of all its processes for a request."""

    def add(self, server: Server, model: Model) -> None:
        """Load the service for one turn.

        Raises:
            ContenderError: a request was not answered as it should be.
        """
        before = server.cpu()
        found = wrk(server, model, LOAD, SECONDS)
        server.settle()  # the other one has the machine to itself
        self.per_second.append(found["requests"] / found["microseconds"] * 1e6)
        self.cpu.append(1e6 * (server.cpu() - before) / max(1.0, found["requests"]))


def with_workers(runtime: str, workers: int) -> Contender:
    """Return the generated service with so many workers."""
    alone = ours(f"ours-{runtime}-{workers}", runtime)
    return replace(alone, command=[*alone.command, "--workers", str(workers)])


def measure(runtime: str, model: Model, turns: int, cores: tuple[int, int]) -> None:
    """Start one process and two workers, check their answers, load them in turns, and print what they did.

    Raises:
        ContenderError: one does not start, or a request was not answered as it should be.
    """
    installed = {workers: install(with_workers(runtime, workers), model) for workers in WORKERS}
    measured = {workers: Measured() for workers in WORKERS}
    with ExitStack() as stack:
        servers = {workers: stack.enter_context(started(installed[workers], model, *cores)) for workers in WORKERS}
        for server in servers.values():
            server.check(model)
            wrk(server, model, LOAD, WARM)
        for _ in range(turns):
            for workers, server in servers.items():
                measured[workers].add(server, model)
        memory = {workers: sum(map(proportional_share, server.processes())) for workers, server in servers.items()}
    for workers, found in measured.items():
        print(
            f"{runtime}, {workers} process{'es' * (workers > 1):<2}  {max(found.per_second):>7,.0f} requests/s "
            f"(median {statistics.median(found.per_second):,.0f})  {min(found.cpu):>6,.0f} µs of CPU for one "
            f"(median {statistics.median(found.cpu):,.0f})  {memory[workers]:>4,.0f} MB"
        )
    one, two = measured[1], measured[2]
    goal(f"{runtime}: requests/s of two workers, of one's", max(two.per_second) / max(one.per_second), 1.6)
    goal(f"{runtime}: processor time for a request", min(two.cpu) / min(one.cpu), 1.1, at_most=True)


def main() -> None:
    """Measure one and two workers in turns, and print the ratios beside their goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_TURNS} turns instead of {TURNS}")
    turns = QUICK_TURNS if parser.parse_args().quick else TURNS
    cores = two_cores()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped, too
    model = trained("flights")
    print(f"{LOAD}; load average {os.getloadavg()[0]:.1f}", flush=True)
    for runtime in RUNTIMES:
        measure(runtime, model, turns, cores)


if __name__ == "__main__":
    main()
