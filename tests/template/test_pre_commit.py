"""The hooks of a commit, here and in a generated project: pre-commit passes what is well, and names what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.template.conftest import DEFAULT, TOOLS, parse_yaml

CONFIG = ".pre-commit-config.yaml"
OURS = ROOT / CONFIG
WHO = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
MOST_SECONDS = 5.0
"""On a machine that runs other tests as well; alone it takes about a second."""


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Stage everything, and run the hooks on it as `git commit` does."""
    git(folder, "add", "--all")
    return subprocess.run(
        [TOOLS / "pre-commit", "run"],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def with_tools(folder: Path) -> None:
    """Put the commands of this environment where the project's own would be."""
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("cd4ml", "ruff"):
        (folder / ".venv/bin" / name).symlink_to(TOOLS / name)


@pytest.fixture
def project(combination: Callable[[str], Path], tmp_path: Path) -> Path:
    """The default project, committed but for one change of each kind of file."""
    folder = tmp_path / "project"
    shutil.copytree(combination(DEFAULT), folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as generated")
    with_tools(folder)
    return folder


def test_a_commit_is_checked_in_about_a_second(project: Path, tmp_path: Path) -> None:
    settings = {"PYTHONPATH": str(project / "cd4ml/src"), "PRE_COMMIT_HOME": str(tmp_path / "cache")}
    features = project / "src/flight_delays/features.py"
    features.write_text(features.read_text(encoding="utf-8") + "\n\n# more\n", encoding="utf-8")
    with (project / "params.yaml").open("a", encoding="utf-8") as params:
        params.write("\n# more\n")

    began = time.monotonic()
    passed = commit(project, **settings)
    took = time.monotonic() - began

    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Skipped" not in passed.stdout
    assert took < MOST_SECONDS

    features.write_text(features.read_text(encoding="utf-8") + "import os\nx  = 1\n", encoding="utf-8")
    with (project / "params.yaml").open("a", encoding="utf-8") as params:
        params.write("typo: 1\n")
    rejected = commit(project, **settings)

    assert rejected.returncode == 1
    assert rejected.stdout.count("Failed") == 3
    for finding in ("params.yaml:", "F401", "would be reformatted"):
        assert finding in rejected.stdout


def test_the_templates_own_hooks_check_its_code_and_the_library(tmp_path: Path) -> None:
    folder, library = tmp_path / "template", "<<cookiecutter.project_slug>>/cd4ml"
    for name in (CONFIG, "pyproject.toml", f"{library}/pyproject.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    with_tools(folder)
    settings = {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    (folder / "ours.py").write_text('"""Ours."""\n', encoding="utf-8")
    (folder / library / "src/theirs.py").parent.mkdir()
    (folder / library / "src/theirs.py").write_text('"""Theirs."""\n', encoding="utf-8")

    passed = commit(folder, **settings)
    for name in ("ours.py", f"{library}/src/theirs.py"):
        (folder / name).write_text("import os\nx  = 1\n<<<<<<< HEAD\n", encoding="utf-8")
    rejected = commit(folder, **settings)

    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Skipped" not in passed.stdout
    assert rejected.stdout.count("Failed") == 5
    assert "leftover conflict marker" in rejected.stdout


def test_no_hook_brings_a_tool_of_its_own(combination: Callable[[str], Path]) -> None:
    """What runs is what uv.lock has: no second version of ruff, and nothing to download."""
    for path in (OURS, combination(DEFAULT) / CONFIG):
        (config,) = parse_yaml(path.read_text(encoding="utf-8"))
        assert [repository["repo"] for repository in config["repos"]] == ["local"]
        assert {hook["language"] for hook in config["repos"][0]["hooks"]} == {"system"}
