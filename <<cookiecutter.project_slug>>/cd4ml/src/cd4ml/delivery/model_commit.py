"""Make the one commit that a training leads to, and hand it from the job that trains to the job that pushes.

The first job runs code of a pull request and may not write to the repository. It writes the commit to
build/change.bundle, a git bundle; the second job checks which files the commit changes before it pushes it.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cd4ml.delivery.actions_io import run_url
from cd4ml.errors import UserError
from cd4ml.evaluation.formatting import format_number
from cd4ml.files.atomic import replacing
from cd4ml.files.git import GitError, failure_reason, output_of, path_in_repository, run_git
from cd4ml.settings import paths

TRAINED_FILES = (paths.PARAMS, Path("dvc.lock"), paths.VALIDATED, paths.REPORTS)
"""What a training changes in git, and nothing else."""
COMMIT_FILE = Path("build/change.bundle")
MLFLOW_TRAILER = "MLflow-Run"
BOT_ADDRESS = "41898282+github-actions[bot]@users.noreply.github.com"
_BOT = ("github-actions[bot]", BOT_ADDRESS)


class ModelCommitError(UserError):
    """The commit in build/change.bundle is not one that training makes."""


def as_bot() -> list[str]:
    """Return git's arguments that make the workflows' bot the author of a commit."""
    name, address = _BOT
    return ["-c", f"user.name={name}", "-c", f"user.email={address}", "-c", "commit.gpgsign=false"]


def changed_files() -> list[str]:
    """Return those of the trained files that differ from the last commit."""
    pathspec = [str(path) for path in TRAINED_FILES]
    status = run_git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *pathspec)
    if status.returncode:
        raise GitError(f"git status: {failure_reason(status)}")
    folder = path_in_repository("")  # git names files from the root of the repository, which may be above the project
    return [entry[3:].removeprefix(folder) for entry in status.stdout.split("\0") if entry]


def commit_message(verdict: Mapping[str, Any], metrics: Mapping[str, Any], why: str, mlflow_run: str) -> str:
    """Return the commit's message: the bundle, why it was trained, its metrics, waivers and MLflow run."""
    champion = verdict.get("champion")
    opponent = f"the champion {champion['version']}" if champion else "the baseline"
    numbers = [(name, value) for name, value in metrics.items() if isinstance(value, int | float) and name != "rows"]
    lines = [
        f"model {verdict['bundle']}" + (f": {numbers[0][0]} {format_number(numbers[0][1])}" if numbers else ""),
        "",
        f"Why: {one_line(why)}",
        f"Compared with: {opponent}",
        *(f"  {name} {format_number(value)}" for name, value in numbers),
        *(f"Accepted: {one_line(waiver['rule'])}: {one_line(waiver['reason'])}" for waiver in verdict["accepted"]),
    ]
    trailers = [f"{name}: {value}" for name, value in ((MLFLOW_TRAILER, mlflow_run), ("Run", run_url())) if value]
    return "\n".join([*lines, *(["", *trailers] if trailers else [])]) + "\n"


def one_line(text: str, limit: int = 200) -> str:
    """Return free text as one line of at most `limit` printable characters."""
    printable = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    return re.sub(r"\s+", " ", printable)[:limit].strip()


def reason_given() -> str:
    """Return the reason that REASON names, in one line."""
    return one_line(os.environ.get("REASON", "")) or "started by hand"


def commit_trained_files(message: str) -> str:
    """Commit exactly the trained files, whatever else is staged or changed; return the commit."""
    files = [str(path) for path in TRAINED_FILES if path.exists() or output_of("ls-files", "--", str(path))]
    output_of("add", "--all", "--", *files)
    done = run_git(*as_bot(), "commit", "--quiet", "--no-verify", "--message", message, "--only", "--", *files)
    if done.returncode:
        raise GitError(f"git commit: {' '.join(done.stderr.split())[:200]}")
    return output_of("rev-parse", "HEAD")


def write_commit_file() -> None:
    """Write the last commit to build/change.bundle, for a clone that has the commit before it."""
    with replacing(COMMIT_FILE) as temporary:
        output_of("bundle", "create", "--quiet", str(temporary), "HEAD", "^HEAD~1")


def read_commit_file() -> str:
    """Fetch the commit in build/change.bundle and return it, if it changes the trained files and nothing else.

    Raises:
        ModelCommitError: it changes another file, is not a single commit, or there is none.
    """
    if not COMMIT_FILE.exists():
        raise ModelCommitError(f"no {COMMIT_FILE}; uv run cd4ml commit-model writes it")
    fetched = run_git("fetch", "--quiet", "--no-tags", str(COMMIT_FILE.absolute()), "HEAD")
    if fetched.returncode:
        raise ModelCommitError(f"{COMMIT_FILE} cannot be read here: is the commit that it builds on in this clone?")
    commit = output_of("rev-parse", "--verify", "FETCH_HEAD")
    if len(output_of("rev-list", "--parents", "--max-count=1", commit).split()) != 2:
        raise ModelCommitError(f"{COMMIT_FILE} holds {commit[:7]}, which does not have exactly one parent")
    folder = path_in_repository("")
    if others := sorted(path for path in _files_of(commit) if not _is_trained(path, folder)):
        raise ModelCommitError(
            f"{COMMIT_FILE} changes {', '.join(others[:3])}, which training does not; nothing was pushed"
        )
    return commit


def _files_of(commit: str) -> list[str]:
    """Return the files that a commit changes."""
    listed = output_of("diff-tree", "--no-commit-id", "--name-only", "--no-renames", "-r", "-z", commit)
    return [path for path in listed.split("\0") if path]


def _is_trained(path: str, folder: str) -> bool:
    """Return whether a file is one that training changes, in the project that lies in a folder of the repository."""
    return path.startswith(f"{folder}{paths.REPORTS}/") or path in {f"{folder}{trained}" for trained in TRAINED_FILES}


def read_metrics() -> dict[str, Any]:
    """Return reports/metrics.json; empty if it cannot be read."""
    try:
        metrics: dict[str, Any] = json.loads(paths.METRICS.read_bytes())
    except (OSError, ValueError):
        return {}
    return metrics
