"""Whatever the shell holds, a verb runs this folder's code in this folder's repository, or says in one line why not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cd4ml
import pytest
from cd4ml.cli import main
from house_project import PYPROJECT
from trained_repository import run, train

Captured = pytest.CaptureFixture[str]
Step = Callable[..., dict[str, str]]
LIBRARY = Path(cd4ml.__file__).parents[1]
VERSION = "2024-02-29.bbbbbbb"


def python(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run this environment's Python in the working directory."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | settings,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def subfolder(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained repository, as a folder of a larger one; it is the working directory."""
    project = tmp_path / "larger/dienste/häuser"
    project.parent.mkdir(parents=True)
    repository.rename(project)
    (project / ".git").rename(tmp_path / "larger/.git")
    monkeypatch.chdir(project)
    (tmp_path / "larger/dvc.lock").write_text("of another project\n", encoding="utf-8")
    run("git", "add", "--all", str(tmp_path / "larger"))
    run("git", "commit", "--quiet", "--message", "a larger repository")
    return project


@pytest.fixture
def trained(subfolder: Path) -> Path:
    """The same with a model that is trained, passed the gate, and is not committed."""
    Path("params.yaml").write_text("model: {depth: 2}\n", encoding="utf-8")
    train(VERSION)
    return subfolder


def test_a_copied_folder_does_not_run_the_code_of_the_original(repository: Path, capsys: Captured) -> None:
    Path("cd4ml/src/cd4ml").mkdir(parents=True)

    assert main(["status"]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"status: this environment has the code of another folder, {LIBRARY.parents[1]}: make setup")


def test_another_projects_environment_is_rejected(
    repository: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    (other / ".venv").mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(other / ".venv"))
    assert main(["status"]) == 0  # an environment beside something that is no project

    (other / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    assert main(["status"]) == 1

    assert f"this environment has the code of another folder, {other}: make setup" in capsys.readouterr().err


def test_pythonpath_is_named_if_it_hides_the_projects_library(repository: Path) -> None:
    Path("cd4ml/src/cd4ml").mkdir(parents=True)

    done = python("-m", "cd4ml", "status", PYTHONPATH=f"{LIBRARY}{os.pathsep}/nowhere")

    assert done.returncode == 1
    assert done.stderr == f"status: PYTHONPATH names the library of another folder, {LIBRARY}: unset PYTHONPATH\n"


def test_the_repository_of_a_hook_is_not_used_for_this_folder(
    repository: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["status"]) == 0
    expected = capsys.readouterr().out
    run("git", "init", "--quiet", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other/.git/index"))

    assert main(["status"]) == 0

    assert capsys.readouterr().out == expected


def test_the_bot_commits_whoever_the_shell_names_as_author(
    trained: Path, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")

    step("commit-model")

    assert run("git", "log", "-1", "--format=%an %cn") == "github-actions[bot] github-actions[bot]"


@pytest.mark.parametrize("verb", ["train", "gate"])
def test_a_folder_that_git_does_not_trust_is_reported_with_gits_command(
    verb: str, repository: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git then takes the owner for another user

    assert main([verb]) == 1

    assert capsys.readouterr().err == (
        f"{verb}: git does not read this folder, since another user owns it: "
        f"git config --global --add safe.directory {repository}\n"
    )


def test_text_in_git_is_utf_8_whatever_the_locale_is(repository: Path) -> None:
    Path("model.py").write_text("größer − 1\n", encoding="utf-8")
    run("git", "commit", "--all", "--quiet", "--message", "another model")
    program = "from cd4ml.files.git import file_at; print(ascii(file_at('HEAD', 'model.py')))"

    done = python("-c", program, LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert done.stdout == ascii("größer − 1\n") + "\n", done.stderr


def test_in_a_folder_of_a_larger_repository_exactly_the_trained_files_are_committed(trained: Path, step: Step) -> None:
    Path("model.py").write_text("mine\n", encoding="utf-8")
    Path("../../dvc.lock").write_text("mine\n", encoding="utf-8")

    assert step("commit-model")["bundle"] == VERSION

    changed = run("git", "-c", "core.quotePath=false", "show", "--name-only", "--format=", "HEAD").splitlines()
    folders = {name.removeprefix("dienste/häuser/").partition("/")[0] for name in changed}
    assert all(name.startswith("dienste/häuser/") for name in changed)
    assert folders == {"dvc.lock", "params.yaml", "reports"}
    Path("reports/gate.md").write_text("judged again\n", encoding="utf-8")
    assert step("commit-model")["commit"] == "none"


def test_in_a_folder_of_a_larger_repository_only_the_projects_files_are_proposed(
    trained: Path, origin: Path, step: Step, github_server: object, capsys: Captured
) -> None:
    run("git", "push", "--quiet", "--force", "origin", "HEAD:main")
    step("commit-model")
    assert step("propose-model")["branch"] == "ct/retrain"

    Path("../../dvc.lock").write_text("mine\n", encoding="utf-8")
    run("git", "add", "../../dvc.lock")
    run("git", "commit", "--quiet", "--amend", "--no-edit")
    run("git", "bundle", "create", "--quiet", "build/change.bundle", "HEAD", "^HEAD~1")
    step("propose-model", fails=True)

    assert "changes dvc.lock, which training does not; nothing was pushed" in capsys.readouterr().err


def test_undo_and_status_work_in_a_folder_of_a_larger_repository(trained: Path, capsys: Captured) -> None:
    Path("../notes.txt").write_text("mine\n", encoding="utf-8")

    assert main(["undo"]) == 0
    run("git", "checkout", "--quiet", "params.yaml")
    assert main(["status"]) == 0

    assert capsys.readouterr().out.splitlines()[1].split() == ["model", "2024-01-31.aaaaaaa", "current"]
    assert run("git", "status", "--porcelain", "--", ".") == ""
    assert Path("../notes.txt").exists()


def test_a_pull_of_a_commit_names_the_path_in_a_larger_repository(subfolder: Path, capsys: Captured) -> None:
    run(sys.executable, "-m", "dvc", "remote", "add", "--default", "storage", "/nowhere")

    assert main(["pull", "--rev", "HEAD"]) == 1

    root = run("git", "rev-parse", "--show-toplevel")
    assert f"uv run dvc get {root} 'dienste/häuser/PATH' --rev COMMIT" in capsys.readouterr().err
