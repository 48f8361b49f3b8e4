"""What is refused before there is a request is counted at GET /metrics by its reason, and is a line of the log."""

import json
import socket
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
from cd4ml.serving.client import call
from cd4ml.serving.refusals import MOST_LINES, REASONS
from logged_service import logged_service, wait_until
from prometheus_client.parser import text_string_to_metric_families

SECONDS = 1  # of REQUEST_TIMEOUT
DOWNLOAD = b"GET /docs/files/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 20  # 28 MB, more than buffers take


class Watched:
    """What a service refuses and logs from now on."""

    def __init__(self, service):
        self.service, self.url = service, f"http://127.0.0.1:{service.port}"
        self._refused, self._lines = self._counted(), len(self._all_lines())

    def _counted(self):
        replies = []
        wait_until(lambda: replies.append(call(self.url, "/metrics")) or replies[-1].status == 200)
        families = text_string_to_metric_families(replies[-1].body)
        (family,) = [family for family in families if family.name == "http_connections_refused"]
        return {sample.labels["reason"]: sample.value for sample in family.samples}

    def _all_lines(self):
        return [json.loads(line) for line in self.service.errors().splitlines()]

    def refused(self):
        """Return how many connections were refused, by reason."""
        counted = self._counted()
        assert counted.keys() == REASONS.keys()
        return {
            reason: count - self._refused[reason] for reason, count in counted.items() if count > self._refused[reason]
        }

    def lines(self):
        return self._all_lines()[self._lines :]

    def messages(self):
        return [line["message"] for line in self.lines()]


@contextmanager
def connections(service, count=1):
    """Open connections; yield them."""
    with ExitStack() as stack:
        address = ("127.0.0.1", service.port)
        yield [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(count)]


def send(service, content):
    """Send something over a connection, and read until the service closes it."""
    with connections(service) as (connection,), suppress(ConnectionError):  # it may be closed before all was sent
        connection.sendall(content)
        while connection.recv(65536):
            pass


@contextmanager
def download(service):
    """Ask for more than is read."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", service.port))
        connection.sendall(DOWNLOAD)
        yield


@pytest.fixture(scope="module")
def service(tiny_bundle, tmp_path_factory):
    with logged_service(tiny_bundle, tmp_path_factory.mktemp("service"), REQUEST_TIMEOUT=SECONDS) as service:
        yield service


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"hello\r\n\r\n", "not_http"),
        (b"GET /version HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n", "headers"),
        (b"GET /version HTTP/1.1\r\nX: " + b"y" * 400_000, "headers"),
        (b"GET /ver", "late"),
        (b"GET /version HTTP/1.1\r\nHost: x\r\n\r\nGET /ver", "late"),
        (b"GET /version HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", "late"),
        (b"", "silent"),
        (b"\r\n", "late"),
    ],
)
def test_a_refusal_is_counted_by_its_reason_and_is_one_line(service, sent, reason):
    watched = Watched(service)

    send(service, sent)

    assert watched.refused() == {reason: 1}
    wait_until(watched.lines)
    (line,) = watched.lines()
    assert (line["severity"], line["logger"]) == ("WARNING", "cd4ml.serving.refusals")
    assert line["message"] == REASONS[reason]


def test_a_client_that_does_not_read_is_one_line(service):
    watched = Watched(service)

    with download(service):
        wait_until(watched.refused)
        time.sleep(1.5)

    assert watched.refused() == {"unread": 1}
    assert watched.messages() == [REASONS["unread"]]


def test_a_client_that_leaves_while_it_is_answered_is_no_error(service):
    watched = Watched(service)

    with download(service):
        time.sleep(0.3)
    time.sleep(0.5)

    assert (watched.refused(), watched.messages()) == ({}, [])


def test_what_is_answered_is_no_refusal(service):
    watched, head = Watched(service), b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    send(service, head + b'Content-Length: 99\r\n\r\n{"rows"')  # late: 408 by the application, with a line of its own
    call(watched.url, "/predict", {"rows": [{}]})
    with connections(service) as (connection,):  # for which uvicorn would write two lines
        connection.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    with connections(service):  # as the check of a load balancer, which leaves at once
        pass
    time.sleep(SECONDS + 1.5)

    assert (watched.refused(), watched.messages()) == ({}, [])


def test_a_client_cannot_fill_the_log_with_refusals_and_all_of_them_are_counted(service):
    watched, started = Watched(service), time.monotonic()
    for _ in range(500):
        send(service, b"hello\r\n\r\n")
    seconds = time.monotonic() - started

    assert watched.refused() == {"not_http": 500}
    time.sleep(1.5)
    single = [message for message in watched.messages() if message == REASONS["not_http"]]
    summaries = [message for message in watched.messages() if message != REASONS["not_http"]]
    assert len(single) <= MOST_LINES * (seconds + 2)
    assert 1 <= len(summaries) <= seconds + 2
    assert all(message.startswith("refused or closed ") and message.endswith(" not_http") for message in summaries)
    assert len(single) + sum(int(message.split(" ")[3]) for message in summaries) == 500


def test_what_is_closed_since_too_many_connections_are_open_is_counted(tiny_bundle, tmp_path):
    with logged_service(tiny_bundle, tmp_path, MAX_CONNECTIONS=2) as service:
        watched = Watched(service)
        with connections(service, 2 + 50), connections(service) as (one_more,):
            assert one_more.recv(65536).startswith(b"HTTP/1.1 503 ")
        wait_until(lambda: "crowded" in watched.refused())
        with connections(service, 2) as both:
            for connection in both:
                connection.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: "idle" in watched.refused())
        found, messages = watched.refused(), watched.messages()

    assert found.keys() == {"crowded", "idle"}
    assert {reason: messages.count(REASONS[reason]) for reason in found} == found
