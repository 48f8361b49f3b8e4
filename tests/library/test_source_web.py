"""A file is downloaded over HTTP whole or not at all, however often the connection breaks."""

import socket
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cd4ml.errors import DataError
from cd4ml.http import client, exchange
from cd4ml.settings.params import DataParams
from cd4ml.source import web
from cd4ml.source.read import read_source

ROWS = 5000
CSV = b"n,text\n" + b"".join(b"%d,row number %d\n" % (n, n) for n in range(ROWS))


class Server(ThreadingHTTPServer):
    """Answers with a file, and fails as a test configures it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = CSV
        self.drops = 0  # number of answers that break, each after another third of the file
        self.answers: list[int] = []  # statuses to answer instead of the file, one for each request
        self.headers: dict[str, str] = {"ETag": '"1"', "Content-Type": "text/csv"}
        self.ranges = True
        self.length = True
        self.changes = False  # whether each answer is of a newer version of the file
        self.silent = False  # whether it does not answer
        self.requests: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        at = self.server
        at.requests.append(dict(self.headers))
        if at.silent:
            time.sleep(1)
            return
        if at.answers:
            self.send_response(at.answers.pop(0))
            self.send_header("Location", "http://example.org/elsewhere.csv")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if at.changes:
            at.headers["ETag"] = f'"{len(at.requests)}"'
            at.body = CSV.replace(b"row", b"r%02d" % len(at.requests))
        wanted = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-")
        start = int(wanted) if at.ranges and self.headers.get("If-Range") in (None, at.headers.get("ETag")) else 0
        self.send_response(206 if start else 200)
        for name, value in at.headers.items():
            self.send_header(name, value)
        if at.length:
            self.send_header("Content-Length", str(len(at.body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(at.body) - 1}/{len(at.body)}")
        self.end_headers()
        end = len(at.body)
        if at.drops:
            at.drops -= 1
            end = min(end - 1, start + len(at.body) // 3)
        self.wfile.write(at.body[start:end])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(client, "PAUSE", 0.01)
    with Server() as started:
        threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield started
        started.shutdown()


def rows(source: str) -> list[str]:
    return read_source(DataParams(source=source)).rows["text"].tolist()


def error_of(source: str) -> str:
    """Return the error, with its traceback, of a source that cannot be read."""
    with pytest.raises(DataError) as error:
        rows(source)
    assert len(str(error.value).splitlines()) == 1
    assert list(Path("data").iterdir()) == []  # no part of a file is left
    return "".join(traceback.format_exception(error.value))


def test_a_broken_connection_is_resumed_where_it_stopped(server):
    server.drops = 2

    assert rows(f"{server.url}/rows.csv") == [f"row number {n}" for n in range(ROWS)]
    third = len(CSV) // 3
    assert [request.get("Range") for request in server.requests] == [None, f"bytes={third}-", f"bytes={2 * third}-"]


@pytest.mark.parametrize("trait", ["no ranges", "no version"])
def test_a_download_that_cannot_be_resumed_starts_again(server, trait):
    server.drops = 2
    if trait == "no ranges":
        server.ranges = False
    else:
        del server.headers["ETag"]

    assert rows(f"{server.url}/rows.csv") == [f"row number {n}" for n in range(ROWS)]
    assert len(server.requests) == 3


def test_parts_of_two_versions_are_never_joined(server):
    server.drops, server.changes = 3, True

    assert {text[:3] for text in rows(f"{server.url}/rows.csv")} == {"r04"}


def test_a_download_that_always_breaks_fails_after_the_last_attempt(server):
    server.drops, server.ranges = 1000, False

    error = error_of(f"{server.url}/rows.csv")

    reason = "the connection broke before the answer was complete; try again later"
    assert f"/rows.csv could not be downloaded in {web.ATTEMPTS} attempts: {reason}" in error
    assert len(server.requests) == web.ATTEMPTS


def test_a_busy_server_is_tried_again(server):
    server.answers = [503, 429]

    assert len(rows(f"{server.url}/rows.csv")) == ROWS


@pytest.mark.parametrize(
    ("status", "message", "requests"),
    [
        (404, "there is no such file (the server answers 404)", 1),
        (403, "access denied; check the credentials in the environment", 1),
        (401, "the server requires credentials; check those in the environment", 1),
        (418, "it cannot be read (the server answers 418)", 1),
        (500, "attempts: the server answers 500; try again later", web.ATTEMPTS),
        (302, "redirects to an address that is not https, which is rejected", 1),
    ],
)
def test_an_error_status_is_explained(server, status, message, requests):
    server.answers = [status] * 10

    assert message in error_of(f"{server.url}/rows.csv")
    assert len(server.requests) == requests


def test_an_answer_without_a_length_is_rejected(server):
    server.length = False

    assert "does not send the file's length" in error_of(f"{server.url}/rows.csv")


def test_a_login_page_is_not_read_as_a_table(server):
    server.headers["Content-Type"] = "text/html; charset=utf-8"

    assert "returns a web page, not a table" in error_of(f"{server.url}/rows.csv")


def test_the_format_is_recognised_without_a_suffix(server):
    assert len(rows(f"{server.url}/export?format=csv")) == ROWS


def test_a_server_that_does_not_answer_times_out(server, monkeypatch):
    monkeypatch.setattr(exchange, "SILENCE", 0.1)
    server.silent = True

    assert f"could not be downloaded in {web.ATTEMPTS} attempts: no answer within 0.1 seconds" in error_of(
        f"{server.url}/rows.csv"
    )


def test_credentials_come_from_the_environment_and_are_not_shown(server, monkeypatch):
    monkeypatch.setenv("TOKEN", "t0k/n@x:y")
    monkeypatch.setenv("SIGNATURE", "s1gn%2Fature")
    source = server.url.replace("//", "//me:${TOKEN}@") + "/rows.csv?sig=${SIGNATURE}"

    assert len(rows(source)) == ROWS
    assert server.requests[0]["Authorization"] == f"Basic {b64encode(b'me:t0k/n@x:y').decode()}"

    for status in (403, 500, 302):
        server.answers = [status] * 10
        error = error_of(source)
        assert f"me:${{TOKEN}}@127.0.0.1:{server.server_port}/rows.csv?sig=${{SIGNATURE}}" in error
        assert "t0k" not in error
        assert "s1gn" not in error


def test_an_unknown_host_from_the_environment_is_not_shown(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setenv("HOST", "no-such-host.invalid")

    error = error_of("https://${HOST}/rows.csv")

    assert "https://${HOST}/rows.csv: its host is unknown; fix data.source in params.yaml" in error
    assert "no-such-host" not in error


@pytest.mark.parametrize("source", ["https://no-such-host.invalid/rows.csv", "http://127.0.0.1:9/rows.csv"])
def test_an_unreachable_host_is_reported_in_one_line(source, monkeypatch):
    monkeypatch.setattr(client, "PAUSE", 0.01)

    assert source in error_of(source)
