"""Under mixed load a service is stopped, killed and started again: what a client got a 200 for is in the log, once."""

import asyncio
import signal
import time
from collections import Counter
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
from mixed_load import KINDS, Load, Service

CLIENTS = 8
TERM, KILL = signal.SIGTERM, signal.SIGKILL
INTERVAL = 2  # of PREDICTION_LOG_INTERVAL
ROOM = 300_000  # of PREDICTION_LOG_QUEUE: on a machine that others use, a write may take long
GONE = {"ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError", "IncompleteReadError", "503"}


async def under_load(service, signals, seconds):
    """Send mixed load for `seconds` before, between and after signals, each followed by a start.

    Returns the outcome, the moments of the signals, and for how many seconds each kept predictions from being answered.
    """
    load, moments = Load(service, CLIENTS), []
    running = asyncio.create_task(load.run())
    for number in signals:
        await asyncio.sleep(seconds)
        moments.append(await asyncio.to_thread(service.stop, number))
        await asyncio.to_thread(service.start)
    await asyncio.sleep(seconds)
    load.end()
    await running
    service.stop(TERM)
    answered = [*pairwise(sorted(load.outcome.moments.values()))]
    gaps = [max(after - before for before, after in answered if after > moment > before - 5) for moment in moments]
    return load.outcome, moments, gaps


def check_own_log(service, outcome, kills=0):
    """Each acknowledged prediction has its line, and nothing failed; a kill may lose the lines of that moment."""
    lines = service.log()
    assert [line for line in lines if line["message"] != "request" or line["severity"] == "ERROR"] == []
    counted = Counter(line["request_id"] for line in lines)
    assert len([identity for identity in outcome.rows if counted[identity] != 1]) <= kills * CLIENTS


def recorded(folder):
    """Return how many records each request id has, and the longest time that a record waited to be written."""
    counts, longest = Counter(), 0.0
    for file in folder.glob("date=*/[!.]*"):
        table = pq.ParquetFile(file).read(["request_id", "time"])
        counts.update(table["request_id"].to_pylist())
        longest = max(longest, file.stat().st_mtime - table["time"][0].as_py().timestamp())
    return counts, longest


def run(bundle, folder, signals, seconds, **settings):
    """Run a service under load with restarts; return it, the outcome, the moments of the signals, and the figures."""
    service = Service(bundle, folder, PREDICTION_LOG_INTERVAL=INTERVAL, **settings)
    started = time.monotonic()
    try:
        outcome, moments, gaps = asyncio.run(under_load(service, signals, seconds))
    finally:
        service.process.kill()
    figures = (
        f"{', '.join(number.name for number in signals)}: {outcome.figures(time.monotonic() - started)}; stopped in "
        f"{in_words(service.stopping)} s; no prediction for {in_words(gaps)} s"
    )
    print(f"\n{figures}")
    assert outcome.wrong == []
    assert {kind for kind, _ in outcome.statuses} == set(KINDS)
    assert outcome.tried_again  # the restarts were noticed
    assert outcome.tried_again.keys() <= GONE
    return service, outcome, moments


def in_words(seconds):
    return ", ".join(f"{each:.1f}" for each in seconds)


def check_nothing_is_lost(bundle, folder, place, restarts, seconds):
    log = folder / "log" if place == "folder" else place
    settings = {"PREDICTION_LOG": log, "PREDICTION_LOG_QUEUE": ROOM}
    service, outcome, _ = run(bundle, folder, [TERM] * restarts, seconds, **settings)

    counts = recorded(log)[0] if place == "folder" else Counter(service.printed())
    assert counts == outcome.rows
    check_own_log(service, outcome)


@pytest.mark.parametrize("place", ["folder", "stdout"])
def test_a_restart_under_load_loses_no_acknowledged_prediction_and_records_none_twice(tiny_bundle, tmp_path, place):
    check_nothing_is_lost(tiny_bundle, tmp_path, place, restarts=1, seconds=2)


@pytest.mark.slow
@pytest.mark.drill
@pytest.mark.parametrize(("place", "restarts", "seconds"), [("folder", 4, 28), ("stdout", 2, 12)])
def test_minutes_of_load_with_restarts_lose_no_acknowledged_prediction(tiny_bundle, tmp_path, place, restarts, seconds):
    check_nothing_is_lost(tiny_bundle, tmp_path, place, restarts, seconds)


@pytest.mark.slow
@pytest.mark.drill
def test_kills_under_load_lose_at_most_the_interval(tiny_bundle, tmp_path):
    log = tmp_path / "log"
    settings = {
        "PREDICTION_LOG": log,
        "PREDICTION_LOG_QUEUE": ROOM,
        "PREDICTION_LOG_BATCH": ROOM,
    }  # not by their number
    service, outcome, moments = run(tiny_bundle, tmp_path, [TERM, KILL, TERM, KILL, KILL], 11, **settings)

    counts, longest = recorded(log)
    kills = [moment for moment, number in zip(moments, [TERM, KILL, TERM, KILL, KILL], strict=True) if number == KILL]
    ages = [
        min(kill - outcome.moments[identity] for kill in kills if kill > outcome.moments[identity] - 0.5)
        for identity in outcome.rows.keys() - counts.keys()
    ]
    print(f"{len(ages)} acknowledged predictions lost, the oldest {max(ages):.2f} s before its kill; "
          f"a record waited for {longest:.2f} s at most")  # fmt: skip
    assert max(ages) < longest + 0.5  # the interval and a write, as the writes that were completed took
    assert longest < INTERVAL + 10  # of which a write takes 0.1 s, on a machine that is ours alone
    assert {identity for identity in outcome.rows if counts[identity] not in (0, outcome.rows[identity])} == set()
    assert len(counts.keys() - outcome.rows.keys()) <= 3 * CLIENTS  # answered, and killed before a client had read it
    check_own_log(service, outcome, kills=3)
