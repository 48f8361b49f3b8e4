"""A trained state as one commit: what belongs to it, how it is described, and how it travels to another job."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cd4ml.delivery.actions_io import run_url
from cd4ml.errors import UserError
from cd4ml.evaluation.formatting import shown
from cd4ml.files.git import GitError, git, reason, said
from cd4ml.settings import paths

STATE = (paths.PARAMS, Path("dvc.lock"), paths.VALIDATED, paths.REPORTS)
"""What a training changes in git, and nothing else."""
FILE = Path("build/change.bundle")
RUN_TRAILER = "MLflow-Run"
_BOT = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")


class ChangeError(UserError):
    """The commit that was handed over is not one that training makes."""


def bot() -> list[str]:
    """Return git's arguments by which commits are the workflow's own."""
    name, address = _BOT
    return ["-c", f"user.name={name}", "-c", f"user.email={address}", "-c", "commit.gpgsign=false"]


def changed() -> list[str]:
    """Return the files of the state that differ from the last commit's."""
    asked = git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *map(str, STATE))
    if asked.returncode:
        raise GitError(f"git status: {reason(asked)}")
    return [entry[3:] for entry in asked.stdout.split("\0") if entry]


def message(verdict: Mapping[str, Any], metrics: Mapping[str, Any], why: str, run: str) -> str:
    """Return the commit's message: the bundle, the reason, the metrics beside the champion's, the MLflow run."""
    champion = verdict.get("champion")
    numbers = [(name, value) for name, value in metrics.items() if isinstance(value, int | float) and name != "rows"]
    against = f"the champion {champion['version']}" if champion else "the trivial baseline"
    lines = [
        f"model {verdict['bundle']}" + (f": {numbers[0][0]} {shown(numbers[0][1])}" if numbers else ""),
        "",
        f"Why: {one_line(why)}",
        f"Judged against: {against}",
        *(f"  {name} {shown(value)}" for name, value in numbers),
        *(f"Accepted: {one_line(waiver['rule'])}: {one_line(waiver['reason'])}" for waiver in verdict["accepted"]),
    ]
    trailers = [f"{name}: {value}" for name, value in ((RUN_TRAILER, run), ("Run", run_url())) if value]
    return "\n".join([*lines, *(["", *trailers] if trailers else [])]) + "\n"


def one_line(text: str, most: int = 200) -> str:
    """Return what somebody wrote as one line of plain text."""
    plain = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    return re.sub(r"\s+", " ", plain)[:most].strip()


def why() -> str:
    """Return the reason that REASON gives."""
    return one_line(os.environ.get("REASON", "")) or "somebody asked for it"


def commit(text: str) -> str:
    """Commit exactly the state, whatever else is staged or changed; return the commit."""
    there = [str(path) for path in STATE if path.exists() or said("ls-files", "--", str(path))]
    said("add", "--all", "--", *there)
    done = git(*bot(), "commit", "--quiet", "--no-verify", "--message", text, "--only", "--", *there)
    if done.returncode:
        raise GitError(f"git commit: {' '.join(done.stderr.split())[:200]}")
    return said("rev-parse", "HEAD")


def pack() -> None:
    """Write the last commit to build/change.bundle, for a repository that has the one before."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    temporary = FILE.with_name(f".{FILE.name}.new-{os.getpid()}")
    said("bundle", "create", "--quiet", str(temporary), "HEAD", "^HEAD~1")
    temporary.replace(FILE)


def unpack() -> str:
    """Return the commit in build/change.bundle, fetched, after looking that it changes the state and nothing else.

    The job that made it ran code of a pull request; the one that calls this may write to the repository.

    Raises:
        ChangeError: it is no such commit, or there is none.
    """
    if not FILE.exists():
        raise ChangeError(f"no {FILE}; make record writes it")
    got = git("fetch", "--quiet", "--no-tags", str(FILE), "HEAD")
    if got.returncode:
        raise ChangeError(f"{FILE} cannot be read here: is the commit that it builds on in this clone?")
    commit = said("rev-parse", "--verify", "FETCH_HEAD")
    if len(said("rev-list", "--parents", "--max-count=1", commit).split()) != 2:
        raise ChangeError(f"{FILE} holds {commit[:7]}, which is no commit on top of one other")
    if foreign := sorted(path for path in _touched(commit) if not _of_state(path)):
        raise ChangeError(f"{FILE} changes {', '.join(foreign[:3])}, which training does not; nothing was pushed")
    return commit


def _touched(commit: str) -> list[str]:
    listed = said("diff-tree", "--no-commit-id", "--name-only", "--no-renames", "-r", "-z", commit)
    return [path for path in listed.split("\0") if path]


def _of_state(path: str) -> bool:
    return any(path == str(part) or path.startswith(f"{paths.REPORTS}/") for part in STATE)


def metrics() -> dict[str, Any]:
    """Return reports/metrics.json; empty where there is none."""
    try:
        told: dict[str, Any] = json.loads(paths.METRICS.read_bytes())
    except (OSError, ValueError):
        return {}
    return told
