"""Hostile requests to a real process: no 5xx, no hang, no traceback in an answer, and memory returns to where it was.

Each case is sent as bytes on a connection of its own, since no client library would send most of them.
"""

import contextlib
import json
import random
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from cd4ml.bundle.bundle import Bundle
from running_service import serving

pytestmark = pytest.mark.slow

MOST_BYTES = 1024 * 1024  # MAX_BYTES
LONGEST = 20  # seconds in which a complete request must be answered
MORE_MEMORY = 48 * 1024 * 1024  # bytes that may stay: the allocator's arenas, caches

VALUES = {
    "huge number": [
        *(
            b"1e400",
            b"-1e400",
            b"1e-400",
            b"1" * 5000,
            b"-" + b"9" * 100_000,
            b"0." + b"3" * 100_000,
            b"1e9999999999999",
        ),
        *(b"9" * 4299, b"9" * 4301, b"1E+308", b"3.5e38", b"18446744073709551616", b"-9223372036854775809"),
    ],
    "no number": [
        *(b"NaN", b"Infinity", b"-Infinity", b"nan", b"0x10", b"01", b"+1", b"1.", b".5", b"1e", b"--1", b"1_000"),
        b"\xef\xbc\x91",
    ],
    "nesting": [
        *(b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
        *(b'[{"a":' * 20_000, b"[" * 900 + b"]" * 900, b"]" * 1000, b"{" * 1000, b"[{}" * 20_000),
    ],
    "text": [
        *(b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xc3\x28"', b'"\x00"'),
        *(
            b'"\\u0000"',
            b'"' + b"x" * 1_000_000 + b'"',
            b'"' + b"\\u00e9" * 150_000 + b'"',
            b'"\\x41"',
            b'"\\u12"',
            b'"',
        ),
        *(b'"\n"', b'"\xf8\x88\x80\x80"', b'"\xc0\xaf"', b'"%s%n%x{}{0.__class__}"', b'"<script>alert(1)</script>"'),
        *(b'"\'; DROP TABLE houses; --"', b'"\xe2\x80\xae"'),
    ],
    "structure": [
        *(
            b"",
            b"{",
            b"}",
            b"null",
            b"true",
            b"tru",
            b"[1,]",
            b'{"a":1,}',
            b"/* no */ 1",
            b"'x'",
            b"undefined",
            b'{"a"}',
        ),
        *(b"1 2", b'{"__class__": "os.system"}', b"[null]", b'{"a": {"b": {"c": []}}}', b"\x00", b"\xef\xbb\xbf1"),
    ],
}


@pytest.fixture(scope="module")
def row(tiny_bundle):
    return Bundle.load(tiny_bundle).contract.sample_row()


@pytest.fixture(scope="module")
def service(tiny_bundle):
    with serving(tiny_bundle) as (process, url):
        yield process, int(url.rpartition(":")[2])


def memory_of(process):
    """Return the resident memory of a process in bytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    (kilobytes,) = (int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kilobytes * 1024


def request(body, *headers, method="POST", path="/predict", length=None):
    """Return the bytes of a request with a JSON body; its length may be a lie."""
    size = len(body) if length is None else length
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {size}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def exchange(port, *parts, half_close=True, pause=0.0):
    """Send bytes and, unless `half_close` is false, the end of the stream; return what was answered until it closes.

    The end of the stream is for incomplete requests: uvicorn may close before it answers a complete one.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as connection:
        with contextlib.suppress(OSError):  # the service closes a connection if it will not read the rest
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
    return received


def statuses_of(answer):
    """Return the statuses of the responses in what was received, after checking that none shows the service's code."""
    assert b"Traceback" not in answer
    assert b".py" not in answer
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def is_healthy(port):
    ready = request(b"", "Connection: close", method="GET", path="/health/ready")
    return statuses_of(exchange(port, ready, half_close=False)) == [200]


def bodies(row):
    """Yield a name and the bytes of each hostile body."""
    text = json.dumps({"rows": [row]})
    for kind, values in VALUES.items():
        for number, value in enumerate(values):
            for column in row:
                changed = json.dumps({"rows": [row | {column: "HERE"}]}).encode().replace(b'"HERE"', value)
                yield f"{kind} {number} as {column}", changed
            yield f"{kind} {number} as row", b'{"rows": [%s]}' % value
            yield f"{kind} {number} as rows", b'{"rows": %s}' % value
            yield f"{kind} {number} as body", value
            yield f"{kind} {number} as explain", text.encode()[:-1] + b', "explain": %s}' % value
            yield f"{kind} {number} after", text.encode() + value
    for column in row:
        yield f"{column} twice", text.encode().replace(b'{"rows": [{', b'{"rows": [{"%s": null, ' % column.encode())
        yield f"a column like {column}", text.replace(f'"{column}"', f'"{column}\\u0000"').encode()
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037", "utf-8-sig"):
        yield encoding, text.encode(encoding)
    for size in range(0, len(text), 2):
        yield f"{size} bytes", text.encode()[:size]
    yield "a byte too many", text.encode() + b" " * (MOST_BYTES + 1 - len(text.encode()))
    yield "10 MB", json.dumps({"rows": [row | {"street": "x" * 10_000_000}]}).encode()
    yield "many rows", json.dumps({"rows": [row] * 1001}).encode()
    yield "many empty rows", b'{"rows": [' + b"{}," * 300_000 + b"{}]}"
    yield "many keys", json.dumps({"rows": [{f"k{number}": 1 for number in range(50_000)}]}).encode()
    yield "one key often", b'{"rows": [{' + b'"size": 1,' * 90_000 + b'"size": 1}]}'


def flipped(row, cases):
    """Yield valid bodies in which some bytes were changed, removed or repeated."""
    chance, valid = random.Random(7), json.dumps({"rows": [row, row]}).encode()
    for number in range(cases):
        body = bytearray(valid)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(body))
            match chance.randrange(3):
                case 0:
                    body[at] = chance.randrange(256)
                case 1:
                    del body[at : at + chance.randint(1, 30)]
                case _:
                    body[at:at] = body[at : at + chance.randint(1, 30)] * chance.randint(1, 4)
        yield f"changed {number}", bytes(body)


def test_no_body_makes_the_service_fail(service, row, capsys):
    process, port = service
    for _ in range(20):
        exchange(port, request(json.dumps({"rows": [row] * 1000}).encode(), "Connection: close"), half_close=False)
    before, counts = memory_of(process), {}

    for name, body in [*bodies(row), *flipped(row, 3000)]:
        began = time.monotonic()
        (status,) = statuses_of(exchange(port, request(body, "Connection: close"), half_close=False)) or (None,)
        assert time.monotonic() - began < LONGEST, name
        assert status in ((200, 400, 413, 422) if len(body) <= MOST_BYTES else (413, None)), name  # None: it was reset
        counts[status] = counts.get(status, 0) + 1

    assert is_healthy(port)
    after = memory_of(process)
    with capsys.disabled():
        sizes = f"{before / 2**20:.0f} MB before, {after / 2**20:.0f} MB after"
        print(f"\n{sum(counts.values())} hostile bodies, by status {dict(sorted(counts.items(), key=str))}; {sizes}")
    assert sum(counts.values()) > 3500
    assert {200, 400, 413, 422} <= set(counts)
    assert after - before < MORE_MEMORY


def test_no_head_makes_the_service_fail(service, row, capsys):
    _, port = service
    body = json.dumps({"rows": [row]}).encode()
    plain = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    chunked = plain + b"Transfer-Encoding: chunked\r\n\r\n"
    heads = {
        "no head": b"\r\n\r\n",
        "no HTTP": b"hello\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00" * 30,
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "HTTP/9": b"GET / HTTP/9.9\r\n\r\n",
        "HTTP/0.9": b"GET /\r\n",
        "no host": b"GET /version HTTP/1.1\r\n\r\n",
        "absolute": b"GET http://x/version HTTP/1.1\r\nHost: x\r\n\r\n",
        "long path": b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 200_000),
        "dots": b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        "percent": b"GET /%00%ff%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
        "bad percent": b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "no colon": plain + b"nonsense\r\n\r\n",
        "long header": plain + b"X-A: %s\r\n\r\n" % (b"a" * 500_000),
        "many headers": plain + b"X-A: b\r\n" * 20_000 + b"\r\n",
        "endless header": plain + b"X-A: " + b"a" * 2_000_000,
        "null in header": plain + b"X-A: \x00\r\n\r\n",
        "bad bytes": plain + b"X-\xff: \xff\r\n\r\n",
        "folded": plain + b"X-A: b\r\n c\r\n\r\n",
        "space": plain + b"X-A : b\r\n\r\n",
        "length -1": plain + b"Content-Length: -1\r\n\r\n" + body,
        "length x": plain + b"Content-Length: x\r\n\r\n" + body,
        "huge length": plain + b"Content-Length: %s\r\n\r\n" % (b"9" * 4000) + body,
        "no length": plain + b"\r\n" + body,
        "two lengths": plain + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n" + body,
        "length and chunks": request(body, "Transfer-Encoding: chunked"),
        "chunks twice": plain + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
        "too long": request(body, length=len(body) + 50),
        "too short": request(body, length=len(body) - 50),
        "chunk x": chunked + b"x\r\n",
        "chunk -1": chunked + b"-1\r\n",
        "chunk huge": chunked + b"f" * 40 + b"\r\n",
        "chunks end": chunked + b'5\r\n{"row',
    }
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "POſT", "X" * 5000):
        for path in (
            "/predict",
            "/metrics",
            "/version",
            "/docs",
            "/",
            "*",
            "//",
            "/predict?x=" + "y" * 5000,
            "/PREDICT",
        ):
            line = (
                f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: POST\r\nContent-Length: 2\r\n\r\n{{}}"
            )
            heads[f"{method[:9]} {path[:12]}"] = line.encode()
    for number in range(100):
        damaged = bytearray(request(body, "Connection: close", "X-Request-ID: a", "traceparent: 00-1-2-3"))
        for at in random.Random(number).sample(range(80), 3):
            damaged[at] = random.Random(at * number).randrange(256)
        heads[f"damaged {number}"] = bytes(damaged)
    counts = {}

    for name, head in heads.items():
        began = time.monotonic()
        statuses = statuses_of(exchange(port, head))
        assert time.monotonic() - began < LONGEST, name
        assert all(200 <= status < 500 for status in statuses), (name, statuses)
        for status in statuses or [None]:
            counts[status] = counts.get(status, 0) + 1

    assert is_healthy(port)
    with capsys.disabled():
        print(f"\n{len(heads)} hostile heads, by status {dict(sorted(counts.items(), key=str))}")


def test_requests_in_one_stream_are_each_answered_in_order(service, row):
    _, port = service
    good, bad = json.dumps({"rows": [row]}).encode(), b'{"rows": [NaN]}'
    parts = [request(good if number % 2 else bad) for number in range(40)]
    close = request(b"", "Connection: close", method="GET", path="/health/live")

    assert statuses_of(exchange(port, b"".join(parts) + close, half_close=False)) == [400, 200] * 20 + [200]


def test_a_body_in_small_late_chunks_is_answered(service, row):
    _, port = service
    body = json.dumps({"rows": [row]}).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[at : at + 7] for at in range(0, len(body), 7))]

    assert statuses_of(exchange(port, head, *chunks, b"0\r\n\r\n", pause=0.02)) == [200]


def test_clients_that_send_half_a_request_do_not_keep_others_waiting(service, row, capsys):
    process, port = service
    body = json.dumps({"rows": [row]}).encode()
    before = memory_of(process)
    half = request(body + b" " * 100_000)[:-60_000]
    waiting = [socket.create_connection(("127.0.0.1", port), timeout=LONGEST) for _ in range(200)]
    try:
        for number, connection in enumerate(waiting):
            connection.sendall(half if number % 2 else half[:30])
        began = time.monotonic()
        for _ in range(50):
            assert statuses_of(exchange(port, request(body, "Connection: close"), half_close=False)) == [200]
        took = time.monotonic() - began
    finally:
        for connection in waiting:
            connection.close()
    assert took < LONGEST
    open_files = Path(f"/proc/{process.pid}/fd")
    deadline = time.monotonic() + LONGEST
    while len(list(open_files.iterdir())) > 100 and time.monotonic() < deadline:
        time.sleep(0.1)

    assert len(list(open_files.iterdir())) <= 100
    with capsys.disabled():
        print(f"\n50 requests beside 200 half-sent ones: {took:.2f} s; {(memory_of(process) - before) / 2**20:+.0f} MB")
    assert memory_of(process) - before < MORE_MEMORY


def test_many_hostile_clients_at_once(service, row):
    process, port = service
    before, failures = memory_of(process), []
    bad = [body for _, body in flipped(row, 40)] + [b"[" * 100_000, b'"' + b"x" * 1_000_000 + b'"', b"1" * 900_000]

    def client():
        for body in bad:
            statuses = statuses_of(exchange(port, request(body, "Connection: close"), half_close=False))
            if not set(statuses) <= {200, 400, 413, 422} or not statuses:
                failures.append((statuses, body[:100]))

    threads = [threading.Thread(target=client) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert not any(thread.is_alive() for thread in threads)
    assert failures == []
    assert is_healthy(port)
    assert memory_of(process) - before < MORE_MEMORY
