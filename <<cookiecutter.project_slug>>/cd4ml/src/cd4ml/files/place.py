"""Check where a verb runs: in the project whose library and environment it has, and in a repository that git reads."""

import os
import sys
import warnings
from pathlib import Path

import cd4ml
from cd4ml.errors import UserError
from cd4ml.files.git import run_git

_LIBRARY = Path("cd4ml/src/cd4ml")  # the library in the folder of a project
_SECTION = "[tool.cd4ml]"  # in the pyproject.toml of a project
_OF_A_CALLER = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),  # of the repository whose hook calls
    "PYTHONWARNINGS",  # a warning of a package that is installed is no error of the project
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),  # the workflows' bot commits
)


class PlaceError(UserError):
    """The command runs with another project's environment, or outside a git repository."""


def forget_caller() -> None:
    """Remove what a git hook or a shell set for something else: git is to use the repository of this folder."""
    if os.environ.get("PYTHONWARNINGS"):
        warnings.simplefilter("default")
    for name in _OF_A_CALLER:
        os.environ.pop(name, None)


def check_environment(folder: Path = Path()) -> None:
    """Check that the library that runs is the one of a project, and that the environment is of no other project.

    Args:
        folder: the project.

    Raises:
        PlaceError: the project was copied or moved with its environment, another project's environment is active, or
            PYTHONPATH names another copy of the library.
    """
    running, own = Path(cd4ml.__file__).parent, folder / _LIBRARY
    if own.is_dir() and not own.samefile(running):
        if _is_on_pythonpath(running.parent):
            raise PlaceError(f"PYTHONPATH names the library of another folder, {running.parent}: unset PYTHONPATH")
        raise PlaceError(_of_another(running.parents[2]))
    environment = Path(sys.prefix)
    if _is_project(environment.parent) and not environment.parent.samefile(folder):
        raise PlaceError(_of_another(environment.parent))


def _is_on_pythonpath(folder: Path) -> bool:
    entries = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return any(Path(entry).absolute() == folder.absolute() for entry in entries)


def _is_project(folder: Path) -> bool:
    pyproject = folder / "pyproject.toml"
    return pyproject.is_file() and _SECTION in pyproject.read_text(encoding="utf-8", errors="replace")


def _of_another(folder: Path) -> str:
    return (
        f"this environment has the code of another folder, {folder}: "
        "make setup makes this folder's own; then use make or uv run, without UV_NO_SYNC"
    )


def check_git() -> None:
    """Check that this folder is in a repository that git reads.

    Raises:
        PlaceError: git is not installed, there is no repository, or git does not trust the owner of this folder.
    """
    try:
        done = run_git("rev-parse", "--git-dir")
    except FileNotFoundError:
        raise PlaceError("git was not found, and DVC needs it: install git, then run git init -b main") from None
    if done.returncode == 0:
        return
    advice = [line.strip() for line in done.stderr.splitlines() if "safe.directory" in line]
    if advice:
        raise PlaceError(f"git does not read this folder, since another user owns it: {advice[0]}")
    if "not a git repository" in done.stderr:
        raise PlaceError("not in a git repository, which DVC needs: run git init -b main")
    reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
    raise PlaceError(f"git cannot read the repository of this folder: {reason}")
