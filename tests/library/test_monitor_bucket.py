"""`cd4ml monitor` and `forget-id` of a log in a bucket that does not answer: one line, within a bounded time."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from cd4ml.cli import main
from cd4ml.prediction_log import read
from house_project import Project

pytestmark = pytest.mark.slow
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: uv sync --group slow")

ACCOUNT = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=http://{}/account"


@pytest.fixture(params=["silent", "slow", "failing"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that takes connections and says nothing, one byte in a while, or that it failed."""
    listener, stopped = socket.create_server(("127.0.0.1", 0)), threading.Event()
    connections: list[socket.socket] = []

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while connection.recv(65_536) and not stopped.is_set():
                if request.param == "failing":
                    connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
                if request.param == "slow":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                    while not stopped.wait(0.3):
                        connection.sendall(b" ")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connections.append(listener.accept()[0])
                threading.Thread(target=answer, args=(connections[-1],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    stopped.set()
    for each in (listener, *connections):
        each.close()


@pytest.mark.parametrize("verb", [["monitor"], ["forget-id", "new-1"]])
@pytest.mark.parametrize("url", ["s3://log/production", "gs://log/production", "az://log/production"])
def test_a_bucket_that_does_not_answer_is_one_line(
    projects_with_reports: dict[str, Project], server: str, url: str, verb: list[str], monkeypatch, capsys
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{server}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/nowhere",
        "STORAGE_EMULATOR_HOST": f"http://{server}",
        "AZURE_STORAGE_CONNECTION_STRING": ACCOUNT.format(server),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(read, "_ANSWER", 1.0)
    fsspec.filesystem(url.partition(":")[0]).clear_instance_cache()

    with projects_with_reports["binary"].inside():
        assert main([*verb, "--log", url]) == 1

    error = capsys.readouterr().err
    assert error.startswith(f"{verb[0]}: {url} ")
    assert error.count("\n") == 1
    assert "does not answer within 1 seconds" in error or "cannot be read" in error
