"""The verbs `serve`, `predict` and `smoke` on the command line: what they print, and their exit codes."""

import itertools
import json
import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import first_difference
from cd4ml.cli import main
from cd4ml.serving import smoke
from cd4ml.serving.client import Reply, call
from cd4ml.serving.service_settings import ServiceSettings
from running_service import COMMAND, serving


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a verb in this process; return its exit code, and what it printed to both outputs."""

    def run(*arguments, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def service(tiny_bundle):
    with serving(tiny_bundle) as (_, url):
        yield url


def test_the_printed_address_is_the_page_for_people(tiny_bundle):
    environment = os.environ | {"MODEL_BUNDLE": str(tiny_bundle)}
    process = subprocess.Popen([*COMMAND, "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().partition(" at ")[2].partition(";")[0]
        with urlopen(address, timeout=30) as page:
            assert "<form" in page.read().decode()
    finally:
        process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_stopped_exits_with_0_and_prints_no_error(tiny_bundle, number):
    with serving(tiny_bundle) as (process, url):
        assert call(url, "/health/ready").status == 200
        process.send_signal(number)

        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""


def test_an_open_request_is_completed_before_the_service_stops(tiny_bundle):
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


def test_a_service_writes_nothing_into_its_users_folder(tiny_bundle, tmp_path):
    with serving(tiny_bundle, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache")) as (_, url):
        assert call(url, "/health/ready").status == 200

    assert list(tmp_path.iterdir()) == []  # ONNX Runtime would store its telemetry id there


def test_a_body_that_is_too_large_is_rejected_while_it_is_still_being_sent(tiny_bundle):
    with serving(tiny_bundle, MAX_BYTES="1000") as (_, url):
        reply = call(url, "/predict", {"rows": ["x" * 300_000]})

    assert (reply.status, reply.body["title"][-9:]) in [(413, "Too Large"), (413, "too large")]


@pytest.mark.parametrize(
    ("port", "bundle", "message"), [("PORT", "BUNDLE", "in use"), ("0", "nowhere", "no bundle in nowhere")]
)
def test_an_error_at_the_start_is_one_line_and_exit_code_1(service, tiny_bundle, port, bundle, message):
    port = port.replace("PORT", service.rpartition(":")[2])
    environment = os.environ | {"MODEL_BUNDLE": bundle.replace("BUNDLE", str(tiny_bundle))}

    command = [*COMMAND, "serve", "--port", port]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--port", "http"], {}, '"http"'),
        ([], {"PORT": "65536"}, "from 0 to 65,535"),
        ([], {"MAX_ROWS": "0"}, "MAX_ROWS"),
        ([], {"MAX_BYTES": "1MB"}, "MAX_BYTES"),
        (["--prot", "1"], {}, "--prot"),
    ],
)
def test_an_invalid_setting_is_one_line_and_exit_code_1(run, arguments, environment, message):
    code, _, error = run("serve", *arguments, **environment)

    assert (code, error.count("\n")) == (1, 1)
    assert message in error


def test_arguments_take_precedence_over_the_environment():
    settings = ServiceSettings.read(["--port", "2"], {"PORT": "1", "HOST": "::1", "MAX_ROWS": "5", "MAX_BYTES": ""})

    assert settings == ServiceSettings(host="::1", port=2, max_rows=5)


def test_the_names_of_settings_are_read_in_capitals_only_and_by_read_alone(monkeypatch):
    for name, value in {"MAX_ROWS": "5", "max_bytes": "6", "BUNDLE": "elsewhere"}.items():
        monkeypatch.setenv(name, value)

    assert ServiceSettings() == ServiceSettings.read([], {"max_bytes": "6", "BUNDLE": "elsewhere"})
    assert ServiceSettings.read([], os.environ | {"MODEL_BUNDLE": "b"}) == ServiceSettings(max_rows=5, bundle=Path("b"))


def test_each_invalid_setting_is_a_line_that_names_what_was_given(run):
    code, _, error = run("serve", "--port", "http", HOST="::1", MAX_ROWS="1e3", MAX_BYTES="9" * 5000, PORT="1")

    assert code == 1
    assert [line.split(" is ")[0] for line in error.splitlines()] == ["serve: --port", "MAX_ROWS", "MAX_BYTES"]


def test_predict_prints_the_response_and_a_curl_command_that_gets_the_same(run, service, tiny_bundle):
    code, output, _ = run("predict", "--url", service, MODEL_BUNDLE=tiny_bundle)
    command, _, response = output.partition("\n")
    curl = shlex.split(command)

    assert code == 0
    assert len(json.loads(response)["predictions"]) == 1
    assert curl[:4] == ["curl", f"{service}/predict", "-H", "Content-Type: application/json"]
    reply = call(service, "/predict", json.loads(curl[5]))
    assert reply.body["probabilities"] == json.loads(response)["probabilities"]


def test_predict_without_a_service_prints_how_to_start_it(run, tiny_bundle):
    code, _, error = run("predict", "--url", "http://127.0.0.1:1", MODEL_BUNDLE=tiny_bundle)

    assert (code, error.count("\n")) == (1, 1)
    assert "make serve" in error


def test_predict_without_a_key_says_which_variable_to_set(run, tiny_bundle):
    with serving(tiny_bundle, SERVICE_API_KEYS="a-key-that-nobody-may-see") as (_, url):
        code, _, error = run("predict", "--url", url, MODEL_BUNDLE=tiny_bundle)

    assert (code, error) == (1, f"predict: {url} returned 401; set SERVICE_API_KEY to one of its keys\n")


def test_predict_rejects_an_address_that_is_not_a_url(run, tiny_bundle):
    code, _, error = run("predict", "--url", "localhost:8000", MODEL_BUNDLE=tiny_bundle)

    assert (code, error.count("\n")) == (1, 1)


def test_smoke_passes_against_the_same_bundle(run, service, tiny_bundle):
    code, output, error = run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundle)

    assert (code, error) == (0, "")
    assert "all 10 are equal to the pipeline's" in output
    assert "422 for a row with a list as size" in output


def test_all_requests_of_smoke_are_marked_as_such(run, tiny_bundle):
    with serving(tiny_bundle) as (process, url):
        assert run("smoke", "--url", url, MODEL_BUNDLE=tiny_bundle)[0] == 0
        process.terminate()
        lines = [json.loads(line) for line in process.stderr.read().splitlines()]

    asked = [(line["status"], line["client"]) for line in lines if line["path"] == "/predict"]
    assert asked == [(200, "smoke"), (422, "smoke")]


def test_smoke_fails_against_another_bundle(run, service, tiny_bundles):
    code, output, error = run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundles["regression"])

    assert code == 1
    assert "bundle  FAILED" in output
    assert f"serves {Bundle.load(tiny_bundles['binary']).version}" in error


@pytest.mark.parametrize("status", [200, 422, 500])
def test_smoke_repeats_requests_until_its_bundle_responds_if_others_share_the_traffic(
    run, service, tiny_bundle, monkeypatch, status
):
    """The other bundle may have another contract, or fail, which may be why it is being replaced."""
    requests, headers_of_another = itertools.count(1), {"x-model-version": "another"}

    def call_shared(url, path, body=None, **options):
        """Call the service, but return another bundle's reply to two in three requests for a version or predictions."""
        shared = path == "/version" or len((body or {"rows": []})["rows"]) > 1
        to_another = shared and next(requests) % 3
        return Reply(status, {}, headers_of_another) if to_another else call(url, path, body, **options)

    monkeypatch.setattr(smoke, "call", call_shared)

    assert run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundle)[0] == 1
    code, output, error = run("smoke", "--url", service, "--wait", 5, "--tries", 3, MODEL_BUNDLE=tiny_bundle)
    assert (code, error) == (0, "")
    assert "all 10 are equal to the pipeline's" in output
    code, _, error = run("smoke", "--url", service, "--wait", 5, "--tries", 2, MODEL_BUNDLE=tiny_bundle)
    assert code == 1
    assert "none of 2 responses was from" in error


def test_smoke_fails_if_a_prediction_differs(run, tiny_bundle, service, monkeypatch):
    def reversed_difference(bundle, *predictions):
        return first_difference(bundle, *(values[::-1] for values in predictions))

    monkeypatch.setattr(smoke, "first_difference", reversed_difference)

    code, output, error = run("smoke", "--url", service, "--wait", 5, MODEL_BUNDLE=tiny_bundle)

    assert code == 1
    assert "predictions  FAILED" in output
    assert "example 0" in error


def test_smoke_fails_if_no_service_answers(run, tiny_bundle):
    code, _, error = run("smoke", "--url", "http://127.0.0.1:1", "--wait", 0.5, MODEL_BUNDLE=tiny_bundle)

    assert code == 1
    assert "not ready within 0.5 s" in error
