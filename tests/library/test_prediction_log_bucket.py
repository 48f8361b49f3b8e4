"""The prediction log in buckets: a server of S3's API (moto) that goes away and comes back, Google's, and Azurite."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import fsspec
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.prediction_log.address import connect
from cd4ml.prediction_log.place import Bucket
from cd4ml.prediction_log.read import read
from cd4ml.prediction_log.record import Layout
from logged_service import logged_service, wait_until

from tests.delivery import clouds

pytestmark = pytest.mark.slow
boto3 = pytest.importorskip("boto3", reason="boto3 is not installed: uv sync --group slow")

POLICIES = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/cd4ml/src/cd4ml/deploy/fargate/policies"
LATE = 3600


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class S3:
    """moto, which forgets everything when it is stopped."""

    def __init__(self) -> None:
        self.port, self.process = free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        self.settings |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/nowhere"}

    def start(self) -> None:
        command = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers)
        self.client("s3").create_bucket(Bucket="log")

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5).status == 200
        return False

    def client(self, service: str):
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=self.url, **keys)

    def objects(self) -> list[str]:
        return [found["Key"] for found in self.client("s3").list_objects_v2(Bucket="log").get("Contents", [])]

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(30)


@pytest.fixture
def s3():
    server = S3()
    yield server
    server.stop()


@pytest.fixture
def asked(s3, monkeypatch):
    """`asked()`: the records in the bucket, as monitoring reads them."""
    for name, value in s3.settings.items():
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").clear_instance_cache()
    today = datetime.now(UTC).date()
    return lambda: read("s3://log/production", date.fromordinal(today.toordinal() - 1), today).to_pylist()


def test_records_are_put_into_a_bucket_by_day_and_one_ids_records_are_removed(tiny_bundle, tmp_path, s3, asked, capsys):
    s3.start()
    with logged_service(
        tiny_bundle, tmp_path, PREDICTION_LOG="s3://log/production", PREDICTION_LOG_INTERVAL=LATE, **s3.settings
    ) as service:
        service.ask(service.row | {"house_id": "h-1"}, service.row | {"house_id": "h-2"})
        assert service.stop() == 0
        assert service.errors() == ""

    (name,) = s3.objects()
    assert name.startswith("production/date=20")
    assert [record["id"] for record in asked()] == ["h-1", "h-2"]
    assert main(["forget-id", "h-1", "--log", "s3://log/production"]) == 0
    printed = capsys.readouterr().out
    assert "removed records of this id: 1, from 1 file" in printed
    assert "a bucket that keeps earlier versions" in printed
    assert [record["id"] for record in asked()] == ["h-2"]
    assert main(["forget-id", "h-2", "--log", "s3://log/production"]) == 0
    assert s3.objects() == []


def test_a_bucket_that_cannot_be_reached_is_reported_and_gets_the_records_when_it_comes(
    tiny_bundle, tmp_path, s3, asked
):
    with logged_service(
        tiny_bundle, tmp_path, PREDICTION_LOG="s3://log/production", PREDICTION_LOG_INTERVAL=1, **s3.settings
    ) as service:
        ids = [service.ask()["request_id"] for _ in range(5)]
        wait_until(lambda: service.errors().count("\n") == 2, seconds=90)
        assert "s3://log/production cannot be reached" in service.errors().splitlines()[0]
        assert "s3://log/production cannot be written" in service.errors().splitlines()[1]
        s3.start()
        wait_until(lambda: "is written again" in service.errors(), seconds=90)
        assert {record["request_id"] for record in asked()} == set(ids)

        s3.stop()
        ids = [service.ask()["request_id"] for _ in range(5)]
        wait_until(lambda: service.errors().count("cannot be written") == 2, seconds=90)
        s3.start()
        wait_until(lambda: service.errors().count("is written again") == 2, seconds=90)
        ids.append(service.ask()["request_id"])
        assert service.stop() == 0

    assert [record["request_id"] for record in asked()] == ids


def test_a_bucket_that_hangs_delays_one_response_by_two_seconds_and_no_later_one(tiny_bundle, tmp_path, s3, asked):
    s3.start()
    settings = s3.settings | {"PREDICTION_LOG": "s3://log/production", "PREDICTION_LOG_FLUSH": "request"}
    with logged_service(tiny_bundle, tmp_path, **settings) as service:
        assert service.ask()["request_id"] in {record["request_id"] for record in asked()}
        s3.process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        for _ in range(10):
            service.ask()
        s3.process.send_signal(signal.SIGCONT)

        assert 1.9 < time.monotonic() - started < 4
        wait_until(lambda: len(asked()) == 11, seconds=60)


def test_the_rights_of_the_deployed_service_are_enough_to_write_and_not_to_read(tiny_bundle, tmp_path, s3):
    s3.start()
    iam = s3.client("iam")
    iam.create_user(UserName="runtime")
    policy = (POLICIES / "runtime.json").read_text().replace("@PARTITION@", "aws").replace("@PREDICTIONS@", "log")
    iam.put_user_policy(UserName="runtime", PolicyName="runtime", PolicyDocument=json.dumps(json.loads(policy)))
    key = iam.create_access_key(UserName="runtime")["AccessKey"]
    own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    enforce(s3, after=0)
    with logged_service(
        tiny_bundle, tmp_path, PREDICTION_LOG="s3://log/production", PREDICTION_LOG_INTERVAL=1, **s3.settings | own
    ) as service:
        service.ask()
        assert service.stop() == 0
        assert service.errors() == ""

    reader = boto3.client(
        "s3",
        endpoint_url=s3.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(reader.exceptions.ClientError, match="AccessDenied"):
        reader.list_objects_v2(Bucket="log")
    enforce(s3, after=1000)
    assert len(s3.objects()) == 1


def enforce(s3: S3, after: int) -> None:
    """Let moto look at the policies, after so many requests."""
    asked = urllib.request.Request(f"{s3.url}/moto-api/reset-auth", str(after).encode(), {"Content-Type": "text/plain"})
    urllib.request.urlopen(asked, timeout=60).close()


@contextlib.contextmanager
def google(port: int):
    """Google's emulator with the bucket `log`."""
    command = [Path(sys.executable).with_name("gcp-storage-emulator"), "start", f"--port={port}", "--in-memory"]
    emulator = subprocess.Popen(
        [*command, "--default-bucket=log"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: is_open(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        emulator.kill()
        emulator.wait(30)


def test_records_are_put_into_a_bucket_of_google(tiny_bundle, tmp_path, monkeypatch):
    with google(free_port()) as address:
        settings = {"STORAGE_EMULATOR_HOST": address, "PREDICTION_LOG": "gs://log/production"}
        with logged_service(tiny_bundle, tmp_path, **settings, K_SERVICE="houses") as service:
            identity = service.ask()["request_id"]
            service.stop(signal.SIGKILL)
            assert service.errors() == ""

        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        today = datetime.now(UTC).date()
        assert [record["request_id"] for record in read("gs://log/production", today, today).to_pylist()] == [identity]


def test_a_bucket_of_google_that_cannot_be_reached_is_reported_within_seconds(tiny_bundle, tmp_path, monkeypatch):
    """gcsfs alone would try for half a minute before it fails."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    settings = {"PREDICTION_LOG": "gs://log/production", "PREDICTION_LOG_INTERVAL": 1}
    with logged_service(tiny_bundle, tmp_path, **settings) as service:
        identity = service.ask()["request_id"]
        wait_until(lambda: service.errors().count("\n") == 2, seconds=20)
        first, second = service.errors().splitlines()
        assert "gs://log/production cannot be reached: TimeoutError: no answer within 5 seconds" in first
        assert "gs://log/production cannot be written: TimeoutError: no answer within 5 seconds" in second
        with google(port):
            wait_until(lambda: "is written again" in service.errors(), seconds=60)
            assert service.stop() == 0
            fsspec.filesystem("gs").clear_instance_cache()
            today = datetime.now(UTC).date()
            yesterday = date.fromordinal(today.toordinal() - 1)
            recorded = read("gs://log/production", yesterday, today).to_pylist()
            assert [record["request_id"] for record in recorded] == [identity]


def test_a_bucket_of_google_that_cannot_be_reached_is_one_line(tiny_bundle, tmp_path):
    settings = {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{free_port()}", "PREDICTION_LOG": "gs://log/production"}
    with logged_service(tiny_bundle, tmp_path, **settings) as service:
        service.ask()
        wait_until(service.errors, seconds=120)
        time.sleep(0.5)
        (line,) = map(json.loads, service.errors().splitlines())

    assert line["message"].startswith("gs://log/production cannot be reached: ")
    assert (line["severity"], line.get("exception")) == ("WARNING", None)


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def azure(need, tmp_path, monkeypatch):
    """Azurite, with a container for predictions; the connection string of its owner, as this process has it."""
    with clouds.azure(need, tmp_path) as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        fsspec.filesystem("az").clear_instance_cache()
        fsspec.filesystem("az", skip_instance_cache=True).mkdir("predictions")
        yield settings["AZURE_STORAGE_CONNECTION_STRING"]


def signed(owner: str, rights: str) -> dict[str, str]:
    """Return the setting with which a service may do so much in the container, and no more."""
    blob = pytest.importorskip("azure.storage.blob", reason="adlfs is not installed: uv sync --group slow")
    told = dict(part.split("=", 1) for part in owner.strip(";").split(";"))
    token = blob.generate_container_sas(
        told["AccountName"],
        "predictions",
        account_key=told["AccountKey"],
        permission=rights,
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    string = f"BlobEndpoint={told['BlobEndpoint']};SharedAccessSignature={token}"
    return {"AZURE_STORAGE_CONNECTION_STRING": string}


def test_records_are_put_into_azure_with_the_right_to_add_alone_and_one_ids_records_are_removed(
    tiny_bundle, tmp_path, azure, capsys
):
    with logged_service(
        tiny_bundle, tmp_path, PREDICTION_LOG="az://predictions/production", PREDICTION_LOG_INTERVAL=LATE,
        **signed(azure, rights="c"),
    ) as service:  # fmt: skip
        service.ask(service.row | {"house_id": "h-1"}, service.row | {"house_id": "h-2"})
        assert service.stop() == 0
        assert service.errors() == ""

    assert ids_in_azure() == ["h-1", "h-2"]
    assert main(["forget-id", "h-1", "--log", "az://predictions/production"]) == 0
    assert "removed records of this id: 1, from 1 file" in capsys.readouterr().out
    assert ids_in_azure() == ["h-2"]


def ids_in_azure() -> list[str]:
    today = datetime.now(UTC).date()
    table = read("az://predictions/production", date.fromordinal(today.toordinal() - 1), today)
    return [record["id"] for record in table.to_pylist()]


def test_an_object_that_azure_has_already_is_neither_an_error_nor_there_twice(tiny_bundle, azure):
    bundle = Bundle.load(tiny_bundle)
    bucket = Bucket("az://predictions/production", Layout.of(bundle))
    bucket.prepare()
    bucket.write(("date=2026-11-28/a.parquet", b"first"))
    bucket.write(("date=2026-11-28/a.parquet", b"second"))

    filesystem = fsspec.filesystem("az", skip_instance_cache=True)
    assert filesystem.cat_file("predictions/production/date=2026-11-28/a.parquet") == b"first"


def test_az_has_more_than_ten_seconds_to_print_a_token(tmp_path, monkeypatch):
    pytest.importorskip("adlfs", reason="adlfs is not installed: uv sync --group slow")
    token = {"accessToken": "t0ken", "expiresOn": "2100-01-01 00:00:00.000000", "expires_on": 4102444800}
    az = tmp_path / "az"
    az.write_text(f"#!/bin/sh\nsleep 12\necho '{json.dumps(token)}'\n", encoding="utf-8")
    az.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name, value in {"AZURE_STORAGE_ACCOUNT_NAME": "acme", "AZURE_STORAGE_ANON": "false"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    fsspec.filesystem("az", account_name="acme").clear_instance_cache()

    filesystem, _ = connect("az://predictions/production")

    assert filesystem.sync_credential.get_token("https://storage.azure.com/.default").token == "t0ken"
