"""A file comes over HTTP whole or not at all, however often the connection breaks off."""

import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.source import web
from cd4ml.source.read import read_source

ROWS = 5000
CSV = b"n,text\n" + b"".join(b"%d,row number %d\n" % (n, n) for n in range(ROWS))


class Server(ThreadingHTTPServer):
    """Answers with a file, and misbehaves as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = CSV
        self.drops = 0  # how many more answers break off, a third of the file further each time
        self.answers: list[int] = []  # statuses instead of the file, one a request
        self.headers: dict[str, str] = {"ETag": '"1"', "Content-Type": "text/csv"}
        self.ranges = True
        self.length = True
        self.changes = False  # whether each answer is of a newer file
        self.silent = False
        self.asked: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        at = self.server
        at.asked.append(dict(self.headers))
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
            at.headers["ETag"] = f'"{len(at.asked)}"'
            at.body = CSV.replace(b"row", b"r%02d" % len(at.asked))
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
    monkeypatch.setattr(web, "PAUSE", 0.01)
    with Server() as started:
        threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield started
        started.shutdown()


def rows(source: str) -> list[str]:
    return read_source(DataParams(source=source))["text"].tolist()


def refused(source: str) -> str:
    with pytest.raises(DataError) as refusal:
        rows(source)
    assert len(str(refusal.value).splitlines()) == 1
    assert list(Path("data").iterdir()) == []  # nothing half-read is left
    return "".join(traceback.format_exception(refusal.value))


def test_a_connection_that_breaks_off_is_taken_up_where_it_ended(server):
    server.drops = 2

    assert rows(f"{server.url}/rows.csv") == [f"row number {n}" for n in range(ROWS)]
    third = len(CSV) // 3
    assert [asked.get("Range") for asked in server.asked] == [None, f"bytes={third}-", f"bytes={2 * third}-"]


@pytest.mark.parametrize("trait", ["no ranges", "no name for this version"])
def test_where_that_cannot_be_it_begins_again(server, trait):
    server.drops = 2
    if trait == "no ranges":
        server.ranges = False
    else:
        del server.headers["ETag"]

    assert rows(f"{server.url}/rows.csv") == [f"row number {n}" for n in range(ROWS)]
    assert len(server.asked) == 3


def test_parts_of_two_versions_are_never_put_together(server):
    server.drops, server.changes = 3, True

    assert {text[:3] for text in rows(f"{server.url}/rows.csv")} == {"r04"}


def test_one_that_always_breaks_off_is_given_up_after_some_attempts(server):
    server.drops, server.ranges = 1000, False

    said = refused(f"{server.url}/rows.csv")

    assert f"/rows.csv could not be fetched in {web.ATTEMPTS} attempts: it broke off after" in said
    assert len(server.asked) == web.ATTEMPTS


def test_a_server_that_is_busy_is_asked_again(server):
    server.answers = [503, 429]

    assert len(rows(f"{server.url}/rows.csv")) == ROWS


@pytest.mark.parametrize(
    ("status", "said", "times"),
    [
        (404, "there is no such file (the server answers 404)", 1),
        (403, "it refuses: are the credentials in the environment right, and not expired?", 1),
        (401, "it wants credentials: are those in the environment right?", 1),
        (418, "it cannot be read (the server answers 418)", 1),
        (500, "attempts: the server answers 500; try again later", web.ATTEMPTS),
        (302, "sends on to an address that is not https, which is not followed", 1),
    ],
)
def test_an_answer_that_is_no_file_is_explained(server, status, said, times):
    server.answers = [status] * 10

    assert said in refused(f"{server.url}/rows.csv")
    assert len(server.asked) == times


def test_an_answer_whose_end_cannot_be_known_is_refused(server):
    server.length = False

    assert "does not say how long the file is" in refused(f"{server.url}/rows.csv")


def test_a_page_to_log_in_is_not_taken_for_a_table(server):
    server.headers["Content-Type"] = "text/html; charset=utf-8"

    assert "answers with a web page, not a table" in refused(f"{server.url}/rows.csv")


def test_the_format_is_seen_where_the_address_does_not_say_it(server):
    assert len(rows(f"{server.url}/export?format=csv")) == ROWS


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(server, monkeypatch):
    monkeypatch.setattr(web, "SILENCE", 0.1)
    server.silent = True

    assert f"could not be fetched in {web.ATTEMPTS} attempts: timed out" in refused(f"{server.url}/rows.csv")


def test_credentials_come_from_the_environment_and_are_not_shown(server, monkeypatch):
    monkeypatch.setenv("TOKEN", "t0k/n@x:y")
    monkeypatch.setenv("SIGNATURE", "s1gn%2Fature")
    source = server.url.replace("//", "//me:${TOKEN}@") + "/rows.csv?sig=${SIGNATURE}"

    assert len(rows(source)) == ROWS
    assert server.asked[0]["Authorization"] == f"Basic {b64encode(b'me:t0k/n@x:y').decode()}"

    for status in (403, 500, 302):
        server.answers = [status] * 10
        said = refused(source)
        assert f"me:${{TOKEN}}@127.0.0.1:{server.server_port}/rows.csv?sig=${{SIGNATURE}}" in said
        assert "t0k" not in said
        assert "s1gn" not in said


@pytest.mark.parametrize("source", ["https://no-such-host.invalid/rows.csv", "http://127.0.0.1:9/rows.csv"])
def test_a_host_that_is_not_there_is_said_in_one_line(source, monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0.01)

    assert source in refused(source)
