"""If the verb `track` cannot publish, it prints why in one line, without a password; so does the verb `mlflow`."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cd4ml.cli import main


@pytest.fixture
def start_server() -> Iterator[Callable[[int], str]]:
    """A function that starts a server and returns its address; the server always returns one status, or hangs if 0."""
    servers = []

    def start(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if status == 0:
                    stopped.wait(30)
                self.send_response(status or 200)
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - as the base class calls it

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://lovelace:s3cret%21word@127.0.0.1:{server.server_port}"

    stopped = threading.Event()
    yield start
    stopped.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "it denies access (401): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (403, "it denies access (403)"),
        (500, "it returned 500 several times"),
        (0, "no answer within 1 seconds"),
        (None, "Connection refused"),
    ],
)
def test_an_error_of_the_server_is_one_line_without_a_password(track, start_server, monkeypatch, status, reason):
    monkeypatch.setattr("cd4ml.tracking.address._TIMEOUT", 1.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    uri = "http://lovelace:s3cret%21word@127.0.0.1:9" if status is None else start_server(status)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    start = time.monotonic()
    output = track(fails=True)
    seconds = time.monotonic() - start
    output_after_training = track.after_training()

    assert reason in output
    assert uri.rpartition("@")[2] in output
    assert len([line for line in output.splitlines() if line.startswith("track: ")]) == 1
    assert "`make track` publishes it later" in output_after_training
    written = "".join(path.read_text() for path in (track.folder / ".mlflow").glob("*"))
    for secret in ("s3cret", "lovelace"):
        assert secret not in output + output_after_training + written
    assert seconds < 10


def test_a_server_of_mlflow_2_is_named_and_nothing_is_promised(track, monkeypatch):
    """It answers as MLflow 2.22 does: JSON about experiments, a page of HTML about models."""

    class Old(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = "logged-models" not in self.path
            experiment = {"experiment_id": "1", "name": "houses", "lifecycle_stage": "active", "artifact_location": "x"}
            answer = json.dumps({"experiment": experiment}) if known else "<!doctype html><title>404 Not Found</title>"
            requests.append(self.path)
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json" if known else "text/html")
            self.end_headers()
            self.wfile.write(answer.encode())

        do_POST = do_GET  # noqa: N815 - as the base class calls it

        def log_message(self, *_: object) -> None:
            pass

    requests: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Old) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        output, after_training = track(fails=True), track.after_training()
        server.shutdown()

    needed = "MLflow 3 is needed, and this is an older server, or another program"
    for printed in (output, after_training):
        (line,) = [line for line in printed.splitlines() if line.startswith("track: ")]
        assert f"127.0.0.1:{server.server_port}: {needed}" in line
    assert "later" not in after_training
    assert not [path for path in requests if "runs" in path]


def test_without_a_bundle_it_prints_what_makes_one(track):
    shutil.rmtree(track.folder / "models")

    assert "no bundle in models/bundle; run `make train`, which makes one" in track(fails=True)


def test_reports_of_another_bundle_are_not_published(track):
    card = track.folder / "reports/model-card.md"
    card.write_text("about another bundle")

    assert "reports does not describe models/bundle: `make train` evaluates it again" in track(fails=True)


def test_the_verb_mlflow_needs_a_database_or_prints_the_address_of_a_server(track, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///absent.db")
    with chdir(track.folder):
        assert main(["mlflow"]) == 1
        assert "nothing was published to absent.db yet" in capsys.readouterr().err
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://lovelace:secret@mlflow.example.org/")
        assert main(["mlflow"]) == 0
        assert capsys.readouterr().out.strip() == "MLflow's page is at https://mlflow.example.org"
