"""Slow clients, endless headers and too many connections are closed in time, and the service answers meanwhile."""

import json
import socket
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.client import call
from running_service import serving

SECONDS = 2  # of REQUEST_TIMEOUT
HEAD = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def body(tiny_bundle):
    return {"rows": [Bundle.load(tiny_bundle).contract.sample_row()]}


@pytest.fixture(scope="module")
def url(tiny_bundle):
    with serving(tiny_bundle, REQUEST_TIMEOUT=str(SECONDS)) as (_, url):
        yield url


def connect(url):
    return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30)


def read_all(connection):
    """Return what arrives until the service closes the connection."""
    received = b""
    try:
        while part := connection.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


def ask(url, text):
    with connect(url) as connection:
        connection.sendall(text.encode())
        return read_all(connection).decode()


@contextmanager
def latencies(url, body):
    """Send predictions, one after the other, while the block runs; yield the list of the seconds that each took."""
    seconds, ended = [], threading.Event()

    def send():
        while not ended.is_set():
            started = time.perf_counter()
            assert call(url, "/predict", body).status == 200
            seconds.append(time.perf_counter() - started)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield seconds
    finally:
        ended.set()
        thread.join()


def test_300_requests_that_are_half_sent_are_closed_in_time_and_others_are_answered(url, body):
    halves = {"": b"", "GET /ver": b"408", HEAD: b"408", f'{HEAD}Content-Length: 99\r\n\r\n{{"rows"': b"408"}
    with ExitStack() as stack:
        started = time.monotonic()
        connections = [(stack.enter_context(connect(url)), half) for half in halves for _ in range(75)]
        for connection, half in connections:
            connection.sendall(half.encode())
        with latencies(url, body) as seconds:
            for connection, half in connections:
                received = read_all(connection)
                status = received.split(b" ")[1] if received else b""
                assert status == halves[half], (half, received)
        elapsed = time.monotonic() - started

    assert SECONDS - 0.5 < elapsed < SECONDS + 8
    assert len(seconds) > 20
    assert max(seconds) < 2


@pytest.mark.parametrize("start", ["GET /version HTTP/1.1\r\nX: ", f"{HEAD}Content-Length: 99999\r\n\r\n", "\r\n"])
def test_a_client_that_sends_a_byte_now_and_then_is_closed_too(url, start):
    with connect(url) as connection:
        started = time.monotonic()
        connection.sendall(start.encode())
        connection.settimeout(0.2)
        closed = False
        while not closed and time.monotonic() - started < SECONDS + 8:
            try:
                connection.sendall(b"\r\n" if start == "\r\n" else b" ")
                closed = connection.recv(65536) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True

    assert closed


def test_the_answer_to_a_body_that_is_late_is_a_problem_document(url):
    reply = ask(url, f'{HEAD}X-Request-ID: r-1\r\nContent-Length: 99\r\n\r\n{{"rows"')

    head, _, text = reply.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 408 ")
    assert "\r\nconnection: close" in head.lower()
    assert json.loads(text)["request_id"] == "r-1"
    assert "not complete in time" in json.loads(text)["detail"]


def test_a_client_that_does_not_read_is_closed(url):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        connection.sendall(b"GET /docs/files/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        time.sleep(SECONDS + 4)
        assert len(read_all(connection)) < 20_000_000  # of 28 MB


@pytest.mark.parametrize(
    "headers", ["X: y\r\n" * 101, f"X: {'y' * 400_000}\r\n", f"{'x' * 400_000}: y\r\n"], ids=["many", "value", "name"]
)
def test_too_many_or_too_long_headers_are_431(url, headers):
    with connect(url) as connection:
        try:
            connection.sendall(f"GET /version HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        except OSError:  # the service has closed the connection before all of it was sent
            return
        received = read_all(connection)

    assert received.startswith(b"HTTP/1.1 431 ") or received == b""


def test_headers_within_the_limits_are_accepted(url):
    accepted = "X: y\r\n" * 98 + f"Y: {'y' * 20_000}\r\n"

    assert "HTTP/1.1 200 OK" in ask(url, f"GET /version HTTP/1.1\r\nConnection: close\r\n{accepted}\r\n")


def test_endless_headers_are_cut_off_before_the_time_is_over(url):
    started, sent = time.monotonic(), 0
    with connect(url) as connection:
        try:
            connection.sendall(b"GET /version HTTP/1.1\r\n")
            while sent < 100_000_000:
                connection.sendall(b"X: " + b"y" * 10_000)
                sent += 10_000
        except OSError:
            pass

    assert sent < 10_000_000  # with what the sockets' buffers take
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize("kind", ["trailers", "one trailer", "extension of a chunk"])
def test_what_is_neither_head_nor_body_is_cut_off(url, kind):
    began = "2;" if kind == "extension of a chunk" else "2\r\n{}\r\n0\r\nX: y"
    piece = b"y" * 10_000 if kind != "trailers" else b"\r\nX: " + b"y" * 10_000
    sent = 0
    with connect(url) as connection:
        try:
            connection.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{began}".encode())
            while sent < 100_000_000:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass

    assert sent < 10_000_000  # with what the sockets' buffers take


def test_trailers_are_no_headers_of_the_request(url):
    trailers = "Authorization: Bearer a\r\nX-Request-ID: trailer\r\n"
    text = ask(url, f"{HEAD}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{{}}\r\n0\r\n{trailers}\r\n")

    assert text.startswith("HTTP/1.1 422 ")
    assert "x-request-id: trailer" not in text


def test_a_body_in_chunks_of_one_byte_is_accepted(url, body):
    content = json.dumps({**body, "explain": False}).ljust(100_000)
    chunks = "".join(f"1\r\n{letter}\r\n" for letter in content)

    answer = ask(url, f"{HEAD}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunks}0\r\n\r\n")

    assert answer.startswith("HTTP/1.1 200 ")


def test_what_is_not_http_is_a_problem_document(url):
    head, _, text = ask(url, "hello\r\n\r\n").partition("\r\n\r\n")

    assert head.startswith("HTTP/1.1 400 ")
    assert "x-content-type-options: nosniff" in head
    assert json.loads(text)["status"] == 400


def test_beyond_the_limit_of_connections_only_health_checks_are_answered_until_idle_ones_are_closed(tiny_bundle, body):
    def status(url, path):
        method = "GET" if path.startswith("/health") else "POST"
        content = json.dumps(body)
        kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        rest = f"{kind}\r\n{content}" if method == "POST" else "\r\n"
        reply = ask(url, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{rest}")
        return reply.split(" ")[1] if reply else ""

    with serving(tiny_bundle, MAX_CONNECTIONS="20", REQUEST_TIMEOUT="3") as (_, url), ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connect(url))
        time.sleep(0.3)
        assert status(url, "/predict") == "503"
        reply = ask(url, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").lower()
        assert reply.startswith("http/1.1 503 ")
        assert "retry-after: 1\r\n" in reply
        assert "connection: close\r\n" in reply  # though it was not asked for
        assert status(url, "/health/ready") == "200"
        time.sleep(6)
        assert status(url, "/predict") == "200"

        idle = [stack.enter_context(connect(url)) for _ in range(20)]
        for connection in idle:
            connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(2.5)
        assert status(url, "/predict") == "200"

        many = [stack.enter_context(connect(url)) for _ in range(90)]
        assert any(read_all(connection).startswith(b"HTTP/1.1 503 ") for connection in many)
