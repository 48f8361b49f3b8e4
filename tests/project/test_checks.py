"""What others know of the project's parts is asked for, and no answer is never a pass."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.project.baked import Project, free_port
from tests.project.linked_environment import link

WHO = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
GITLEAKS = """#!/bin/sh
# Stands in for gitleaks: ends with $LEAKS.
[ "$1" != --version ] || { echo 8.30.1; exit; }
exit "${LEAKS:-0}"
"""


@pytest.fixture
def project(bake: Bake, environment: Path, tmp_path: Path) -> Project:
    """A project as it was generated."""
    made = Project(bake(into=tmp_path / "baked"))
    link(environment, made.folder)
    made.commit("as generated")
    return made


@contextmanager
def osv(package: str = "") -> Iterator[str]:
    """Answer as osv.dev does, which knows of one vulnerability of a package; yield the address."""

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = {"vulns": [{"id": "GHSA-aaaa-bbbb-cccc", "modified": "2026-01-01T00:00:00Z"}]}
            self._send({"results": [known if one["package"]["name"] == package else {} for one in asked["queries"]]})

        def do_GET(self) -> None:
            fixed = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}
            affected = {"package": {"name": package, "ecosystem": "PyPI"}, "ranges": [fixed]}
            vulnerability = {
                "id": self.path.rpartition("/")[2],
                "modified": "2026-01-01T00:00:00Z",
                "summary": "it is open",
            }
            self._send(vulnerability | {"affected": [affected]})

        def _send(self, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_audit_passes_only_what_is_known_to_be_well(project: Project) -> None:
    with osv() as well:
        printed = project.cd4ml("audit", settings={"AUDIT_URL": well}).stdout
    assert "audit: no known vulnerability in what uv.lock names\n" in printed

    with osv("numpy") as ill:
        rejected = project.cd4ml("audit", settings={"AUDIT_URL": ill}, check=False)
        with (project.folder / "pyproject.toml").open("a") as stream:
            stream.write('\n[tool.uv.audit]\nignore = ["GHSA-aaaa-bbbb-cccc"]\n')
        accepted = project.cd4ml("audit", settings={"AUDIT_URL": ill})
    assert rejected.returncode != 0
    assert "GHSA-aaaa-bbbb-cccc" in rejected.stdout
    assert "audit: no known vulnerability" in accepted.stdout


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"AUDIT_URL": f"http://127.0.0.1:{free_port()}", "UV_HTTP_RETRIES": "0"}, "audit: no verdict"),
        ({"AUDIT_URL": "http://example.org"}, "audit: AUDIT_URL must begin with https://"),
    ],
)  # fmt: skip
def test_an_audit_without_a_verdict_does_not_pass(project: Project, settings: dict[str, str], why: str) -> None:
    result = project.cd4ml("audit", settings=settings, check=False)

    assert result.returncode != 0
    assert why in result.stdout


def test_secrets_are_looked_for_in_the_whole_history(project: Project, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gitleaks").write_text(GITLEAKS)
    (tmp_path / "bin/gitleaks").chmod(0o755)
    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    assert "none in 1 commits" in project.cd4ml("scan-secrets", settings=path).stdout
    for code, why in (("3", "revoke what is named above"), ("1", "gitleaks failed (exit code 1), which is no pass")):
        result = project.cd4ml("scan-secrets", settings=path | {"LEAKS": code}, check=False)
        assert result.returncode != 0
        assert why in result.stdout

    project.run("git", "commit", "--quiet", "--allow-empty", "--message", "more", settings=WHO)
    project.run("git", "clone", "--quiet", "--depth=1", project.folder.as_uri(), str(tmp_path / "shallow"))
    result = Project(tmp_path / "shallow").cd4ml("scan-secrets", settings=path, check=False)
    assert result.returncode != 0
    assert "only the newest commits are here" in result.stdout


def test_a_workflow_with_an_error_is_rejected(project: Project) -> None:
    project.cd4ml("lint-workflows")
    for file, text in (
        (".github/workflows/ci.yml", "\n  typo: {runs-on: ubuntu-24.04, stepz: []}\n"),
        (".github/workflows/ci.yml", "\n  loose: {runs-on: ubuntu-24.04, steps: [{uses: actions/checkout@v4}]}\n"),
    ):
        path = project.folder / file
        before = path.read_text()
        path.write_text(before + text)
        assert project.cd4ml("lint-workflows", check=False).returncode != 0, text
        path.write_text(before)
