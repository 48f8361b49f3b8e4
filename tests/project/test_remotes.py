"""Data and models travel through a DVC remote: push, a fresh clone, pull, and nothing runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from tests.delivery import clouds
from tests.project.baked import Project


def assert_travels(project: Project, folder: Path, settings: dict[str, str] | None = None) -> None:
    """Push, clone into a folder, pull there: the model is the same, and nothing has to run."""
    project.commit("a remote")
    project.make("push", settings=settings)
    shutil.rmtree(project.folder / ".dvc/cache")

    cloned = Project(folder / project.folder.name)
    project.run("git", "clone", "--quiet", str(project.folder), str(cloned.folder))
    assert not (cloned.folder / "models").exists()
    cloned.make("pull", settings=settings)

    assert cloned.digest == project.digest
    assert "Running stage" not in cloned.make("train", settings=settings).stdout
    assert cloned.run("git", "status", "--porcelain").stdout == ""


def test_through_a_folder(small: Project, tmp_path: Path) -> None:
    small.dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))

    assert_travels(small, tmp_path / "clone")


@pytest.fixture
def s3(need: Callable[[str, object, str], None], tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings for a server that speaks S3's protocol."""
    with clouds.s3(need, tmp_path) as settings:
        yield settings


def test_through_s3(small: Project, s3: dict[str, str], tmp_path: Path) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=s3["AWS_ENDPOINT_URL"],
        aws_access_key_id=s3["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=s3["AWS_SECRET_ACCESS_KEY"],
        region_name=s3["AWS_DEFAULT_REGION"],
    )
    client.create_bucket(Bucket="models")
    small.dvc("remote", "add", "--default", "storage", "s3://models/here")
    small.dvc("remote", "modify", "storage", "endpointurl", s3["AWS_ENDPOINT_URL"])

    assert_travels(small, tmp_path / "clone", s3)

    assert client.list_objects_v2(Bucket="models")["KeyCount"] > 5
