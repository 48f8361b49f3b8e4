"""A contender's own environment, from its own lock file, and the folder that it runs in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.laptop import ENVIRONMENT, ROOT
from benchmarks.serving.contenders import Contender
from benchmarks.serving.models import BUILD, LARGE, PATIENCE, PEERS, Model
from demo.demo import free_port
from scripts.locks import versions_of

SERVES = ["--no-default-groups", "--no-install-workspace"]  # what the image of the service installs


class ContenderError(Exception):
    """A contender cannot be installed or started, answers wrongly, or fails under load; the message says how."""


def run(command: list[str], folder: Path, settings: dict[str, str]) -> None:
    """Run a command to its end.

    Raises:
        ContenderError: it failed.
    """
    done = subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        raise ContenderError(f"`{' '.join(command)[:200]}` failed: {done.stderr[-1500:]}")


def size(*folders: Path) -> int:
    """Return the bytes of all files in folders; a file that has two names counts once."""
    sizes = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


@dataclass(frozen=True)
class Installed:
    """A contender, installed and ready to start."""

    contender: Contender
    environment: Path
    work: Path
    """The folder it runs in."""
    code: list[Path]
    """Where Python finds modules that are not packages of the environment."""
    bytes: int
    """The size of the environment; for the generated service with the library."""

    def filled(self, texts: list[str]) -> list[str]:
        """Return texts with the folders and ports that they name."""
        peer = PEERS / (self.contender.peer or "")
        names = {"bin": self.environment / "bin", "peer": peer, "model": PEERS / "model", "work": self.work}
        ports = {name: str(free_port()) for name in ("port", "port2", "port3")}
        return [text.format(**names, **ports) for text in texts]

    def settings(self, model: Model) -> dict[str, str]:
        """Return the environment variables that it runs with, but for those that name a port."""
        own = {"MODEL": str(model.pickled), "CONTRACT": str(model.contract)} if self.contender.peer else {}
        path = f"{self.environment / 'bin'}{os.pathsep}{ENVIRONMENT['PATH']}"
        return ENVIRONMENT | own | {"PATH": path, "PYTHONPATH": os.pathsep.join(map(str, self.code))}


def check_scikit_learn(contender: Contender) -> None:
    """Check that a contender's lock file has the scikit-learn that pickled the model.

    Raises:
        ContenderError: it has another version.
    """
    folder = PEERS / str(contender.peer)
    locked, ours = (versions_of(lock).get("scikit-learn") for lock in (folder / "uv.lock", ROOT / "uv.lock"))
    if locked not in (None, ours):
        place = folder.relative_to(ROOT)
        raise ContenderError(
            f"its scikit-learn is {locked}, the model's {ours}; change {place}/pyproject.toml, then `uv lock` there"
        )


def install(contender: Contender, model: Model) -> Installed:
    """Make a contender's environment, with all bytecode compiled, and its folder for one model.

    Raises:
        ContenderError: its packages cannot be installed or do not fit the model, or what it does before its start
            failed.
    """
    name = contender.peer or contender.name
    environment, work = BUILD / "environments" / name, model.folder / contender.name
    if contender.peer is None:
        library = model.project / "cd4ml/src"
        work, project, code = model.folder / str(contender.runtime), model.project, [library]
        more = [*SERVES, *(["--extra", "sklearn"] if contender.runtime == "sklearn" else [])]
    else:
        check_scikit_learn(contender)
        project, code, more = PEERS / contender.peer, [PEERS / contender.peer, PEERS / "model"], []
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        for path in (PEERS / contender.peer).glob("*.json"):
            shutil.copy(path, work)
        (work / "model.joblib").symlink_to(model.pickled)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    sync = ["uv", "sync", "--locked", "--quiet", "--compile-bytecode", "--python", version, *more]
    run(sync, project, ENVIRONMENT | {"UV_PROJECT_ENVIRONMENT": str(environment)})
    python = str(environment / "bin/python")
    run([python, "-m", "compileall", "-q", *map(str, code)], ROOT, ENVIRONMENT)
    own = [] if contender.peer else [model.project / "cd4ml/src"]
    installed = Installed(contender, environment, work, code, size(environment, *own))
    write_bodies(contender, model)
    if contender.prepare:
        run(installed.filled([*contender.prepare]), work, installed.settings(model))
    return installed


def body_file(contender: Contender, model: Model, rows: int) -> Path:
    """Return the file of a contender's requests of some size, one a line."""
    return model.folder / f"{contender.name}-{rows}.jsonl"


def write_bodies(contender: Contender, model: Model) -> None:
    """Write a contender's requests."""
    for rows in (1, LARGE):
        requests = [contender.request([model.rows[number] for number in numbers]) for numbers in model.requests(rows)]
        lines = [json.dumps(request, separators=(",", ":")) for request in requests]
        body_file(contender, model, rows).write_text("\n".join(lines) + "\n", encoding="utf-8")
