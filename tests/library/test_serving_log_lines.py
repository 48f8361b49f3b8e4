"""The service's log: a line for each request, with lineage and without anything secret; a log never fails a request."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import datetime

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.client import call

KEY = "a-key-that-nobody-may-see"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@contextmanager
def serving(bundle, stderr, **environment):
    """Run the service with its log in a file or a pipe; yield the process and the URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cd4ml", "serve", "--port", "0"],
        env=os.environ | {"MODEL_BUNDLE": str(bundle)} | environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert "/docs" in line
        yield process, line.split()[-1].removesuffix("/docs")
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture
def body(tiny_bundle):
    return {"rows": [Bundle.load(tiny_bundle).contract.sample_row()]}


def request(url, path, body=None, **headers):
    """Send a request with curl, which takes any header; return the status."""
    command = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", url + path]
    command += [part for name, value in headers.items() for part in ("-H", f"{name.replace('_', '-')}: {value}")]
    command += ["-d", json.dumps(body), "-H", "Content-Type: application/json"] if body else []
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def log(tiny_bundle, tmp_path, body):
    """The lines of a service with a key, after some requests; the text that they are read from."""
    file = tmp_path / "log"
    with file.open("w") as stream, serving(tiny_bundle, stream, SERVICE_API_KEYS=KEY) as (_, url):
        parent = f"00-{TRACE}-00f067aa0ba902b7-01"
        key = {"Authorization": f"Bearer {KEY}"}
        assert request(url, "/predict?name=Ada", body, X_Request_ID="r-1", traceparent=parent, **key) == "200"
        assert request(url, "/predict", body, X_Request_Kind="smoke", **key) == "200"
        assert request(url, "/predict", {"rows": [{"size": "secret-size"}]}, **key) == "422"
        assert request(url, "/predict", body, Authorization="Bearer another-key") == "401"
        assert request(url, "/nowhere%0Aelse", X_Request_Kind="none", **key) == "404"
        assert request(url, f"/nowhere/{'x' * 400}", **key) == "404"
        assert request(url, "/health/ready") == "200"
        assert request(url, "/health/live?x=1") == "200"
        assert request(url, "/health/ready", body, **key) == "405"
    return file.read_text()


def test_each_request_but_health_checks_that_succeed_is_one_line_of_json(log, tiny_bundle):
    lines = [json.loads(line) for line in log.splitlines()]

    assert [(line["method"], line["path"], line["status"], line["client"], line.get("rows")) for line in lines] == [
        ("POST", "/predict", 200, "user", 1),
        ("POST", "/predict", 200, "smoke", 1),
        ("POST", "/predict", 422, "user", None),
        ("POST", "/predict", 401, "user", None),
        ("GET", "/nowhere\nelse", 404, "user", None),
        ("GET", f"/nowhere/{'x' * 400}"[:300], 404, "user", None),
        ("POST", "/health/ready", 405, "user", None),
    ]
    assert {line["severity"] for line in lines} == {"INFO"}  # what a client does wrong is no error of the service
    first, manifest = lines[0], Bundle.load(tiny_bundle).manifest
    assert (first["request_id"], first["trace_id"]) == ("r-1", TRACE)
    assert (first["version"], first["digest"]) == (manifest.version, manifest.digest)
    assert 0 < first["duration_ms"] < 10_000
    assert abs(datetime.fromisoformat(first["time"]).timestamp() - time.time()) < 600
    assert lines[1]["request_id"] == lines[1]["trace_id"] != TRACE


def test_the_line_of_a_client_that_has_left_has_status_499(tiny_bundle, tmp_path):
    with (tmp_path / "log").open("w") as stream, serving(tiny_bundle, stream) as (_, url):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30) as connection:
            head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
            connection.sendall(f"{head}{{".encode())
            time.sleep(0.5)
        time.sleep(0.5)

    (line,) = (json.loads(line) for line in (tmp_path / "log").read_text().splitlines())
    assert (line["path"], line["status"], line["severity"]) == ("/predict", 499, "INFO")


def test_a_line_has_no_query_no_value_of_a_row_and_no_key(log):
    for secret in ("Ada", "name", "secret-size", KEY, "another-key", "120.5"):
        assert secret not in log


def test_a_line_names_the_commit_of_the_release(tiny_bundle, tmp_path, body):
    digest, commit = Bundle.load(tiny_bundle).manifest.digest, "a" * 40
    folder = tmp_path / "models/bundle"
    folder.parent.mkdir()
    folder.symlink_to(tiny_bundle)
    (tmp_path / "models/release.json").write_text(json.dumps({"digest": digest, "commit": commit}))
    with (tmp_path / "log").open("w") as stream, serving(folder, stream) as (_, url):
        assert call(url, "/predict", body).status == 200

    assert json.loads((tmp_path / "log").read_text())["commit"] == commit


def test_lines_are_text_if_that_is_asked_for(tiny_bundle, tmp_path, body):
    with (tmp_path / "log").open("w") as stream, serving(tiny_bundle, stream, LOG_FORMAT="text") as (_, url):
        assert call(url, "/predict", body).status == 200
        assert request(url, "/nowhere%0Aelse") == "404"

    first, second = (tmp_path / "log").read_text().splitlines()
    assert " POST /predict 200 " in first
    assert " 1 row " in first
    assert r"GET /nowhere\nelse 404" in second


def test_health_checks_have_no_line_behind_a_prefix_either(tiny_bundle, tmp_path, body):
    with (tmp_path / "log").open("w") as stream, serving(tiny_bundle, stream, ROOT_PATH="/models/a") as (_, url):
        for path in ("/health/live", "/models/a/health/ready", "/metrics"):
            assert request(url, path) == "200"
        assert call(url, "/predict", body).status == 200

    (line,) = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert line["path"] == "/models/a/predict"


def test_an_exception_is_a_line_of_json_with_its_traceback(tiny_bundle, tmp_path, body):
    program = (
        "import sys; from cd4ml.serving import predict_endpoint as p\n"
        "p.PredictEndpoint._document = lambda *_: 1 / 0\n"
        "from cd4ml.cli import main; sys.exit(main(['serve', '--port', '0']))"
    )
    environment = os.environ | {"MODEL_BUNDLE": str(tiny_bundle)}
    with (tmp_path / "log").open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=stream, text=True
        )
        url = process.stdout.readline().split()[-1].removesuffix("/docs")
        assert call(url, "/predict", body).status == 500
        process.terminate()
        process.communicate(timeout=60)

    lines = {line["message"]: line for line in map(json.loads, (tmp_path / "log").read_text().splitlines())}
    request_line = lines.pop("request")
    ((message, line),) = lines.items()
    assert (line["severity"], request_line["severity"], request_line["status"]) == ("ERROR", "ERROR", 500)
    assert request_line["request_id"] in message
    assert "ZeroDivisionError" in line["exception"]


@pytest.mark.parametrize("log", ["full disk", "closed", "no reader"])
def test_a_log_that_cannot_be_written_fails_no_request(tiny_bundle, body, log):
    reading, writing = os.pipe()
    os.close(reading)
    stderr = {"full disk": os.open("/dev/full", os.O_WRONLY), "closed": None, "no reader": writing}[log]
    command = "exec 2>&-; exec" if log == "closed" else "exec"
    process = subprocess.Popen(
        ["sh", "-c", f'{command} "$0" -m cd4ml serve --port 0', sys.executable],
        env=os.environ | {"MODEL_BUNDLE": str(tiny_bundle)}, stdout=subprocess.PIPE, stderr=stderr, text=True,
    )  # fmt: skip
    try:
        url = process.stdout.readline().split()[-1].removesuffix("/docs")
        assert [call(url, "/predict", body).status for _ in range(20)] == [200] * 20
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate(timeout=60)


def test_a_log_that_nobody_reads_stops_no_request_and_what_is_missing_is_counted(tiny_bundle, body):
    """As a pipe takes 64 kB, it is full after some hundred lines."""
    with serving(tiny_bundle, subprocess.PIPE) as (process, url):
        for _ in range(400):
            assert call(url, "/predict", body).status == 200
        os.set_blocking(process.stderr.fileno(), False)
        read = os.read(process.stderr.fileno(), 1 << 20).decode()
        for _ in range(3):
            assert call(url, "/predict", body).status == 200
        time.sleep(0.2)
        read += os.read(process.stderr.fileno(), 1 << 20).decode()

    lines = [json.loads(line) for line in read.splitlines()]
    (counted,) = [line for line in lines if line["message"] != "request"]
    lost = int(counted["message"].split()[0])
    assert counted["message"] == f"{lost} lines of the log could not be written"
    assert len(lines) - 1 + lost == 403
    assert lost > 0
