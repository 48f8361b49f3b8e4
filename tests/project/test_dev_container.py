"""Each dev container is built, and its user, who is not root, works in it: on a project, and on the template itself.

The feature that brings docker into a project's is an image of another registry's, and is not in here.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake
from tests.engine import docker
from tests.project.baked import Project
from tests.updating import git

Inside = Callable[[str], str]


@contextmanager
def dev_container(folder: Path, **settings: str) -> Iterator[Inside]:
    """Start a folder's dev container as an editor does; yield what runs a command of its user in the folder.

    Its `postCreateCommand` has run.
    """
    name, inner = f"dev-container:drill-{os.getpid()}", f"/workspaces/{folder.name}"
    docker("build", "--tag", name, str(folder / ".devcontainer"))
    started = docker("run", "--detach", "--init", "--user", "root", name, "sleep", "infinity").stdout.strip()

    def inside(command: str) -> str:
        variables = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
        path = f"export PATH=$PATH:{shlex.quote(inner)}/.uv/bin; "
        where = ["--user", "dev", "--workdir", inner, *variables, started]
        done = docker("exec", *where, "bash", "-c", path + command, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        docker("exec", started, "mkdir", "/workspaces")
        docker("cp", str(folder), f"{started}:{inner}")
        docker("exec", started, "chown", "--recursive", "dev", "/workspaces")
        assert inside("id --user").strip() == "1000"
        inside(json.loads(inside("cat .devcontainer/devcontainer.json"))["postCreateCommand"])
        yield inside
    finally:
        docker("rm", "--force", "--volumes", started, check=False)
        docker("image", "rm", "--force", name, check=False)


@pytest.mark.drill
@pytest.mark.usefixtures("engine")
def test_a_project_is_set_up_trained_and_tested_in_its_dev_container(bake: Bake, tmp_path: Path) -> None:
    project = Project(bake(into=tmp_path))
    project.shorten()
    project.commit("as generated")

    with dev_container(project.folder, TRACK="no") as inside:
        assert "next: make serve" in inside("make train")
        assert " passed" in inside("make test")
        assert inside("uv run cd4ml --version").startswith("cd4ml ")
        changed = inside("git status --porcelain").splitlines()

    assert changed == ["?? data/validated.json", "?? dvc.lock", "?? reports/"]


@pytest.mark.drill
@pytest.mark.usefixtures("engine")
def test_the_template_is_set_up_checked_and_generates_in_its_dev_container(tmp_path: Path) -> None:
    git(ROOT, "clone", "--quiet", "--no-local", str(ROOT), str(tmp_path / "cd4ml"))

    with dev_container(tmp_path / "cd4ml") as inside:
        assert "All checks passed!" in inside("make lint")
        assert " passed" in inside("uv run --locked pytest -q tests/template/test_library_folder.py")
        inside(".venv/bin/cookiecutter . --no-input --output-dir ~/made")
        assert "make train" in inside("make --directory ~/made/flight-delays help")
        assert inside("git status --porcelain") == ""
