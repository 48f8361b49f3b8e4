"""Data and models travel through a DVC remote: push, a fresh clone, pull, and nothing runs."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.project.baked import Project, environment, free_port, stop


def clone(project: Project, folder: Path) -> Project:
    project.run("git", "clone", "--quiet", str(project.folder), str(folder / project.folder.name))
    return Project(folder / project.folder.name)


def assert_travels(project: Project, folder: Path, settings: dict[str, str] | None = None) -> None:
    project.commit("a remote")
    project.make("push", settings=settings)
    shutil.rmtree(project.folder / ".dvc/cache")

    cloned = clone(project, folder)
    assert not (cloned.folder / "models").exists()
    cloned.make("pull", settings=settings)

    assert cloned.digest == project.digest
    assert "Running stage" not in cloned.make("train", settings=settings).stdout
    assert cloned.run("git", "status", "--porcelain").stdout == ""


def test_through_a_folder(project: Project, tmp_path: Path) -> None:
    project.run("uv", "run", "dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))

    assert_travels(project, tmp_path / "clone")


@pytest.fixture
def s3(need: Callable[[str, object, str], None], tmp_path: Path) -> Iterator[str]:
    """The address of a server that speaks S3's protocol, with a bucket."""
    need("moto", shutil.which("moto_server"), "moto_server is not installed")
    port = free_port()
    with (tmp_path / "moto.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            env=environment(), stdout=log, stderr=log, text=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(server)


def test_through_s3(project: Project, s3: str, tmp_path: Path) -> None:
    import boto3

    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    client = boto3.client(
        "s3", endpoint_url=s3, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    client.create_bucket(Bucket="models")
    project.run("uv", "run", "dvc", "remote", "add", "--default", "storage", "s3://models/here")
    project.run("uv", "run", "dvc", "remote", "modify", "storage", "endpointurl", s3)

    assert_travels(project, tmp_path / "clone", keys)

    assert client.list_objects_v2(Bucket="models")["KeyCount"] > 5


def test_pull_without_a_remote_says_what_to_do(project: Project) -> None:
    said = project.make("pull", check=False)

    assert said.returncode != 0
    assert "dvc remote add --default" in said.stdout
