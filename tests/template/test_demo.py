"""The demo's own parts: a second bake touches only what differs, and nothing it starts outlives it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.demo import free_port, running
from demo.refresh import refresh
from tests.template.conftest import DEFAULT


def baked(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "project"


def test_a_second_bake_touches_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    project = tmp_path / "build" / "project"
    first = {"a.py": "a", "sub/b.py": "b", "old.py": "gone", "run.sh": "x"}
    refresh(project, baked(tmp_path / "one", first))
    (project / "models").mkdir()
    (project / "models" / "kept").write_text("trained", encoding="utf-8")
    (project / ".git").mkdir()
    (project / ".git" / "HEAD").write_text("ours", encoding="utf-8")
    untouched = (project / "a.py").stat()

    again = baked(tmp_path / "two", {"a.py": "a", "sub/b.py": "B", "new/c.py": "c", "run.sh": "x"})
    (again / "run.sh").chmod(0o755)
    (again / ".git").mkdir()
    (again / ".git" / "HEAD").write_text("theirs", encoding="utf-8")
    _, words = refresh(project, again)

    files = {str(p.relative_to(project)): p.read_text(encoding="utf-8") for p in project.rglob("*") if p.is_file()}
    assert files == {
        "a.py": "a",
        "sub/b.py": "B",
        "new/c.py": "c",
        "run.sh": "x",
        "models/kept": "trained",
        ".git/HEAD": "ours",
    }
    after = (project / "a.py").stat()
    assert (after.st_mtime_ns, after.st_ino) == (untouched.st_mtime_ns, untouched.st_ino)
    assert os.access(project / "run.sh", os.X_OK)
    assert words == "3 of 4 files changed, 1 removed"


def test_the_same_bake_changes_nothing(combination: Callable[[str], Path], tmp_path: Path) -> None:
    project = tmp_path / "kept"
    refresh(project, shutil.copytree(combination(DEFAULT), tmp_path / "one"))

    _, words = refresh(project, combination(DEFAULT))

    assert words == "nothing changed"


@pytest.mark.parametrize("trap", ["", "trap '' TERM;"], ids=["polite", "stubborn"])
def test_nothing_that_was_started_outlives_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    monkeypatch.setattr("demo.demo.GRACE", 0.5)
    started = tmp_path / "started"

    def interrupted() -> None:
        with running(["bash", "-c", f"{trap} sleep 60 & echo $! > {started}; sleep 60"], tmp_path):
            deadline = time.monotonic() + 30
            while not (started.is_file() and started.read_text(encoding="utf-8")):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    child = started.read_text(encoding="utf-8").strip()
    deadline = time.monotonic() + 30  # a signal that was sent takes a moment to arrive
    while (state := state_of(child)) not in ("", "Z") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state in ("", "Z")


def state_of(process: str) -> str:
    """The letter that ps has for a process; nothing if there is none."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1]


def test_a_free_port_is_free() -> None:
    port = free_port()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
