"""The branch `production`: a log of what was live, with one commit for each release and each rollback.

A commit holds what names the live model, and no workflow: GitHub lets a workflow's token push no commit whose
workflows differ from those of the default branch. The branch shares no history with the others.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.delivery.actions_io import run_url
from cd4ml.delivery.model_commit import as_bot, one_line
from cd4ml.files.git import (
    GitError,
    branch_commit,
    file_at,
    output_of,
    path_in_repository,
    push_branch,
    run_git,
    write_tree,
)
from cd4ml.gate.branches import PRODUCTION
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths

RECORD = "release.json"
LOGGED_PATHS = ("dvc.yaml", "dvc.lock", ".dvc/config", "contract.yaml", str(paths.PARAMS), str(paths.REPORTS))
"""What an entry has of the commit that was released, besides RECORD."""
_FIELD, _ENTRY = "\x1f", "\x1e"
_FORMAT = _FIELD.join(["%H", "%cI", "%s", *(f"%(trailers:key={name},valueonly)" for name in ("By", "Why"))]) + _ENTRY


@dataclass(frozen=True)
class LogEntry:
    """What was live from a moment on."""

    revision: str
    """The commit on `production`."""
    time: str
    """When it went live, in ISO 8601."""
    event: str
    """Such as "release 2024-01-31.1d40b8a"."""
    by: str
    why: str


def read_record(revision: str) -> dict[str, Any]:
    """Return the release.json of an entry; empty if the commit is none, as in projects made before there was a log."""
    try:
        record = json.loads(file_at(revision, RECORD) or "")
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def released_commit(revision: str) -> str:
    """Return the commit that was released, by a commit on `production`: the same one if it is no entry of the log."""
    return str(read_record(revision).get("commit") or revision)


def latest_entries(remote: str | None, limit: int) -> list[LogEntry]:
    """Return the newest entries of the log, the newest first; none if there is no log.

    Raises:
        GitError: the remote does not answer.
    """
    tip = branch_commit(remote, PRODUCTION, depth=limit)
    if tip is None or not read_record(tip):
        return []
    listed = output_of("log", "--first-parent", f"--max-count={limit}", f"--format={_FORMAT}", tip)
    fields = (entry.strip("\n").split(_FIELD) for entry in listed.split(_ENTRY) if entry.strip())
    return [LogEntry(*(" ".join(field.split()) for field in entry)) for entry in fields]


def append_entry(remote: str, live: str | None, event: str, record: Mapping[str, Any], why: str) -> str:
    """Add an entry to the log at the remote; return its commit.

    Args:
        remote: the remote's name.
        live: the commit that `production` is at; None if there is no such branch.
        event: what happened, such as "release 2024-01-31.1d40b8a".
        record: release.json, whose `commit` is the one that was released.
        why: the reason, in one line.

    Raises:
        GitError: `production` has moved meanwhile, or the remote rejects the push.
    """
    actor = os.environ.get("GITHUB_TRIGGERING_ACTOR") or os.environ.get("GITHUB_ACTOR")
    by = actor or run_git("config", "user.name").stdout.strip() or "unknown"
    trailers = {"Why": one_line(why), "By": one_line(by), "Commit": record["commit"], "Run": run_url()}
    message = f"{event}\n\n" + "".join(f"{name}: {value}\n" for name, value in trailers.items() if value)
    parents = ["-p", live] if live and read_record(live) else []
    commit = output_of(*as_bot(), "commit-tree", _tree(record), *parents, "-m", message)
    try:
        push_branch(remote, commit, PRODUCTION, expected=live, force=True)
    except GitError as failure:
        if live is None or parents:
            raise
        raise GitError(
            f"{failure}; {PRODUCTION} has no {RECORD}, so it is no log yet; rename it, then run this again: "
            f"git push {remote} {live}:refs/heads/{PRODUCTION}-before :{PRODUCTION}"
        ) from None
    return commit


def _tree(record: Mapping[str, Any]) -> str:
    """Return the tree of an entry, at the same paths as in the repository, so that git and DVC find the files."""
    listed = output_of("ls-tree", "-r", "-z", "--full-name", str(record["commit"]), "--", *LOGGED_PATHS)
    prefix = path_in_repository("")
    files = {RECORD: json.dumps(record, indent=1, ensure_ascii=False), **_verdict_here(record)}
    blobs = {path: output_of("hash-object", "-w", "--stdin", stdin=text) for path, text in files.items()}
    return write_tree(listed + "".join(f"100644 blob {blob}\t{prefix}{path}\0" for path, blob in blobs.items()))


def _verdict_here(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the gate's reports in this folder, if they are on the bundle of `record`: path to text; else nothing.

    They come from the run that releases it, which has judged it. Those of its commit may have been edited.
    """
    if recorded_verdict().get("digest") != record.get("digest") or not paths.GATE_TABLE.exists():
        return {}
    return {path.as_posix(): path.read_text(encoding="utf-8") for path in (paths.GATE, paths.GATE_TABLE)}
