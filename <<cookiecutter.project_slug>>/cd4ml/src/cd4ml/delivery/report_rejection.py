"""Keep one issue that says why the gate rejected a retraining; close it once a later model passes."""

import os
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary, is_set, run_url
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.pull_request import truncated
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

TITLE = "Retraining was rejected"
_MARKER = "<!-- ct: rejected -->"
_ISSUES_DISABLED = 410  # GitHub's status


def main(argv: list[str]) -> None:
    """Open the issue, or update the open one; with CLOSE=1 close it.

    Raises:
        GitHubError: GitHub rejects a request, or does not answer.
    """
    Arguments("report-rejection").parse_args(argv)
    github = GitHub.from_environment()
    try:
        result = close_issue(github) if is_set("CLOSE") else write_issue(github)
    except GitHubError as failure:
        if failure.status != _ISSUES_DISABLED:
            raise
        result = "issues are disabled in this repository, so the reason is in the run's summary alone"
    print(result)


def write_issue(github: GitHub) -> str:
    """Write the gate's table to the issue; return what was done."""
    table = paths.GATE_TABLE.read_text(encoding="utf-8") if paths.GATE_TABLE.exists() else "The gate wrote no table.\n"
    add_to_summary(table)
    if os.environ.get("TESTS") == "failure":
        table = f"The model passed the gate, then a test in tests/data or tests/model failed: see the run.\n\n{table}"
    run = f"\nIt was judged in [this run]({run_url()}). " if run_url() else "\n"
    body = truncated(f"{table}{run}What is live stays live; nothing was committed.\n\n{_MARKER}\n")
    if issue := find_issue(github):
        github.patch(f"issues/{issue['number']}", {"body": body})
        return f"updated issue {issue['number']}: {TITLE}"
    issue = github.post("issues", {"title": TITLE, "body": body})
    return f"opened issue {issue['number']}: {TITLE}"


def close_issue(github: GitHub) -> str:
    """Close the issue if there is one; return what was done."""
    issue = find_issue(github)
    if issue is None:
        return "no retraining was rejected before, so there is no issue to close"
    run = f" in [this run]({run_url()})" if run_url() else ""
    github.post(f"issues/{issue['number']}/comments", {"body": f"A later model passed the gate{run}."})
    github.patch(f"issues/{issue['number']}", {"state": "closed"})
    return f"closed issue {issue['number']}: {TITLE}"


def find_issue(github: GitHub) -> dict[str, Any] | None:
    """Return the open issue; None if there is none."""
    issues = github.pages("issues", state="open", sort="created", direction="asc")
    ours = (issue for issue in issues if issue.get("title") == TITLE and _MARKER in (issue.get("body") or ""))
    return next((issue for issue in ours if "pull_request" not in issue), None)
