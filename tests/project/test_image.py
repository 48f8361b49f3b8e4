"""The image is built by a real engine, runs with next to no rights, and answers as the bundle does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.project.baked import Project, environment

DOCKER = os.environ.get("DOCKER", "docker")


def docker(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DOCKER, *command], env=environment(), capture_output=True, text=True, timeout=300, check=check
    )


@pytest.fixture(scope="module")
def engine(need: Callable[[str, object, str], None]) -> None:
    """A container engine that answers."""
    there = shutil.which(DOCKER) and docker("info", check=False).returncode == 0
    need("docker", there, "no container engine answers")


@pytest.fixture(scope="module")
def image(engine: None, classifier: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """A trained project and the name of its image."""
    project = classifier.copy(tmp_path_factory.mktemp("image"))
    name = f"{project.folder.name}:slow-{os.getpid()}"
    project.make("image", f"IMAGE={name}")
    yield project, name
    docker("image", "rm", "--force", name, check=False)


def test_the_container_answers_as_the_pipeline_did(image: tuple[Project, str]) -> None:
    project, name = image

    said = project.make("smoke", f"IMAGE={name}").stdout

    print(said)
    assert "all 10 answered as the pipeline did" in said


def test_the_image_holds_what_serves_and_nothing_else(image: tuple[Project, str]) -> None:
    _, name = image
    look = (
        "import importlib.util as u, json, os, pathlib\n"
        "there = [m for m in ('pandas', 'sklearn', 'skl2onnx', 'dvc', 'pytest', 'uv', 'pip') if u.find_spec(m)]\n"
        "files = sorted(str(p) for p in pathlib.Path('.').rglob('*') if '.venv' not in p.parts and p.is_file())\n"
        "print(json.dumps([os.getuid(), there, files]))"
    )

    said = docker("run", "--rm", "--read-only", "--cap-drop", "ALL", name, "python", "-c", look).stdout

    user, packages, files = json.loads(said)
    assert user != 0
    assert set(packages) <= {"pip"}  # the base image's own
    assert not [path for path in files if "pipeline" in path or "tests" in path or "data/" in path]
    assert "models/bundle/bundle.json" in files
    assert any(path.endswith(".pyc") for path in files)


def test_the_image_says_what_it_holds(image: tuple[Project, str]) -> None:
    project, name = image

    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", name).stdout)

    assert labels["org.opencontainers.image.version"] == f"2013-07-31.{project.digest[:7]}"
    assert labels["org.opencontainers.image.revision"] == project.run("git", "rev-parse", "HEAD").stdout.strip()


def test_smoke_fails_when_the_container_serves_another_bundle(image: tuple[Project, str], tmp_path: Path) -> None:
    project, name = image
    other = project.copy(tmp_path)
    other.replace("params.yaml", "iterations: 100", "iterations: 10")
    other.make("train")

    said = other.make("smoke", f"IMAGE={name}", check=False)

    assert said.returncode != 0
    assert other.digest[:7] in said.stdout


def test_an_altered_bundle_does_not_start(image: tuple[Project, str]) -> None:
    _, name = image
    alter = "echo >> models/bundle/features.py; exec python -m cd4ml serve"

    started = docker("run", "--rm", "--user", "0", name, "sh", "-c", alter, check=False)

    assert started.returncode == 1
    assert started.stderr.splitlines() == [
        "serve: models/bundle: features.py was altered or cut short: fetch the bundle again, or run `make train`"
    ]


def test_a_bundle_on_scikit_learn_ships_too(engine: None, project: Project) -> None:
    project.replace("params.yaml", "runtime: auto", "runtime: sklearn")
    project.make("train")
    name = f"{project.folder.name}:sklearn-{os.getpid()}"

    project.make("image", f"IMAGE={name}")
    try:
        assert "all 10 answered as the pipeline did" in project.make("smoke", f"IMAGE={name}").stdout
    finally:
        docker("image", "rm", "--force", name, check=False)
