"""Open a branch's pull request, or update the open one, and start its checks; print what to do if workflows may not."""

import os
from typing import Any
from urllib.parse import quote

from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.errors import UserError
from cd4ml.gate.branches import default_branch

_MAX_LENGTH = 60_000  # characters; GitHub takes 65,536


def named_number() -> int | None:
    """Return the number of the pull request that PULL_REQUEST names; None if it is not set.

    Raises:
        UserError: it is not a number.
    """
    number = os.environ.get("PULL_REQUEST", "")
    if number and not number.isdecimal():
        raise UserError(f'PULL_REQUEST is "{number[:40]}"; give the number of a pull request, such as 7')
    return int(number) if number else None


def find_open(github: GitHub, branch: str) -> dict[str, Any] | None:
    """Return the open pull request of a branch of this repository; None if there is none."""
    pulls = github.get("pulls", head=f"{github.owner}:{branch}", state="open", per_page=10)
    return pulls[0] if pulls else None


def open_or_update(github: GitHub, branch: str, title: str, body: str, rest: str = "reports/gate.md") -> str:
    """Open or update the pull request of `branch`; return its address, empty if workflows may not open any.

    Args:
        github: the repository.
        branch: the branch, which is pushed.
        title: the pull request's.
        body: its text, which is cut if GitHub takes none of that length.
        rest: where the whole text is.

    Raises:
        GitHubError: GitHub rejects the request for another reason.
    """
    content = {"title": title, "body": truncated(body, rest)}
    if existing := find_open(github, branch):
        github.patch(f"pulls/{existing['number']}", content)
        return str(existing.get("html_url", f"pull request {existing['number']}"))
    try:
        pull = github.post("pulls", content | {"head": branch, "base": default_branch()})
    except GitHubError as failure:
        if failure.status == 403:
            return ""
        raise
    return str(pull.get("html_url", f"pull request {pull['number']}"))


def how_to_open(repository: str, server: str, branch: str) -> str:
    """Return what a person has to do if a workflow may not open pull requests."""
    compare = f"{quote(default_branch())}...{quote(branch)}"
    return (
        f"workflows may not open pull requests here. Open it yourself: "
        f"{server}/{repository}/compare/{compare}?expand=1 ; or allow it, once, and run this again: "
        f"{server}/{repository}/settings/actions, Allow GitHub Actions to create and approve pull requests"
    )


def truncated(body: str, rest: str) -> str:
    """Return a text that is short enough for GitHub; `rest` is where the whole text is."""
    if len(body) <= _MAX_LENGTH:
        return body
    return body[:_MAX_LENGTH].rpartition("\n")[0] + f"\n\n… the rest is in {rest}\n"


def start_checks(github: GitHub, branch: str) -> None:
    """Start ci on a branch, as a push with a workflow's token does not.

    Raises:
        GitHubError: GitHub rejects it, or does not answer.
    """
    github.post("actions/workflows/ci.yml/dispatches", {"ref": branch})
