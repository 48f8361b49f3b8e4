"""How many requests a second `cd4ml serve --workers 2` answers on two cores, beside one process.

    uv run python -m benchmarks.workers [--quick]

The example's model, by ONNX and by scikit-learn, with everything on that the service can do. wrk sends requests of 100
different rows on 8 connections from the same two cores: it needs a few microseconds for each, and so leaves two workers
a little less than two cores. One and two workers are started in turns, and figures are medians. Other programs on the
machine disturb them, two workers more than one: beside the ratio of speeds is the ratio of the processor time for a
request, which they change least, and which says whether workers hold each other up. The memory is the sum of
proportional shares (PSS), with the supervisor.

`--quick` takes one short round. Needs what `benchmarks.serving` does. Everything it makes is in build/serving/.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import sys
from dataclasses import dataclass, replace
from itertools import product

from benchmarks.batch import goal, proportional_share
from benchmarks.serving.__main__ import two_cores
from benchmarks.serving.contenders import Contender, ours
from benchmarks.serving.environment import Installed, install
from benchmarks.serving.load import WARM, Load, wrk
from benchmarks.serving.models import LARGE, Model, trained
from benchmarks.serving.server import started

LOAD = Load(LARGE, 8)
RUNTIMES, WORKERS = ("onnx", "sklearn"), (1, 2)
ROUNDS, SECONDS = 5, 4


@dataclass(frozen=True)
class Measured:
    """One service under load."""

    per_second: float
    """Requests."""
    cpu: float
    """Microseconds of processor time of all its processes for a request."""
    megabytes: float


def with_workers(runtime: str, workers: int) -> Contender:
    """Return the generated service with so many workers."""
    alone = ours(f"ours-{runtime}-{workers}", runtime)
    return replace(alone, command=[*alone.command, "--workers", str(workers)])


def measure(installed: Installed, model: Model, seconds: int, cores: tuple[int, int]) -> Measured:
    """Start a service, check its answers, and load it.

    Raises:
        ContenderError: it does not start, or a request was not answered as it should be.
    """
    with started(installed, model, *cores) as server:
        server.check(model)
        wrk(server, model, LOAD, WARM)
        before = server.cpu()
        found = wrk(server, model, LOAD, seconds)
        requests, used = found["requests"], server.cpu() - before
        memory = sum(map(proportional_share, server.processes()))
        return Measured(requests / found["microseconds"] * 1e6, 1e6 * used / requests, memory)


def show(name: str, rounds: list[Measured]) -> Measured:
    """Print the medians of several rounds; return them."""
    speed, cpu, memory = (
        statistics.median(getattr(each, key) for each in rounds) for key in ("per_second", "cpu", "megabytes")
    )
    print(f"{name:<24} {speed:>7,.0f} requests/s  {cpu:>6,.0f} µs of CPU for one  {memory:>5,.0f} MB", flush=True)
    return Measured(speed, cpu, memory)


def main() -> None:
    """Measure one and two workers in turns, and print the ratios beside their goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round")
    rounds, seconds = (1, 2) if parser.parse_args().quick else (ROUNDS, SECONDS)
    cores = two_cores()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped, too
    model = trained("flights")
    names = list(product(RUNTIMES, WORKERS))
    installed = {name: install(with_workers(*name), model) for name in names}
    measured: dict[tuple[str, int], list[Measured]] = {name: [] for name in names}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}; load average {os.getloadavg()[0]:.1f}", flush=True)
        for name in names:
            measured[name].append(measure(installed[name], model, seconds, cores))
    print(f"{LOAD}:")
    medians = {
        (runtime, workers): show(f"{runtime}, {workers} worker{'s' * (workers > 1)}", measured[runtime, workers])
        for runtime, workers in names
    }
    print()
    for runtime in RUNTIMES:
        one, two = medians[runtime, 1], medians[runtime, 2]
        goal(f"{runtime}: requests/s of two workers, of one's", two.per_second / one.per_second, 1.6)
        goal(f"{runtime}: processor time for a request", two.cpu / one.cpu, 1.1, at_most=True)


if __name__ == "__main__":
    main()
