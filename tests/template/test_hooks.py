"""What happens around generation: the project becomes a git repository, and the next commands are printed."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake
from tests.template.conftest import files_of

NO_NETWORK = """
import socket


def refuse(*_arguments, **_options):
    raise OSError("the test forbids the network")


socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
"""


Generate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def generate(template: Path) -> Generate:
    """`generate(folder, *answers, **environment)`: cookiecutter as a user runs it in `folder`, the shell's $PWD."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", str(template)]

    def run(folder: Path, *answers: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "PWD": str(folder), "GIT_CEILING_DIRECTORIES": "", **environment}
        return subprocess.run(
            [*command, *answers], cwd=folder, env=variables, capture_output=True, text=True, check=False
        )

    return run


def git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_prints_the_three_next_commands_and_makes_a_repository_on_main(generate: Generate, tmp_path: Path) -> None:
    result = generate(tmp_path)

    assert result.returncode == 0
    assert result.stdout == "Next:\n  cd flight-delays\n  make train\n  make serve\n"
    assert result.stderr == ""
    project = tmp_path / "flight-delays"
    assert git(project, "rev-parse", "--show-toplevel") == str(project.resolve())
    assert git(project, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(project, "for-each-ref") == ""
    assert git(project, "diff", "--cached", "--name-only") == ""
    ignored = git(project, "ls-files", "--others", "--ignored", "--exclude-standard")
    assert ignored == ""  # every file is offered for the first commit


def test_the_way_to_the_project_is_right_when_it_is_made_elsewhere(generate: Generate, tmp_path: Path) -> None:
    (tmp_path / "in side").mkdir()
    (tmp_path / "far").mkdir()

    inside = generate(tmp_path, "-o", "in side")
    outside = generate(tmp_path / "far", "-o", "..")

    assert "  cd 'in side/flight-delays'\n" in inside.stdout
    assert f"  cd {tmp_path / 'flight-delays'}\n" in outside.stdout


def test_leaves_an_outer_repository_alone_and_says_what_to_do(generate: Generate, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")

    result = generate(tmp_path)

    assert result.returncode == 0
    assert not (tmp_path / "flight-delays" / ".git").exists()
    note = result.stdout.splitlines()[0]
    assert f"inside the git repository {tmp_path.resolve()}" in note
    assert "git init -b main" in note
    assert result.stdout.splitlines()[-1] == "  make serve"


def test_makes_a_repository_if_the_outer_one_ignores_the_folder(generate: Generate, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("build/\n", encoding="utf-8")
    (tmp_path / "build").mkdir()

    result = generate(tmp_path / "build")

    project = tmp_path / "build" / "flight-delays"
    assert result.stdout.startswith("Next:\n")
    assert git(project, "rev-parse", "--show-toplevel") == str(project.resolve())


def test_a_git_hook_that_calls_cookiecutter_does_not_misdirect_it(generate: Generate, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "--quiet")

    generate(tmp_path, GIT_DIR=str(elsewhere / ".git"), GIT_WORK_TREE=str(elsewhere))

    assert (tmp_path / "flight-delays" / ".git").is_dir()


def test_generating_over_a_project_keeps_its_repository_and_branch(generate: Generate, tmp_path: Path) -> None:
    generate(tmp_path)
    project = tmp_path / "flight-delays"
    git(project, "checkout", "--quiet", "-b", "work")

    result = generate(tmp_path, "-f")

    assert result.returncode == 0
    assert git(project, "symbolic-ref", "HEAD") == "refs/heads/work"


def test_works_without_git_without_uv_and_without_network(generate: Generate, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    assert shutil.which("git", path=str(tmp_path / "bin")) is None

    result = generate(tmp_path, PATH=str(tmp_path / "bin"), PYTHONPATH=str(tmp_path / "python"))

    assert result.returncode == 0, result.stderr
    note, *rest = result.stdout.splitlines()
    assert "git was not found" in note
    assert "git init -b main" in note
    assert rest == ["Next:", "  cd flight-delays", "  make train", "  make serve"]
    assert (tmp_path / "flight-delays" / "README.md").is_file()


@pytest.mark.parametrize("hook", sorted(ROOT.glob("hooks/*.py")), ids=lambda path: path.stem)
def test_hooks_use_the_standard_library_alone(hook: Path) -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(hook.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip

    assert imported <= sys.stdlib_module_names
    assert imported.isdisjoint({"http", "socket", "ssl", "urllib"})


def test_generates_from_a_clone_by_address(template: Path, tmp_path: Path) -> None:
    """As `cookiecutter gh:<owner>/cookiecutter-cd4ml` does: git clones the address, then generates."""
    source = shutil.copytree(template, tmp_path / "cookiecutter-cd4ml.git")
    git(source, "init", "--quiet")
    git(source, "add", "--all")
    git(source, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "all")
    (tmp_path / "home").mkdir()
    work = tmp_path / "work"
    work.mkdir()

    command = [sys.executable, "-m", "cookiecutter", "--no-input", f"file://{source}"]
    home = {**os.environ, "HOME": str(tmp_path / "home")}
    result = subprocess.run(command, cwd=work, env=home, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    assert (work / "flight-delays" / "data" / "source" / "2013-01.parquet").is_file()
    library = "<<cookiecutter.project_slug>>/cd4ml"  # git's ignored files are among those that a clone lacks
    assert files_of(work / "flight-delays/cd4ml") == files_of(template / library)


def test_leaves_out_what_tools_left_in_the_library(bake: Bake, template: Path, tmp_path: Path) -> None:
    """The library is copied as it lies in the template, where its tests, ruff, mypy and import-linter run."""
    source = shutil.copytree(template, tmp_path / "template")
    library = source / "<<cookiecutter.project_slug>>/cd4ml"
    left = ["__pycache__", ".hypothesis", ".import_linter_cache", ".mypy_cache", ".pytest_cache", ".ruff_cache"]
    for folder in (library, library / "src/cd4ml", library / "src/cd4ml/serving"):
        for name in left:
            (folder / name / "deeper").mkdir(parents=True)
            (folder / name / "deeper" / "file").write_text("made by a tool\n", encoding="utf-8")

    project = bake(into=tmp_path / "baked", template=source)

    made = [str(path.relative_to(project)) for path in project.rglob("*") if path.name in left]
    assert made == []
    assert (project / "cd4ml/src/cd4ml/serving/app.py").is_file()
