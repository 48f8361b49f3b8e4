"""The verb `refused`: one issue that says why the gate refused a retraining; a later model that passes closes it."""

import os
from typing import Any

from cd4ml.delivery.actions_io import flag, run_url, summarize
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.pull_request import shortened
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

TITLE = "Retraining was refused"
_MARK = "<!-- ct: refused -->"
_OFF = 410  # issues are switched off


def main(argv: list[str]) -> None:
    """Open the issue, or update the open one; with CLOSE=1 close it.

    Raises:
        GitHubError: GitHub refuses, or does not answer.
    """
    Arguments("report-rejection").parse_args(argv)
    try:
        told = close(GitHub.here()) if flag("CLOSE") else tell(GitHub.here())
    except GitHubError as refused:
        if refused.status != _OFF:
            raise
        told = "issues are switched off for this repository, so the reason is in the run's summary alone"
    print(told)


def tell(github: GitHub) -> str:
    """Write the gate's verdict to the issue; return what was done."""
    table = paths.GATE_TABLE.read_text(encoding="utf-8") if paths.GATE_TABLE.exists() else "The gate said nothing.\n"
    summarize(table)
    if os.environ.get("TESTS") == "failure":
        table = f"The gate let it pass, then a test of tests/data or tests/model failed: the run says which.\n\n{table}"
    run = f"\nIt was judged in [this run]({run_url()}). " if run_url() else "\n"
    text = shortened(f"{table}{run}What is live stays live; nothing was committed.\n\n{_MARK}\n")
    if there := found(github):
        github.patch(f"issues/{there['number']}", {"body": text})
        return f"updated issue {there['number']}: {TITLE}"
    made = github.post("issues", {"title": TITLE, "body": text})
    return f"opened issue {made['number']}: {TITLE}"


def close(github: GitHub) -> str:
    """Close the issue where there is one; return what was done."""
    there = found(github)
    if there is None:
        return "no retraining was refused before, so there is no issue to close"
    run = f" in [this run]({run_url()})" if run_url() else ""
    github.post(f"issues/{there['number']}/comments", {"body": f"A later model passed the gate{run}."})
    github.patch(f"issues/{there['number']}", {"state": "closed"})
    return f"closed issue {there['number']}: {TITLE}"


def found(github: GitHub) -> dict[str, Any] | None:
    """Return the open issue; None where there is none."""
    issues = github.pages("issues", state="open", sort="created", direction="asc")
    ours = (one for one in issues if one.get("title") == TITLE and _MARK in (one.get("body") or ""))
    return next((one for one in ours if "pull_request" not in one), None)
