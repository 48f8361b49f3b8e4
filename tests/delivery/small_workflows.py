"""Small workflows, and a clone from which they are pushed: for the tests of what runs workflows."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from tests.delivery.github import GitHub, Run

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
AUTH = "google-github-actions/auth@7c6bc770dae815cd3e89ee6cdf493a5fab2cc093"
LOGIN = "docker/login-action@dbcb813823bdd20940b903addbd779551569679f"
UPLOAD = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"


class Checkout:
    """Someone's clone of the repository."""

    def __init__(self, folder: Path, github: GitHub) -> None:
        self.folder, self.github = folder, github
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *arguments: str) -> None:
        self.folder.mkdir(exist_ok=True)
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)

    def commit(self, message: str = "change", **workflows: str) -> None:
        """Commit workflows by name."""
        for name, text in workflows.items():
            self.write(f".github/workflows/{name}.yml", dedent(text))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def write(self, name: str, text: str) -> None:
        """Write a file into the clone."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def push(self, branch: str = "main", **workflows: str) -> None:
        """Commit workflows by name, and push them."""
        self.commit(**workflows)
        self.github.push(self.folder, branch)


@pytest.fixture
def clone(github: GitHub, tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "clone", github)


def workflow(jobs: str, on: str = "push", more: str = "") -> str:
    return f"on: {on}\npermissions: {{}}\n{more}\njobs:\n{indent(dedent(jobs), '  ')}"


def job(steps: str, name: str = "job", more: str = "") -> str:
    """One job; `steps` and `more` as YAML."""
    return f"{name}:\n  runs-on: ubuntu-24.04\n{indent(dedent(more), '  ')}\n  steps:\n{indent(dedent(steps), '  ')}\n"


def ask(github: GitHub, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    """Call the REST API as a program does; return status and answer."""
    content = None if body is None else json.dumps(body).encode()
    url = f"{github.api}/repos/{github.repository}/{path}"
    request = urllib.request.Request(url, content, {"Authorization": f"Bearer {token}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


@contextmanager
def run_of(
    jobs: list[str], folder: Path, files: dict[str, str] | None = None, grace: int = 300, **more: dict[str, str]
) -> Iterator[Run]:
    """The one run of a workflow of these jobs, in a repository with these files; more: its `settings` and `secrets`.

    `grace`: seconds for what a job still does that was cancelled or took too long.
    """
    with GitHub(folder / "github") as github:
        github.grace = grace
        github.settings |= more.get("settings", {})
        github.secrets |= more.get("secrets", {})
        clone = Checkout(folder / "clone", github)
        for name, text in (files or {}).items():
            clone.write(name, text)
        clone.commit("first")
        clone.push(ci=workflow("".join(jobs), more="env: {TOP: '${{ github.ref_name }}'}"))
        [run] = github.run_all()
        yield run
