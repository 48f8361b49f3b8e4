"""The image with a cloud's package for the prediction log writes every record to a bucket, with next to no rights."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest
from cd4ml.prediction_log.read import read

from tests.delivery import clouds
from tests.engine import docker
from tests.project.baked import Project, free_port
from tests.project.test_container import RIGHTS, state

PLACE = "az://predictions/production"
Need = Callable[[str, object, str], None]


@pytest.fixture
def storage(need: Need, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Azurite with a container for predictions; the settings with which a service, and this process, find it."""
    with clouds.azure(need, tmp_path) as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        filesystem = fsspec.filesystem("az", skip_instance_cache=True)
        filesystem.mkdir("predictions")
        yield settings


@contextmanager
def serving(image: str, *options: str, **environment: str) -> Iterator[tuple[str, str]]:
    """A container of an image, with as few rights as `make smoke` gives it, on this machine's network; and its URL.

    It is removed in the end.
    """
    environment["PORT"] = str(free_port())
    given = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    started = docker("run", "--detach", *RIGHTS, "--network", "host", *options, *given, image).stdout.strip()
    try:
        url = f"http://127.0.0.1:{environment['PORT']}"
        deadline = time.monotonic() + 60
        while not answers(url):
            assert time.monotonic() < deadline, docker("logs", started).stderr
            assert state(started)["Running"], docker("logs", started).stderr
            time.sleep(0.1)
        yield started, url
    finally:
        docker("rm", "--force", started, check=False)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def test_what_an_image_with_a_log_has_answered_is_in_the_bucket_after_sigterm(
    engine: None, small: Project, storage: dict[str, str]
) -> None:
    small.replace("pyproject.toml", 'platform = "cloud-run"', 'platform = "aci"')
    small.replace("pyproject.toml", 'prediction_log = "off"', 'prediction_log = "bucket"')
    small.accept()
    name = f"{small.folder.name}:log-{os.getpid()}"
    small.make("image", f"IMAGE={name}")
    try:
        assert "all 10 are equal to the pipeline's" in small.make("smoke", f"IMAGE={name}").stdout
        with serving(name, PREDICTION_LOG=PLACE, PREDICTION_LOG_INTERVAL="3600", **storage) as (started, url):
            row = small.read_json("models/bundle/examples.json")["rows"][0]
            acknowledged = asked_until_it_stops(started, url, row)
            assert state(started)["ExitCode"] == 0
            errors = [line for line in docker("logs", started).stderr.splitlines() if '"message":"request"' not in line]
            assert errors == []
            assert docker("diff", started).stdout == ""
    finally:
        docker("image", "rm", "--force", name, check=False)

    assert len(acknowledged) > 20
    today = datetime.now(UTC).date()
    recorded = read(PLACE, today - timedelta(days=1), today).to_pylist()
    assert len(recorded) >= len(acknowledged)
    assert acknowledged <= {record["request_id"] for record in recorded}
    assert {record["version"] for record in recorded} == {f"2013-02-28.{small.digest[:7]}"}


def asked_until_it_stops(started: str, url: str, row: dict[str, object]) -> set[str]:
    """Ask from several clients at once, and stop the container meanwhile; return the ids that it acknowledged."""
    acknowledged: set[str] = set()
    body = json.dumps({"rows": [row]}).encode()

    def client() -> None:
        while True:
            asked = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(asked, timeout=20) as reply:
                    acknowledged.add(json.load(reply)["request_id"])
            except OSError:  # it does not answer any more
                return

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    docker("stop", "--time", "30", started)
    for thread in threads:
        thread.join(60)
    return acknowledged
