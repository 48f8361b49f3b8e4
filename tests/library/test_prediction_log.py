"""The prediction log of a service that is a process of its own: what is recorded, and what survives."""

import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.serving.client import call
from logged_service import COMMAND, logged_service, records, wait_until
from running_service import printed_url

ROWS = [
    {"size": 120.5, "rooms": 4, "district": "north", "house_id": "h-1", "street": "Elm Road", "heated": True},
    {"size": 80, "rooms": 2, "district": "south", "built": "1999-05-01T00:00:00"},
]
LATE = 3600  # seconds between two writes: nothing is written before the service stops


@pytest.fixture(scope="module")
def private_bundle(tiny_projects, tmp_path_factory):
    """A bundle whose contract says that a house's street is sensitive."""
    project = tiny_projects["binary"].copy_to(tmp_path_factory.mktemp("private") / "copy")
    project.replace("contract.yaml", "street: {type: category,", "street: {type: category, sensitive: true,")
    project.run("validate", "split", "train", "package")
    return project.bundle


def first_record(response):
    """Return what is recorded of the first row that `ask_and_stop` sends, but for its time."""
    return {
        "request_id": "r-1",
        "number": 0,
        "id": "h-1",
        "kind": "user",
        "model": "houses",
        "version": response["version"],
        "prediction": response["predictions"][0],
        "probability": response["probabilities"][0],
        "row": {"size": 120.5, "rooms": 4, "heated": True, "district": "north", "built": None},
    }


def ask_and_stop(bundle, scratch, **environment):
    """Ask for the predictions of two rows, and stop the service; return its response and what it printed."""
    with logged_service(bundle, scratch, PREDICTION_LOG_INTERVAL=LATE, **environment) as service:
        response = service.ask(*ROWS, X_Request_ID="r-1")
        assert service.stop() == 0
        assert service.errors() == ""
        return response, service.out.read_text()


def test_a_record_holds_the_row_and_its_prediction_and_no_sensitive_column(private_bundle, tmp_path):
    started = datetime.now(UTC)
    response, _ = ask_and_stop(private_bundle, tmp_path, PREDICTION_LOG=tmp_path / "log")

    first, second = records(tmp_path / "log")

    assert started < first.pop("time") < datetime.now(UTC)
    assert first == first_record(response)
    assert (second["number"], second["id"], second["probability"]) == (1, None, response["probabilities"][1])
    assert second["row"]["built"] == datetime(1999, 5, 1)
    assert b"Elm Road" not in b"".join(file.read_bytes() for file in (tmp_path / "log").rglob("*.parquet"))


def test_a_contract_of_nothing_but_sensitive_columns_is_recorded_without_rows(tiny_projects, tmp_path):
    project = tiny_projects["binary"].copy_to(tmp_path / "copy")
    contract = (project.folder / "contract.yaml").read_text().replace(": {type: ", ": {sensitive: true, type: ")
    project.write("contract.yaml", contract.replace("target: {sensitive: true, ", "target: {"))
    project.run("validate", "split", "train", "package")
    response, _ = ask_and_stop(project.bundle, tmp_path, PREDICTION_LOG=tmp_path / "log")

    assert [record["prediction"] for record in records(tmp_path / "log")] == response["predictions"]
    assert all("row" not in record for record in records(tmp_path / "log"))
    assert main(["forget-id", "h-1", "--log", str(tmp_path / "log")]) == 0
    assert [record["id"] for record in records(tmp_path / "log")] == [None]


def test_a_line_on_stdout_is_the_same_record_as_json(private_bundle, tmp_path):
    response, printed = ask_and_stop(private_bundle, tmp_path, PREDICTION_LOG="stdout")

    first, second = (json.loads(line) for line in printed.splitlines()[1:])

    assert abs(datetime.now(UTC) - datetime.fromisoformat(first.pop("time"))) < timedelta(minutes=5)
    assert first == {"event": "prediction", **first_record(response)}
    assert second["row"]["built"] == "1999-05-01T00:00:00"
    assert "Elm Road" not in printed


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("place", ["log", "stdout"])
def test_every_task_is_recorded(tiny_bundles, tmp_path, task, place):
    log = tmp_path / "log"
    response, printed = ask_and_stop(tiny_bundles[task], tmp_path, PREDICTION_LOG=log if place == "log" else place)

    found = records(log) if place == "log" else [json.loads(line) for line in printed.splitlines()[1:]]

    assert [record["prediction"] for record in found] == response["predictions"]
    expected = response.get("probabilities", [None, None])
    assert [record["probability"] and dict(record["probability"]) for record in found] == expected


@pytest.mark.parametrize(
    ("header", "kind"),
    [("smoke", "smoke"), ("canary", "canary"), ("SMOKE", "user"), ("x" * 1000, "user"), ('user", "id": "7', "user")],
)
def test_a_header_can_mark_a_request_as_a_test_and_nothing_else(tiny_bundle, tmp_path, header, kind):
    with logged_service(tiny_bundle, tmp_path, PREDICTION_LOG=tmp_path / "log") as service:
        service.ask(X_Request_Kind=header)
        service.stop()

    assert [(record["kind"], record["id"]) for record in records(tmp_path / "log")] == [(kind, None)]


def test_the_requests_of_smoke_and_of_a_canary_are_marked_and_rejected_rows_are_not_recorded(tiny_bundle, tmp_path):
    with logged_service(tiny_bundle, tmp_path, PREDICTION_LOG=tmp_path / "log") as service:
        for arguments in ([], ["--kind", "canary"]):
            command = [*COMMAND[:3], "smoke", "--url", f"http://127.0.0.1:{service.port}", *arguments]
            subprocess.run(command, env=os.environ | {"MODEL_BUNDLE": str(tiny_bundle)}, check=True, timeout=60)
        service.stop()

    kinds = [record["kind"] for record in records(tmp_path / "log")]
    examples = len(Bundle.load(tiny_bundle).examples()["rows"])
    assert kinds == ["smoke"] * examples + ["canary"] * examples


def test_under_load_there_is_a_file_for_each_interval_and_not_for_each_write(tiny_bundle, tmp_path):
    log = tmp_path / "log"
    full = dict.fromkeys(("PREDICTION_LOG_BATCH", "PREDICTION_LOG_QUEUE"), 1_000_000)  # a slow disk makes no file full
    with (
        logged_service(tiny_bundle, tmp_path, PREDICTION_LOG=log, PREDICTION_LOG_INTERVAL=1, **full) as service,
        service.load() as acknowledged,
    ):
        wait_until(lambda: len(acknowledged) > 300 and time.monotonic() - min(acknowledged.values()) > 4)
        files = len(list(log.rglob("*.parquet")))  # at the stop, each request that is still answered may add one
        seconds = time.monotonic() - min(acknowledged.values())
        assert service.stop() == 0

    assert files <= seconds + 3
    assert acknowledged.keys() <= {record["request_id"] for record in records(log)}


def test_a_request_that_never_ends_does_not_keep_the_log_from_being_written_within_ten_seconds(tiny_bundle, tmp_path):
    """Most platforms kill a process ten seconds after SIGTERM."""
    log = tmp_path / "log"
    with logged_service(tiny_bundle, tmp_path, PREDICTION_LOG=log, PREDICTION_LOG_INTERVAL=LATE) as service:
        with socket.create_connection(("127.0.0.1", service.port)) as half_sent:
            half_sent.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            half_sent.sendall(b"Content-Length: 100\r\n\r\n{")
            service.ask()
            started = time.monotonic()
            service.stop()

        assert time.monotonic() - started < 9.5
    assert len(records(log)) == 1


def test_a_crash_loses_at_most_the_interval(tiny_bundle, tmp_path):
    log = tmp_path / "log"
    with (
        logged_service(tiny_bundle, tmp_path, PREDICTION_LOG=log, PREDICTION_LOG_INTERVAL=1) as service,
        service.load(clients=2) as acknowledged,
    ):
        wait_until(lambda: len(acknowledged) > 300 and time.monotonic() - min(acknowledged.values()) > 2.6)
        killed = time.monotonic()
        service.stop(signal.SIGKILL)

    written = {record["request_id"] for record in records(log, killed=True)}
    lost = [killed - moment for identity, moment in acknowledged.items() if identity not in written]
    assert len(written) > 100
    assert max(lost, default=0) < 1.5  # and the time that the last write took


def test_on_cloud_run_a_response_is_sent_when_its_records_are_written(tiny_bundle, tmp_path):
    log = tmp_path / "log"
    with logged_service(
        tiny_bundle, tmp_path, PREDICTION_LOG=log, PREDICTION_LOG_INTERVAL=LATE, K_SERVICE="flights"
    ) as service:
        with ThreadPoolExecutor(16) as clients:
            acknowledged = {answer["request_id"] for answer in clients.map(lambda _: service.ask(), range(200))}
        service.stop(signal.SIGKILL)

    assert {record["request_id"] for record in records(log)} == acknowledged
    assert len(list(log.glob("*/*.parquet"))) < 150  # concurrent requests share a file


def test_two_processes_write_into_one_folder_at_once(tiny_bundle, tmp_path):
    settings = {"PREDICTION_LOG": tmp_path / "log", "PREDICTION_LOG_INTERVAL": 1, "PREDICTION_LOG_BATCH": 20}
    with (
        logged_service(tiny_bundle, tmp_path, **settings) as one,
        logged_service(tiny_bundle, tmp_path, **settings) as two,
        one.load(clients=1) as of_one,
        two.load(clients=1) as of_two,
    ):
        wait_until(lambda: len(of_one) > 200 and len(of_two) > 200)
        assert [one.stop(), two.stop()] == [0, 0]

    found = [record["request_id"] for record in records(tmp_path / "log")]
    assert of_one.keys() | of_two.keys() <= set(found)
    assert len(found) == len(set(found))


def full_disk() -> None:
    """Let no file grow beyond 2 kB, as on a full disk: too little for a Parquet file.

    SIGXFSZ, which the limit sends too, is ignored by Python.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))


def test_a_full_disk_fails_no_prediction_is_reported_once_and_loses_nothing_if_it_ends(tiny_bundle, tmp_path):
    log = tmp_path / "log"
    with logged_service(
        tiny_bundle, tmp_path, before=full_disk, PREDICTION_LOG=log, PREDICTION_LOG_INTERVAL=1
    ) as service:
        ids = [service.ask()["request_id"] for _ in range(20)]
        wait_until(lambda: service.errors())
        time.sleep(2)
        ids += [service.ask()["request_id"] for _ in range(20)]
        assert service.errors().count("\n") == 1
        assert f"{log} cannot be written: File too large; 20 records waiting, 0 dropped so far" in service.errors()
        assert records(log) == []

        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: service.errors().count("\n") == 2)
        assert f"{log} is written again" in service.errors()
        assert service.stop() == 0

    assert [record["request_id"] for record in records(log)] == ids


def test_records_beyond_the_queue_are_dropped_and_what_waits_at_the_end_is_reported_as_lost(tiny_bundle, tmp_path):
    with logged_service(
        tiny_bundle,
        tmp_path,
        before=full_disk,
        PREDICTION_LOG=tmp_path / "log",
        PREDICTION_LOG_INTERVAL=1,
        PREDICTION_LOG_QUEUE=10,
    ) as service:
        for _ in range(25):
            service.ask()
        wait_until(lambda: service.errors())
        started = time.monotonic()
        assert service.stop() == 0

    assert time.monotonic() - started < 5
    assert "10 records waiting, 15 dropped so far" in service.errors()
    assert "10 records lost, as the service stops" in service.errors().splitlines()[-1]


def test_fewer_records_wait_if_they_are_large_but_one_always_may(tiny_bundle, tmp_path):
    with logged_service(
        tiny_bundle,
        tmp_path,
        before=full_disk,
        PREDICTION_LOG=tmp_path / "log",
        PREDICTION_LOG_INTERVAL=1,
        PREDICTION_LOG_QUEUE=100,
    ) as service:
        large = service.row | {"street": "x" * 60_000}
        for row in (large | {"street": "x" * 900_000}, large, large, service.row):
            service.ask(row)
        wait_until(lambda: service.errors())
        assert "1 record waiting, 3 dropped so far" in service.errors()

        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: "is written again" in service.errors())
        for _ in range(3):
            service.ask(large)
        assert service.stop() == 0

    lengths = sorted(len(record["row"]["street"]) for record in records(tmp_path / "log"))
    assert lengths == [*[60_000] * 3, 900_000]


def test_a_response_does_not_wait_for_a_log_that_cannot_be_written(tiny_bundle, tmp_path):
    with logged_service(
        tiny_bundle, tmp_path, before=full_disk, PREDICTION_LOG=tmp_path / "log", PREDICTION_LOG_FLUSH="request"
    ) as service:
        started = time.monotonic()
        for _ in range(20):
            service.ask()

        assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("{tmp_path}/file/log", "which cannot be written: Not a directory"),
        ("ftp://host/log", 'PREDICTION_LOG is "ftp://host/log"; write stdout, a folder, or the URL of a bucket'),
        ("gs://", 'PREDICTION_LOG is "gs://"'),
    ],
)
def test_a_log_that_cannot_be_is_one_line_at_the_start_and_exit_code_1(tiny_bundle, tmp_path, address, message):
    (tmp_path / "file").touch()
    environment = {"MODEL_BUNDLE": str(tiny_bundle), "PREDICTION_LOG": address.format(tmp_path=tmp_path)}

    done = subprocess.run(COMMAND, env=os.environ | environment, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert message in done.stderr


def test_a_folder_on_a_full_disk_is_one_line_that_says_so(tiny_bundle, tmp_path, capsys, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)  # to fill a disk, one has to be the superuser
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("MODEL_BUNDLE", str(tiny_bundle))

    assert main(["serve"]) == 1

    error = capsys.readouterr().err
    assert error.endswith("which cannot be written: No space left on device; free some space, or name another folder\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("INTERVAL", "0", "write a whole number from 1 to 3,600"),
        ("INTERVAL", "1s", "write a whole number from 1 to 3,600"),
        ("BATCH", "0", "write a whole number from 1 to 1,000,000"),
        ("QUEUE", "-1", "write a whole number from 1 to 10,000,000"),
        ("FLUSH", "always", "write interval or request"),
    ],
)
def test_an_invalid_setting_of_the_log_is_one_line(tiny_bundle, capsys, monkeypatch, variable, value, advice):
    monkeypatch.setenv(f"PREDICTION_LOG_{variable}", value)

    assert main(["serve"]) == 1

    error = capsys.readouterr().err
    assert error == f'serve: PREDICTION_LOG_{variable} is "{value}"; {advice}\n'


@pytest.mark.parametrize(
    ("address", "missing", "group"),
    [
        ("gs://bucket/log", "gcsfs", "gs"),
        ("s3://bucket/log", "s3fs", "s3"),
        ("az://container/log", "adlfs", "azure"),
        ("abfss://container/log", "pyarrow", "azure"),
    ],
)
def test_without_its_package_a_bucket_is_one_line_with_the_group(
    tiny_bundle, capsys, monkeypatch, address, missing, group
):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setenv("MODEL_BUNDLE", str(tiny_bundle))
    monkeypatch.setenv("PREDICTION_LOG", address)

    assert main(["serve"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert f"PREDICTION_LOG is {address}, and {missing} is not installed: add {group} to ALSO in the Makefile, " in line


def test_without_pyarrow_a_log_in_a_folder_is_one_line_and_one_on_stdout_works(tiny_bundle, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pyarrow'] = None")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    settings = {"PYTHONPATH": path, "MODEL_BUNDLE": str(tiny_bundle), "PREDICTION_LOG": str(tmp_path / "log")}

    done = subprocess.run(COMMAND, env=os.environ | settings, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "pyarrow is not installed: install cd4ml[log]; " in done.stderr
    with logged_service(tiny_bundle, tmp_path, **settings | {"PREDICTION_LOG": "stdout"}) as service:
        service.ask()
        assert service.stop() == 0
        assert '"event":"prediction"' in service.out.read_text()


def test_a_stdout_that_nobody_reads_stops_no_prediction(tiny_bundle, tmp_path):
    """A pipe holds 64 kB: what writes into a full one waits for as long as nobody reads it."""
    command, environment = COMMAND, os.environ | {"MODEL_BUNDLE": str(tiny_bundle), "PREDICTION_LOG": "stdout"}
    environment |= {"PREDICTION_LOG_INTERVAL": "1", "PREDICTION_LOG_QUEUE": "300", "PREDICTION_LOG_BATCH": "100"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        url = printed_url(process.stdout.readline().decode())
        row = Bundle.load(tiny_bundle).contract.sample_row()
        replies = [call(url, "/predict", {"rows": [row] * 50}).status for _ in range(60)]

        assert set(replies) == {200}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert b"lost, as the service stops" in process.stderr.read()
    finally:
        process.kill()
        process.communicate(timeout=30)


def test_a_thread_of_the_log_ends_with_its_service(tiny_bundle, tmp_path):
    from cd4ml.serving.app import create_app
    from cd4ml.serving.service_settings import ServiceSettings
    from starlette.testclient import TestClient

    app = create_app(tiny_bundle, ServiceSettings(prediction_log=str(tmp_path / "log")))
    with TestClient(app) as client:
        row = Bundle.load(tiny_bundle).contract.sample_row()
        assert client.post("/predict", json={"rows": [row, row]}).status_code == 200
        assert "prediction log" in {thread.name for thread in threading.enumerate()}

    assert "prediction log" not in {thread.name for thread in threading.enumerate()}
    log = app.prediction_log
    assert (log.written, log.dropped, log.failed, log.waiting) == (2, 0, 0, 0)
    assert sys.modules.get("pyarrow") is not None
