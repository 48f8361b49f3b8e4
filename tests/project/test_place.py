"""A project works wherever it lies and whatever the shell holds, or says in one line what is in the way."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from tests.project.baked import Project

FEATURE = '    features["month"] = month(departure)\n'
TWICE = '    features["twice"] = features["distance"] * 2\n'


def moved(project: Project, folder: Path) -> Project:
    """Move a project with its environment, as `mv` does."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return Project(Path(shutil.move(project.folder, folder)))


def gated(project: Project) -> str:
    """Train another model, and return what the gate prints about it: it compares it with the committed one."""
    project.replace("params.yaml", "iterations: 10", "iterations: 12")
    project.make("train")
    return project.make("gate", check=False).stdout


def test_a_copied_folder_makes_its_own_environment_and_trains_its_own_code(small: Project, tmp_path: Path) -> None:
    copy = Project(Path(shutil.copytree(small.folder, tmp_path / "copy", symlinks=True)))
    copy.replace("src/flight_delays/features.py", FEATURE, FEATURE + TWICE)
    original = small.state()

    direct = copy.run(".venv/bin/cd4ml", "status", check=False)
    assert direct.stdout.splitlines() == [
        f"status: this environment has the code of another folder, {small.folder}: "
        "make setup makes this folder's own; then use make or uv run, without UV_NO_SYNC"
    ]
    assert "17 features" in copy.make("train").stdout

    assert "twice" in copy.read_json("models/bundle/bundle.json")["numbers"]
    assert "current" in copy.run(".venv/bin/cd4ml", "status").stdout
    assert small.state() == original


def test_a_moved_folder_works_though_the_original_is_gone(small: Project, tmp_path: Path) -> None:
    project = moved(small, tmp_path / "elsewhere/project")

    assert "current" in project.make("status").stdout
    assert "Nothing to be done" in project.make("setup").stdout


def test_the_folders_name_may_hold_any_letter(small: Project, tmp_path: Path) -> None:
    project = moved(small, tmp_path / "o'brien josé (1)/late flights")

    printed = gated(project)

    assert re.search(r"requests +passed +compatible", printed), printed
    assert "not known" not in printed
    assert "failed" not in project.make("test").stdout
    assert "next: make gate" in project.make("status").stdout


def test_a_folder_of_a_larger_repository_is_trained_gated_and_undone(small: Project, tmp_path: Path) -> None:
    project = moved(small, tmp_path / "larger/services/delays")
    (project.folder / ".git").rename(tmp_path / "larger/.git")
    project.run("git", "add", "-A", "../..")
    project.commit("a larger repository")
    (tmp_path / "larger/notes.txt").write_text("of another team\n", encoding="utf-8")
    before = project.state()

    printed = gated(project)

    assert re.search(r"requests +passed +compatible", printed), printed
    assert "model.iterations" in project.make("metrics").stdout
    project.run("git", "checkout", "params.yaml")
    project.make("undo")
    assert project.state() == before
    project.make("refresh", settings={"UNTIL": "2013-02-28"})
    assert "current" in project.make("status").stdout
    assert (tmp_path / "larger/notes.txt").exists()


def test_a_clone_of_a_git_that_writes_carriage_returns_has_the_same_bytes(small: Project, tmp_path: Path) -> None:
    small.run("git", "clone", "--quiet", "--config", "core.autocrlf=true", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")

    tracked = small.run("git", "ls-files", "-z").stdout.split("\0")[:-1]

    assert [name for name in tracked if (clone.folder / name).read_bytes() != (small.folder / name).read_bytes()] == []
    assert ".gitattributes" in tracked


def test_what_the_shell_holds_for_something_else_changes_nothing(small: Project, tmp_path: Path) -> None:
    other = Project(Path(shutil.copytree(small.folder, tmp_path / "other", symlinks=True)))
    (other.library / "cli.py").write_text("raise SystemExit('of another project')\n", encoding="utf-8")
    shell = {
        "CDPATH": str(tmp_path),
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_DIR": str(other.folder / ".git"),
        "GIT_INDEX_FILE": str(other.folder / ".git/index"),
        "LC_ALL": "C",
        "MAKEFLAGS": "-j8",
        "NO_COLOR": "1",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": str(other.library.parent),
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "error",
        "TZ": "Pacific/Kiritimati",
        "UV_FROZEN": "1",
        "UV_NO_DEFAULT_GROUPS": "1",
        "UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment"),
        "VIRTUAL_ENV": str(other.folder / ".venv"),
    }
    (small.folder / ".venv/ready").unlink()
    small.replace("params.yaml", "iterations: 10", "iterations: 12")

    printed = small.make("setup", "train", "test", "status", settings=shell).stdout

    assert "warning" not in printed.lower().replace("warnings.warn", "")
    assert printed.index("bundle 2013") < printed.index(" passed") < printed.rindex("current")
    assert (
        small.make("gate", check=False, settings=shell | {"LC_ALL": "tr_TR.ISO-8859-9"}).stdout.count("compatible") == 2
    )
    assert not (tmp_path / "environment").exists()


def test_an_index_that_the_lock_file_does_not_name_is_reported_with_the_ways_out(small: Project) -> None:
    (small.folder / ".venv/ready").unlink()

    failed = small.make("setup", check=False, settings={"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"})

    assert failed.returncode != 0
    (line,) = [line for line in failed.stdout.splitlines() if line.startswith("setup: ")]
    assert line == (
        "setup: UV_DEFAULT_INDEX is set; "
        "if uv.lock is of another index then unset it; or run uv lock and commit uv.lock"
    )


def test_a_repository_of_another_user_is_reported_with_gits_own_command(small: Project) -> None:
    failed = small.make("train", check=False, settings={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})

    assert failed.returncode != 0
    assert (
        "train: git does not read this folder, since another user owns it: "
        f"git config --global --add safe.directory {small.folder}"
    ) in failed.stdout
    assert "git init" not in failed.stdout
    assert os.environ.get("GIT_TEST_ASSUME_DIFFERENT_OWNER") is None
