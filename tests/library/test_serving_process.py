"""`serve`, `predict` and `smoke` from the command line: what they print, and how they end."""

import itertools
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import first_difference
from cd4ml.cli import main
from cd4ml.serving import smoke
from cd4ml.serving.client import Reply, ask
from cd4ml.serving.service_settings import Settings

COMMAND = [sys.executable, "-m", "cd4ml"]


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a verb in this process; return its exit code, and what it printed to both outputs."""

    def run(*arguments, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@contextmanager
def serving(bundle: Path, **environment):
    """Run the service of a bundle on a free port; yield the process and its URL."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"],
        env=os.environ | {"MODEL_BUNDLE": str(bundle)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert "/docs" in line, process.communicate(timeout=60)
        yield process, line.split()[-1].removesuffix("/docs")
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def service(tiny_bundle):
    with serving(tiny_bundle) as (_, url):
        yield url


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_told_to_stop_ends_with_0_and_says_nothing(tiny_bundle, number):
    with serving(tiny_bundle) as (process, url):
        assert ask(url, "/health/ready").status == 200
        process.send_signal(number)

        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""


def test_a_request_under_way_is_answered_before_the_service_stops(tiny_bundle):
    body = json.dumps({"rows": [Bundle.load(tiny_bundle).contract.sample_row()]}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving(tiny_bundle) as (process, url):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=60) as connection:
            connection.sendall(head.encode() + body[:5])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[5:])

            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        assert process.wait(timeout=60) == 0


def test_a_service_leaves_nothing_in_its_users_folder_and_so_reports_to_nobody(tiny_bundle, tmp_path):
    with serving(tiny_bundle, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache")) as (_, url):
        assert ask(url, "/health/ready").status == 200

    assert list(tmp_path.iterdir()) == []  # ONNX Runtime would keep there the id it reports with


def test_a_body_that_is_too_large_is_answered_while_it_is_still_being_sent(tiny_bundle):
    with serving(tiny_bundle, MAX_BYTES="1000") as (_, url):
        reply = ask(url, "/predict", {"rows": ["x" * 300_000]})

    assert (reply.status, reply.body["title"][-9:]) in [(413, "Too Large"), (413, "too large")]


@pytest.mark.parametrize(
    ("port", "bundle", "told"), [("PORT", "BUNDLE", "in use"), ("0", "nowhere", "no bundle in nowhere")]
)
def test_what_stops_a_service_from_starting_is_one_line_and_1(service, tiny_bundle, port, bundle, told):
    port = port.replace("PORT", service.rpartition(":")[2])
    environment = os.environ | {"MODEL_BUNDLE": bundle.replace("BUNDLE", str(tiny_bundle))}

    command = [*COMMAND, "serve", "--port", port]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert told in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--port", "http"], {}, '"http"'),
        ([], {"PORT": "65536"}, "from 0 to 65,535"),
        ([], {"MAX_ROWS": "0"}, "MAX_ROWS"),
        ([], {"MAX_BYTES": "1MB"}, "MAX_BYTES"),
        (["--prot", "1"], {}, "--prot"),
    ],
)
def test_a_wrong_setting_is_one_line_and_1(run, arguments, environment, told):
    code, _, error = run("serve", *arguments, **environment)

    assert (code, error.count("\n")) == (1, 1)
    assert told in error


def test_settings_come_from_the_environment_and_over_it_from_the_command_line():
    settings = Settings.read(["--port", "2"], {"PORT": "1", "HOST": "::1", "MAX_ROWS": "5", "MAX_BYTES": ""})

    assert settings == Settings(host="::1", port=2, max_rows=5)


def test_predict_shows_the_answer_and_a_command_that_gets_the_same(run, service, tiny_bundle):
    code, said, _ = run("predict", "--url", service, MODEL_BUNDLE=tiny_bundle)
    shown, _, answer = said.partition("\n")
    by_hand = shlex.split(shown)

    assert code == 0
    assert len(json.loads(answer)["predictions"]) == 1
    assert by_hand[:4] == ["curl", f"{service}/predict", "-H", "Content-Type: application/json"]
    reply = ask(service, "/predict", json.loads(by_hand[5]))
    assert reply.body["probabilities"] == json.loads(answer)["probabilities"]


def test_predict_without_a_service_says_how_to_start_it(run, tiny_bundle):
    code, _, error = run("predict", "--url", "http://127.0.0.1:1", MODEL_BUNDLE=tiny_bundle)

    assert (code, error.count("\n")) == (1, 1)
    assert "make serve" in error


def test_predict_refuses_what_is_no_url(run, tiny_bundle):
    code, _, error = run("predict", "--url", "localhost:8000", MODEL_BUNDLE=tiny_bundle)

    assert (code, error.count("\n")) == (1, 1)


def test_smoke_passes_against_the_same_bundle(run, service, tiny_bundle):
    code, said, error = run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundle)

    assert (code, error) == (0, "")
    assert "all 10 answered as the pipeline did" in said
    assert "refused with 422" in said


def test_smoke_fails_against_another_bundle(run, service, tiny_bundles):
    code, said, error = run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundles["regression"])

    assert code == 1
    assert "the same bundle  FAILED" in said
    assert f"serves {Bundle.load(tiny_bundles['binary']).version}" in error


@pytest.mark.parametrize("status", [200, 422, 500])
def test_smoke_asks_until_its_bundle_answers_where_another_has_more_traffic(
    run, service, tiny_bundle, monkeypatch, status
):
    """The other may have another contract, or fail, which is why it is to be replaced."""
    asked, others = itertools.count(1), {"x-model-version": "another"}

    def shared(url, path, body=None, **more):
        """Every third question, but for those that all bundles refuse, is the bundle's own."""
        anyone = path == "/version" or len((body or {"rows": []})["rows"]) > 1
        return Reply(status, {}, others) if anyone and next(asked) % 3 else ask(url, path, body, **more)

    monkeypatch.setattr(smoke, "ask", shared)

    assert run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundle)[0] == 1
    code, said, error = run("smoke", "--url", service, "--wait", 5, "--tries", 3, MODEL_BUNDLE=tiny_bundle)
    assert (code, error) == (0, "")
    assert "all 10 answered as the pipeline did" in said
    code, _, error = run("smoke", "--url", service, "--wait", 5, "--tries", 2, MODEL_BUNDLE=tiny_bundle)
    assert code == 1
    assert "asked 2 times, and" in error


def test_smoke_fails_against_answers_that_differ(run, tiny_bundle, service, monkeypatch):
    backwards = lambda bundle, *said: first_difference(bundle, *(answers[::-1] for answers in said))  # noqa: E731
    monkeypatch.setattr(smoke, "first_difference", backwards)

    code, said, error = run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundle)

    assert code == 1
    assert "its own examples  FAILED" in said
    assert "example 0" in error


def test_smoke_fails_when_nothing_is_there(run, tiny_bundle):
    code, _, error = run("smoke", "--url", "http://127.0.0.1:1", "--wait", 0.5, MODEL_BUNDLE=tiny_bundle)

    assert code == 1
    assert "not ready within 0.5 s" in error
