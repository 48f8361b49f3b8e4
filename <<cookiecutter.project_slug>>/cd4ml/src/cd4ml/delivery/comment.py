"""The verb `comment`: what a pull request does to its model, as one comment that is kept up to date."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cd4ml.delivery.actions_io import flag, run_url, summarize
from cd4ml.delivery.comment_text import Base, Report, Side, Told, as_markdown
from cd4ml.delivery.github import GitHub
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, file_at
from cd4ml.gate.champion import branches, bundle_digest_at, bundle_digest_here
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

MARKER = "<!-- the model, kept up to date by make comment -->"
_MOST = 60_000  # characters; GitHub takes 65,536
_TRUSTED = ("OWNER", "MEMBER", "COLLABORATOR")


def main(argv: list[str]) -> None:
    """Write the comment of pull request PULL_REQUEST, or update it; where none is named, print what it would say.

    Of a fork's pull request (FORK=true) it is only printed and added to the run's page, for its token may not write.

    Raises:
        UserError: PULL_REQUEST is no number, or GitHub refuses.
    """
    Arguments("comment").parse_args(argv)
    number = os.environ.get("PULL_REQUEST", "")
    if number and not number.isdecimal():
        raise UserError(f'PULL_REQUEST is "{number[:40]}"; give the number of a pull request, such as 7')
    text = _cut(as_markdown(_told()))
    summarize(text)
    if not number or flag("FORK"):
        print(text)
    else:
        done = _upsert(GitHub.here(), int(number), f"{MARKER}\n{text}")
        print(f"{done} the comment of pull request {number}")


def _told() -> Told:
    named, judged = bundle_digest_here(), recorded_verdict()
    try:
        base, problem = _base(named), ""
    except GitError as unknown:
        base, problem = None, str(unknown)
    return Told(
        model=named is not None,
        ours=Side(_report(_here(paths.METRICS)), _report(_here(paths.SLICES))),
        base=base,
        problem=problem,
        gate=_here(paths.GATE_TABLE) if named is not None and judged.get("dvc_lock") == named else "",
        result=os.environ.get("MODEL_RESULT", ""),
        run=run_url(),
        fork=flag("FORK"),
    )


def _base(named: str | None) -> Base | None:
    """Return what the pull request's model would replace: production's, or before the first release main's."""
    for branch, revision in branches():
        reports = (file_at(revision, path.as_posix()) or "" for path in (paths.METRICS, paths.SLICES))
        side = Side(*(_report(text) for text in reports))
        return Base(branch, revision, bundle_digest_at(revision) == named, side)
    return None


def _here(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _report(text: str) -> Report:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _upsert(github: GitHub, number: int, text: str) -> str:
    ours = next(_ours(github, number), None)
    if ours is None:
        github.post(f"issues/{number}/comments", {"body": text})
        return "wrote"
    if ours["body"].replace("\r\n", "\n").rstrip() == text.rstrip():
        return "nothing new in"
    github.patch(f"issues/comments/{ours['id']}", {"body": text})
    return "updated"


def _ours(github: GitHub, number: int) -> Iterator[dict[str, Any]]:
    """Return the comments that this verb wrote; anyone may begin one with the marker, so a stranger's is none."""
    for comment in github.pages(f"issues/{number}/comments"):
        trusted = comment["user"]["type"] == "Bot" or comment.get("author_association") in _TRUSTED
        if trusted and (comment["body"] or "").startswith(MARKER):
            yield comment


def _cut(text: str) -> str:
    if len(text) <= _MOST:
        return text
    return text[:_MOST].rpartition("\n")[0] + "\n\n… the rest is in the run's artifact `reports`.\n"
