"""How fast the generated service is, how fast it starts and how much it takes, beside other ways to serve a model.

    uv run python -m benchmarks.serving [--quick] [--only NAME ...] [--profile]

Trains the default project's model and a logistic regression, and serves each by every contender: one process, alone on
one core, each in an environment of its own lock file (benchmarks/serving_peers/). wrk loads it from another core with
requests of 1 and 100 different rows on 1, 8 and 64 connections. The rounds are interleaved, and figures are medians.
Before it is measured, a contender has to answer as the fitted pipeline does; a request that fails, fails the
measurement. Ctrl-C shows the figures until then.

Other programs on the machine disturb these figures: their share of the server's core is shown, and beside each ratio of
speeds the ratio of the processor time for a request, or for the start, which they change least.

`--quick` takes one short round of six contenders and one model; `--profile` says where the time of one request goes.
Needs Linux, two cores, uv, and wrk: sudo apt-get install wrk. Everything it makes is in build/serving/.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from itertools import product

from benchmarks.serving.contenders import ALL, NAMES, Contender
from benchmarks.serving.environment import ContenderError, Installed, install
from benchmarks.serving.load import LOADS, measure
from benchmarks.serving.models import Model, trained
from benchmarks.serving.profile import profile
from benchmarks.serving.results import Results
from benchmarks.serving.server import started
from benchmarks.serving.switched_on import OURS, switched_on

QUICK = ["ours", "ours-sklearn", "fastapi-constant", "bare-asgi", "fastapi", "mlflow"]
ROUNDS, SECONDS = 3, 2


def two_cores() -> tuple[int, int]:
    """Return the server's core and wrk's.

    Raises:
        SystemExit: this is not Linux, or has fewer than two cores, or wrk or uv is missing.
    """
    for program, advice in (("wrk", "sudo apt-get install wrk"), ("uv", "PATH=$PWD/.uv/bin:$PATH")):
        if shutil.which(program) is None:
            sys.exit(f"benchmark: {program} is missing: {advice}")
    if sys.platform != "linux" or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        sys.exit("benchmark: the server and wrk need a core each, on Linux")
    return cores[0], cores[1]


def made_ready(contenders: list[Contender], model: Model, results: Results, core: int) -> list[Installed]:
    """Install contenders, and compare their answers with the pipeline's; leave out those that fail."""
    ready = []
    for contender in contenders:
        try:
            installed = install(contender, model)
            results.size[contender.name] = installed.bytes
            with started(installed, model, core) as server:
                server.check(model)
                on = switched_on(server, model)
            answers = "answers as the pipeline does" if contender.answer else "returns a constant"
            print(f"  {contender.name:<23} {answers}; on: {', '.join(on) or 'nothing'}", flush=True)
            if contender.peer is None and (missing := OURS - set(on)):
                print(f"  {contender.name:<23} NOT on: {', '.join(sorted(missing))}", flush=True)
        except (ContenderError, OSError) as failure:
            results.fail(model.name, contender.name, f"left out: {failure}")
        else:
            ready.append(installed)
    return ready


def one_round(ready: list[Installed], model: Model, results: Results, seconds: int, core: int) -> None:
    """Start, load and stop each contender once."""
    for installed in ready:
        name = installed.contender.name
        try:
            with started(installed, model, core) as server:
                results.add(model.name, name, "start", server.started)
                results.add(model.name, name, "start cpu", server.cpu())
                for load in LOADS:
                    try:
                        measured = measure(server, model, load, seconds, core)
                    except ContenderError as failure:
                        results.fail(model.name, name, str(failure))
                    else:
                        results.add_load(model.name, name, load, measured)
                memory = server.memory()
                results.add(model.name, name, "memory", sum(memory))
                results.add(model.name, name, "largest process", memory[0])
                results.add(model.name, name, "processes", len(memory))
        except (ContenderError, OSError) as failure:
            results.fail(model.name, name, str(failure))


def main() -> None:
    """Measure, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what takes under three minutes")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--profile", action="store_true", help="where the time of one request goes, and nothing else")
    options = parser.parse_args()
    core, other = two_cores()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped, too
    if options.profile:
        profile(core, other)
        return
    chosen = options.only or (QUICK if options.quick else NAMES)
    contenders = [contender for contender in ALL if contender.name in chosen]
    models = [trained(name) for name in (["flights"] if options.quick else ["flights", "logistic"])]
    rounds, seconds = (1, 1) if options.quick else (ROUNDS, SECONDS)
    results = Results(chosen)
    ready = {model.name: made_ready(contenders, model, results, core) for model in models}
    os.sched_setaffinity(0, {other})  # wrk's, too
    try:
        for number, model in product(range(rounds), models):
            print(f"round {number + 1} of {rounds}, {model.name}; load average {os.getloadavg()[0]:.1f}", flush=True)
            one_round(ready[model.name], model, results, seconds, core)
    except KeyboardInterrupt:
        results.failures.append("interrupted; these are the figures until then")
    results.show()
    sys.exit(1 if results.failures else 0)


if __name__ == "__main__":
    main()
