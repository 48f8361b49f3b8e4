"""How tests get a project baked from this template, and what happens where a machine lacks something."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter
from hypothesis import settings

from scripts.generator import CACHES, ROOT, copy_generator

__all__ = ["CACHES", "ROOT"]

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# `make test` starts pytest: a make that a test starts would print which folder it enters, as a part of that one.
for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(variable, None)

# The same cases in each run, so that a check of a change fails for what the change did. To search anew:
# `--hypothesis-profile default`.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

Bake = Callable[..., Path]
Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def template(once: Once) -> Path:
    """A copy of what cookiecutter reads, without caches, which other tests write while this one is baked from.

    A fork's standard is left out: the tests say what the template itself generates.
    """
    return once("template", copy_generator)


@pytest.fixture(scope="session")
def bake(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Bake:
    """`bake(into=None, template=None, **answers)`: a project made from answers, defaults for the rest.

    Runs in this process, apart from the user's own cookiecutter settings and records.
    """
    records = tmp_path_factory.mktemp("cookiecutter")
    settings: dict[str, Any] = {"replay_dir": str(records), "cookiecutters_dir": str(records)}
    default_template = template

    def run(into: Path | None = None, template: Path | None = None, **answers: str) -> Path:
        folder = into or tmp_path_factory.mktemp("baked")
        project = cookiecutter(
            str(template or default_template),
            no_input=True,
            extra_context=answers,
            output_dir=str(folder),
            default_config=settings,
        )
        return Path(project)

    return run


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """`once("name", make)`: a folder that `make` has filled, once for all processes that share the tests."""
    ours = tmp_path_factory.getbasetemp()
    shared = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                unfinished = shared / f"{name}.new"
                shutil.rmtree(unfinished, ignore_errors=True)
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return made


@pytest.fixture(scope="session")
def need() -> Callable[[str, object, str], None]:
    """`need("docker", present, "no container engine answers")`: skip with the reason when it is not present.

    A machine that promises the capability (its name is in $CD4ML_EXPECT) fails instead of skipping.
    """
    promised = os.environ.get("CD4ML_EXPECT", "").split()

    def check(capability: str, present: object, reason: str) -> None:
        if present:
            return
        if capability in promised:
            pytest.fail(f"{reason}, though CD4ML_EXPECT promises {capability}")
        pytest.skip(reason)

    return check


@pytest.fixture(scope="session")
def engine(need: Callable[[str, object, str], None]) -> None:
    """A container engine that answers."""
    from tests.engine import DOCKER, docker

    there = shutil.which(DOCKER) and docker("info", check=False).returncode == 0
    need("docker", there, "no container engine answers")
