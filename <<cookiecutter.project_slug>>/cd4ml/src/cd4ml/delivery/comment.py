"""Keep one comment on a pull request up to date: what the pull request does to the model."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary, is_set, run_url
from cd4ml.delivery.comment_text import Base, CommentData, Report, Reports, as_markdown
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.pull_request import named_number, truncated
from cd4ml.files.git import GitError, file_at
from cd4ml.gate.branches import branches
from cd4ml.gate.champion import bundle_digest_at, bundle_digest_here
from cd4ml.gate.recorded import has_looser_limits, recorded_verdict
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

MARKER = "<!-- the model, kept up to date by cd4ml comment -->"
_TRUSTED = ("OWNER", "MEMBER", "COLLABORATOR")


def main(argv: list[str]) -> None:
    """Create or update the comment on pull request PULL_REQUEST; print its text if none is named.

    For a pull request from a fork (FORK=true), print it and add it to the run's summary: its token may not write.

    Raises:
        UserError: PULL_REQUEST is not a number, or GitHub rejects the request.
    """
    Arguments("comment").parse_args(argv)
    number = named_number()
    text = truncated(as_markdown(_read_data()), "the run's artifact `reports`")
    add_to_summary(text)
    if number is None or is_set("FORK"):
        print(text)
    else:
        action = _create_or_update(GitHub.from_environment(), number, f"{MARKER}\n{text}")
        print(f"{action} the comment on pull request {number}")


def _read_data() -> CommentData:
    digest, verdict = bundle_digest_here(), recorded_verdict()
    try:
        base, base_error = _read_base(digest), ""
    except GitError as failure:
        base, base_error = None, str(failure)
    return CommentData(
        has_model=digest is not None,
        reports=Reports(_parse(_read(paths.METRICS)), _parse(_read(paths.SLICES))),
        base=base,
        base_error=base_error,
        gate_table=_read(paths.GATE_TABLE) if digest is not None and verdict.get("dvc_lock") == digest else "",
        looser_limits=has_looser_limits(verdict),
        job_result=os.environ.get("MODEL_RESULT", ""),
        run_url=run_url(),
        fork=is_set("FORK"),
    )


def _read_base(digest: str | None) -> Base | None:
    """Return the model that the pull request would replace: the live one, or that of the default branch."""
    for branch, revision in branches():
        texts = (file_at(revision, path.as_posix()) or "" for path in (paths.METRICS, paths.SLICES))
        reports = Reports(*(_parse(text) for text in texts))
        return Base(branch, revision, bundle_digest_at(revision) == digest, reports)
    return None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _parse(text: str) -> Report:
    try:
        report = json.loads(text)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


def _create_or_update(github: GitHub, number: int, text: str) -> str:
    comment = next(_own_comments(github, number), None)
    if comment is None:
        github.post(f"issues/{number}/comments", {"body": text})
        return "wrote"
    if comment["body"].replace("\r\n", "\n").rstrip() == text.rstrip():
        return "did not have to change"
    github.patch(f"issues/comments/{comment['id']}", {"body": text})
    return "updated"


def _own_comments(github: GitHub, number: int) -> Iterator[dict[str, Any]]:
    """Return the comments that this verb wrote; anybody can write the marker, so only trusted authors count."""
    for comment in github.pages(f"issues/{number}/comments"):
        trusted = comment["user"]["type"] == "Bot" or comment.get("author_association") in _TRUSTED
        if trusted and (comment["body"] or "").startswith(MARKER):
            yield comment
