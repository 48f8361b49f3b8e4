"""One pull request for a branch: opened, or the open one updated; what to click where workflows may not open any."""

from typing import Any
from urllib.parse import quote

from cd4ml.delivery.github import GitHub, GitHubError

_LONGEST = 60_000  # characters that GitHub takes, and some to spare


def open_one(github: GitHub, branch: str) -> dict[str, Any] | None:
    """Return the open pull request of a branch of this repository; None where there is none."""
    found = github.get("pulls", head=f"{github.owner}:{branch}", state="open", per_page=10)
    return found[0] if found else None


def propose(github: GitHub, branch: str, title: str, body: str) -> str:
    """Return the address of the branch's pull request into main, opened or updated; empty where that is not permitted.

    Raises:
        GitHubError: GitHub refuses for another reason.
    """
    said = {"title": title, "body": shortened(body)}
    if there := open_one(github, branch):
        github.patch(f"pulls/{there['number']}", said)
        return str(there.get("html_url", f"pull request {there['number']}"))
    try:
        made = github.post("pulls", said | {"head": branch, "base": "main"})
    except GitHubError as refused:
        if refused.status == 403:
            return ""
        raise
    return str(made.get("html_url", f"pull request {made['number']}"))


def to_click(repository: str, server: str, branch: str) -> str:
    """Return what a person does where a workflow may not open pull requests."""
    return (
        f"workflows may not open pull requests here. Open it yourself: "
        f"{server}/{repository}/compare/main...{quote(branch)}?expand=1 ; or allow it, once, and run this again: "
        f"{server}/{repository}/settings/actions, Allow GitHub Actions to create and approve pull requests"
    )


def shortened(body: str) -> str:
    """Return a text that GitHub takes."""
    return body if len(body) <= _LONGEST else body[:_LONGEST].rpartition("\n")[0] + "\n\n… and more, in reports/gate.md"
