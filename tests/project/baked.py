"""A generated project on disk, and what its owner does with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.project.linked_environment import link

PATIENCE = 1200  # seconds that any one command may take: all checks take three minutes, on a machine that is idle


def free_port() -> int:
    """Return a port on which nobody listens just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """This process's environment as a user's shell has it: bytecode is written, no virtual environment is active.

    MLflow takes seconds that only its own tests need to spend: they set TRACK to yes.
    """
    left_out = {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "UV_RUN_RECURSION_DEPTH"}
    return {name: value for name, value in os.environ.items() if name not in left_out} | {"TRACK": "no"} | more


@dataclass(frozen=True)
class Project:
    """A generated project."""

    folder: Path

    @property
    def package(self) -> str:
        return self.folder.name.replace("-", "_")

    @property
    def source(self) -> Path:
        return self.folder / "src" / self.package

    @property
    def library(self) -> Path:
        """The library's source in the project."""
        return self.folder / "cd4ml/src/cd4ml"

    @property
    def python(self) -> str:
        return str(self.folder / ".venv/bin/python")

    def run(
        self, *command: str, check: bool = True, settings: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the project's folder and return what it printed, both streams together."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment(**(settings or {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}"
        return done

    def make(
        self, *verbs: str, check: bool = True, settings: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run make with verbs, as `run` does."""
        return self.run("make", *verbs, check=check, settings=settings)

    def cd4ml(
        self, *words: str, check: bool = True, settings: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb of the command line, as `run` does; without an environment of its own, in the template's."""
        settings = settings or {}
        own = self.folder / ".venv/bin"
        folder = own if own.exists() else Path(sys.executable).parent
        if not own.exists():
            settings = {"PYTHONPATH": str(self.library.parent)} | settings
        path = f"{folder}{os.pathsep}{settings.get('PATH', os.environ['PATH'])}"
        return self.run(str(folder / "cd4ml"), *words, check=check, settings=settings | {"PATH": path})

    def start(self, *command: str, log: Path) -> subprocess.Popen[str]:
        """Start a command in a session of its own, its output in a file; `stop` ends it."""
        with log.open("w") as output:
            return subprocess.Popen(
                command, cwd=self.folder, env=environment(), stdout=output, stderr=output, text=True,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def commit(self, message: str = "state") -> None:
        self.run("git", "add", "-A")
        self.run("git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", message)

    def dvc(self, *words: str, settings: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run DVC from the project's environment, as `run` does; the stages find the command line there, too."""
        path = f"{self.folder}/.venv/bin{os.pathsep}{os.environ['PATH']}"
        return self.run(f"{self.folder}/.venv/bin/dvc", *words, settings={"PATH": path} | (settings or {}))

    def copy(self, folder: Path) -> Project:
        """Return this project at another place, in an environment that shares the packages of this one's."""
        ignored = shutil.ignore_patterns(".venv")
        shutil.copytree(self.folder, folder / self.folder.name, ignore=ignored, symlinks=True)
        copied = Project(folder / self.folder.name)
        link(self.folder / ".venv", copied.folder)
        return copied

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def read_json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def shorten(self) -> None:
        """Let the default project train on two months, with a tenth of the trees."""
        self.replace("params.yaml", "2013-07-31", "2013-02-28")
        self.replace("params.yaml", "iterations: 100", "iterations: 10")
        self.replace("params.yaml", "bootstrap_rounds: 1000", "bootstrap_rounds: 100")

    def accept(self) -> None:
        """Let the gate accept the model, though it has learnt from two months only."""
        self.replace("params.yaml", "floor: {roc_auc: 0.6}", "floor: {roc_auc: 0.5}")
        self.commit("a lower floor")  # as the default branch has it, or the gate rejects a looser limit
        self.make("gate")

    @property
    def digest(self) -> str:
        """The digest of its bundle."""
        return str(self.read_json("models/bundle/bundle.json")["digest"])

    def state(self) -> dict[str, bytes]:
        """Every file that its owner sees, but for the environment, git and DVC's own records."""
        tools = {".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__"}
        skipped = tools | {".git", ".dvc", ".mlflow", "mlflow.db", "mlartifacts"}
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not skipped & set(path.relative_to(self.folder).parts)
        }


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> int:
    """Stop a process that `start` began, with its children; return its exit code."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait(60)
