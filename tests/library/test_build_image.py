"""`cd4ml build-image`: what the container engine is asked to do; the engine is a program that prints its arguments."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from cd4ml.cli import main

PYPROJECT = """\
[project]
name = "houses"
urls = {Repository = "https://github.com/octo-org/houses"}
[tool.cd4ml]
package = "houses"
platform = "cloud-run"
credentials = "oidc"
registry = "cloud"
"""
BASE = f"python:3.12-slim@sha256:{'0a' * 32}"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory is a project without a bundle, and without what a workflow sets."""
    for name in ("DOCKER", "IMAGE", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    Path("pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    Path("Dockerfile").write_text(f"FROM {BASE} AS base\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def engine(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that prints each of its arguments on a line of its own."""
    write_engine(project, 'printf "%s\\n" "$@"', monkeypatch)


def write_engine(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "engine").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / "engine").chmod(0o755)
    monkeypatch.setenv("DOCKER", str(folder / "engine"))


@pytest.fixture
def accepted(project: Path, tiny_bundle: Path) -> dict[str, str]:
    """The manifest of a bundle that the gate accepted."""
    shutil.copytree(tiny_bundle, "models/bundle")
    manifest: dict[str, str] = json.loads(Path("models/bundle/bundle.json").read_text(encoding="utf-8"))
    Path("reports").mkdir()
    Path("reports/gate.json").write_text(json.dumps({"digest": manifest["digest"], "passed": True}), encoding="utf-8")
    return manifest


@pytest.mark.usefixtures("engine")
def test_the_image_says_what_it_holds_and_where_it_comes_from(
    accepted: dict[str, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["build-image"]) == 0

    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "built houses:latest; next: make smoke"
    values = dict(word.split("=", 1) for before, word in pairwise(lines) if before in ("--build-arg", "--label"))
    assert values == {
        "EXTRAS": "",
        "VERSION": f"2024-06-30.{accepted['digest'][:7]}",
        "BUNDLE": accepted["digest"],
        "SOURCE": "https://github.com/octo-org/houses",
        "REVISION": "",
        "org.opencontainers.image.base.name": "python:3.12-slim",
        "org.opencontainers.image.base.digest": f"sha256:{'0a' * 32}",
    }
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/another")
    monkeypatch.setenv("IMAGE", "localhost:5000/mine")
    with Path("pyproject.toml").open("a", encoding="utf-8") as stream:
        stream.write('prediction_log = "bucket"\n')
    assert main(["build-image"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert {"SOURCE=https://github.com/acme/another", "localhost:5000/mine:latest", "EXTRAS=--extra log-gs"} <= {*lines}


@pytest.mark.usefixtures("engine", "accepted")
def test_what_indexes_ask_for_is_passed_as_secrets_and_never_as_text(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {"UV_INDEX_OURS_USERNAME": "reader", "UV_INDEX_OURS_PASSWORD": "pa ss$1", "UV_INDEX_B2_PASSWORD": ""}
    for name, value in {**login, "UV_INDEX_STRATEGY": "first-index", "UV_INDEX": "x=https://acme.example"}.items():
        monkeypatch.setenv(name, value)

    assert main(["build-image"]) == 0

    built = capfd.readouterr().out.splitlines()
    passed = [word for before, word in pairwise(built) if before == "--secret"]
    assert passed == [f"id={name},env={name}" for name in sorted(login) if login[name]]
    assert not any("pa ss" in word or "STRATEGY" in word for word in built)


@pytest.mark.parametrize("verb", ["build-image", "archive-image", "smoke-image", "list-packages"])
def test_without_a_bundle_the_error_names_the_verb_and_what_to_do(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb]) == 1

    assert capsys.readouterr().err == f"{verb}: no bundle in models/bundle; run make train\n"


@pytest.mark.usefixtures("accepted")
def test_an_engine_that_is_missing_or_fails_is_one_line(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER", "podman-that-is-not-here")
    assert main(["build-image"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("build-image: podman-that-is-not-here is not here, which builds and runs images: install it")

    write_engine(project, "exit 7", monkeypatch)
    assert main(["build-image"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("build failed (exit code 7); what it printed is above")


def test_cloud_alone_lists_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cloud"]) == 0

    assert capsys.readouterr().out.startswith("uv run cd4ml cloud VERB [ARGUMENTS] [--dry-run]\n")
