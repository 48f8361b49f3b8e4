"""Under more load than the service can take, accepted requests are fast and the rest gets 503; large batches wait."""

import asyncio
import json
import time
from contextlib import contextmanager
from statistics import median, quantiles

import pytest
from cd4ml.bundle.bundle import Bundle
from running_service import serving

WAITING = 8  # MAX_WAITING
STALL = 0.5  # seconds for which a machine that others use, too, may give the service no processor


class Client:
    """Sends requests over connections that it keeps."""

    def __init__(self, url):
        self._port, self._free = int(url.rpartition(":")[2]), []

    async def request(self, message):
        """Send a request; return the status and the headers of the response."""
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(message)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        (length,) = [line.split(": ")[1] for line in head.split("\r\n") if line.startswith("content-length")]
        await reader.readexactly(int(length))
        self._free.append((reader, writer))
        return int(head.split(" ")[1]), head

    async def close(self):
        for _, writer in self._free:
            writer.close()


@contextmanager
def client_of(url):
    """Run coroutines with a client: `run(function, ...)` calls `function(client, ...)`."""
    with asyncio.Runner() as runner:
        client = Client(url)
        yield lambda function, *arguments: runner.run(function(client, *arguments))
        runner.run(client.close())


def post(bundle, rows, **others):
    row = bundle.contract.sample_row()
    body = json.dumps({"rows": [row] * rows, **others}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


HEALTH = b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n"


async def closed_loop(client, message, connections, seconds):
    """Send requests over some connections, each after the last answer; return the latencies of those that got 200."""
    end, latencies = time.perf_counter() + seconds, []

    async def one():
        while (started := time.perf_counter()) < end:
            status, _ = await client.request(message)
            if status == 200:
                latencies.append(time.perf_counter() - started)

    await asyncio.gather(*(one() for _ in range(connections)))
    return latencies


async def bursts(client, message, rate, seconds, size):
    """Send a rate of requests, `size` of them at once, whatever the service does; return status, head and latency.

    What a client without processor time could not send in time is not made up for, which would be a higher rate.
    """
    replies, tasks = [], []

    async def one():
        started = time.perf_counter()
        status, head = await client.request(message)
        replies.append((status, head, time.perf_counter() - started))

    for _ in range(int(rate * seconds / size)):
        await asyncio.sleep(size / rate)
        tasks += [asyncio.create_task(one()) for _ in range(size)]
    await asyncio.gather(*tasks)
    return replies


def p99(latencies):
    return quantiles(latencies, n=100)[98]


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return Bundle.load(tiny_bundle)


def test_at_twice_the_sustainable_load_accepted_requests_are_as_fast_as_at_it_and_the_rest_is_503(tiny_bundle, bundle):
    """As many requests wait at either load, so that an accepted one takes as long; three times as long is for noise."""
    message = post(bundle, 100, explain=True)  # far more work for the service than for this client
    limits = {"MAX_WAITING": str(WAITING)}
    with serving(tiny_bundle, **limits) as (_, url), client_of(url) as run:
        usual = run(closed_loop, message, WAITING, 3)
        sustainable = len(usual) / 3
        replies, health = run(both, bursts, (message, 2 * sustainable, 4, 2 * WAITING), (HEALTH, 20, 4, 1))

    accepted = [latency for status, _, latency in replies if status == 200]
    rejected = [(head, latency) for status, head, latency in replies if status == 503]
    at_once = [latency for _, latency in rejected]
    noise = [latency for _, _, latency in health]  # what a request takes that hardly needs the service
    figures = (
        f"sustainable {sustainable:,.0f}/s, {in_ms(usual)}; at twice that: {len(accepted) / 4:,.0f}/s accepted, "
        f"{in_ms(accepted)}; {len(rejected) / 4:,.0f}/s rejected, {in_ms(at_once)}; "
        f"health checks meanwhile {in_ms(noise)}"
    )
    print(figures)
    assert len(accepted) + len(rejected) == len(replies)
    assert all("retry-after: 1\r\n" in head and "application/problem+json" in head for head, _ in rejected)
    assert len(rejected) > len(replies) * 0.3, figures  # half of them, if the machine were ours alone
    assert len(accepted) / 4 > sustainable / 4, figures
    assert median(accepted) < 3 * median(usual) + median(noise), figures
    for latencies in (accepted, at_once):  # without the limit, they wait for seconds
        assert p99(latencies) < 3 * p99(usual) + p99(noise) + STALL, figures
    assert {status for status, _, _ in health} == {200}


def in_ms(latencies):
    return f"p50 {median(latencies) * 1000:.0f} ms, p99 {p99(latencies) * 1000:.0f} ms"


async def both(client, function, first, second):
    """Call a function twice at the same time; return both results."""
    return await asyncio.gather(function(client, *first), function(client, *second))


def test_large_batches_do_not_block_small_requests(tiny_bundle, bundle):
    small, large = post(bundle, 1), post(bundle, 1000)
    with serving(tiny_bundle) as (_, url), client_of(url) as run:
        alone = run(closed_loop, small, 2, 2)
        beside, batches = run(both, closed_loop, (small, 2, 4), (large, 8, 4))

    figures = (
        f"1 row alone {len(alone) / 2:.0f}/s, p99 {p99(alone) * 1000:.1f} ms; beside {len(batches) / 4:.0f} large "
        f"batches/s {len(beside) / 4:.0f}/s, p99 {p99(beside) * 1000:.1f} ms"
    )
    print(figures)
    assert len(batches) > 20, figures
    one_batch, in_turns = 4 / len(batches), 2 * len(batches) / 8  # if they took turns with the large ones
    assert len(beside) > 2 * in_turns, figures
    assert median(beside) < 3 * one_batch, figures  # in turns, it would be eight


def test_too_many_large_batches_are_503(tiny_bundle, bundle):
    with serving(tiny_bundle, MAX_LARGE_BATCHES="1") as (_, url), client_of(url) as run:
        replies = run(bursts, post(bundle, 1000), 100, 1, 20)

    assert {status for status, _, _ in replies} == {200, 503}
    assert any("retry-after: 1" in head for _, head, _ in replies)
