"""A repository with the bundle of the large project, and commits of other bundles to it."""

import json
import os
import subprocess
from pathlib import Path

import msgspec
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.manifest import Manifest
from dvc.cli import main as dvc_main

DVC_YAML = """\
stages:
  package:
    cmd: "true"
    outs: [models/bundle]
"""
IGNORED = "/data\n/models\n/houses.csv\n/reports\n"


def run(*command: str) -> str:
    user = {
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@b.c",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@b.c",
    }
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | user).stdout


def dvc(*arguments: str) -> None:
    """Run DVC in this process, which is faster than to start it."""
    assert dvc_main([*arguments, "--quiet"]) == 0


def commit(message: str) -> None:
    """Write the digest of models/bundle to dvc.lock, and commit."""
    dvc("commit", "--force")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", message)


def digest_here() -> str:
    return Bundle.load(Path("models/bundle")).manifest.digest


def rename_bundle(name: str) -> None:
    """Give the bundle another name, and so another digest, as another training would."""
    path = Path("models/bundle/bundle.json")
    content = json.loads(path.read_text(encoding="utf-8")) | {"name": name}
    del content["digest"]
    path.unlink()  # DVC may have linked it to its cache
    path.write_text(msgspec.convert(content, Manifest).to_json(), encoding="utf-8")


def make_repository() -> None:
    """Make the working directory, which holds a project with a bundle, a repository on `main` that has it."""
    run("git", "init", "--quiet", "--initial-branch", "main")
    dvc("init")
    Path("dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
    with Path("params.yaml").open("a", encoding="utf-8") as params:
        params.write("gate:\n  max_calibration_error: 0.3\n")
    Path(".gitignore").write_text(IGNORED, encoding="utf-8")
    commit("first")
