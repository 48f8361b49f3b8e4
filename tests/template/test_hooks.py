"""What happens around generation: git where it helps, the next commands, no need of the machine."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

NO_NETWORK = """
import socket


def refuse(*_arguments, **_options):
    raise OSError("the test forbids the network")


socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
"""


def generate(folder: Path, *answers: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`cookiecutter` as a user runs it in `folder`, which is also the shell's $PWD."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", str(ROOT), *answers]
    variables = {**os.environ, "PWD": str(folder), "GIT_CEILING_DIRECTORIES": "", **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_says_the_three_next_commands_and_nothing_else(tmp_path: Path) -> None:
    result = generate(tmp_path)

    assert result.returncode == 0
    assert result.stdout == "Next:\n  cd flight-delays\n  make train\n  make serve\n"
    assert result.stderr == ""


def test_the_way_to_the_project_is_right_when_it_is_made_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "in side").mkdir()
    (tmp_path / "far").mkdir()

    inside = generate(tmp_path, "-o", "in side")
    outside = generate(tmp_path / "far", "-o", "..")

    assert "  cd 'in side/flight-delays'\n" in inside.stdout
    assert f"  cd {tmp_path / 'flight-delays'}\n" in outside.stdout


def test_makes_a_repository_on_main_with_no_commit(tmp_path: Path) -> None:
    generate(tmp_path)

    project = tmp_path / "flight-delays"
    assert git(project, "rev-parse", "--show-toplevel") == str(project.resolve())
    assert git(project, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(project, "for-each-ref") == ""
    assert git(project, "diff", "--cached", "--name-only") == ""


def test_git_offers_every_file_for_the_first_commit(tmp_path: Path) -> None:
    generate(tmp_path)

    project = tmp_path / "flight-delays"
    ignored = git(project, "ls-files", "--others", "--ignored", "--exclude-standard")
    assert ignored == ""


def test_leaves_an_outer_repository_alone_and_says_what_to_do(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")

    result = generate(tmp_path)

    assert result.returncode == 0
    assert not (tmp_path / "flight-delays" / ".git").exists()
    note = result.stdout.splitlines()[0]
    assert f"inside the git repository {tmp_path.resolve()}" in note
    assert "git init -b main" in note
    assert result.stdout.splitlines()[-1] == "  make serve"


def test_makes_a_repository_where_the_outer_one_ignores_the_folder(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("build/\n", encoding="utf-8")
    (tmp_path / "build").mkdir()

    result = generate(tmp_path / "build")

    project = tmp_path / "build" / "flight-delays"
    assert result.stdout.startswith("Next:\n")
    assert git(project, "rev-parse", "--show-toplevel") == str(project.resolve())


def test_a_git_hook_that_calls_cookiecutter_does_not_misdirect_it(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "--quiet")

    generate(tmp_path, GIT_DIR=str(elsewhere / ".git"), GIT_WORK_TREE=str(elsewhere))

    assert (tmp_path / "flight-delays" / ".git").is_dir()


def test_generating_over_a_project_keeps_its_repository_and_branch(tmp_path: Path) -> None:
    generate(tmp_path)
    project = tmp_path / "flight-delays"
    git(project, "checkout", "--quiet", "-b", "work")

    result = generate(tmp_path, "-f")

    assert result.returncode == 0
    assert git(project, "symbolic-ref", "HEAD") == "refs/heads/work"


def test_works_without_git_without_uv_and_without_network(tmp_path: Path) -> None:
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


def test_generates_from_a_clone_by_address(tmp_path: Path) -> None:
    """As `cookiecutter gh:<owner>/cookiecutter-cd4ml` does: git clones the address, then generates."""
    source = tmp_path / "cookiecutter-cd4ml.git"
    kept = shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", ".*_cache", ".uv*")
    shutil.copytree(ROOT, source, ignore=kept)
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
