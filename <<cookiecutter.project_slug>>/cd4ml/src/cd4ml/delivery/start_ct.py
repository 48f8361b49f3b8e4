"""Start the workflow ct on the default branch, to train a model that it lacks."""

import os
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary, run_url
from cd4ml.delivery.github import GitHub
from cd4ml.gate.branches import default_branch
from cd4ml.terminal.arguments import Arguments

_WORKFLOW = "actions/workflows/ct.yml"
_ACTIVE = ("queued", "in_progress", "pending", "waiting")


def main(argv: list[str]) -> None:
    """Start ct on the default branch, unless it is queued or running there.

    Raises:
        GitHubError: GitHub rejects the request, or does not answer.
    """
    Arguments("start-ct").parse_args(argv)
    github, reason = GitHub.from_environment(), os.environ.get("REASON", "").strip() or "started by hand"
    if active := active_run(github):
        result = f"{reason}: ct is running already, {active.get('html_url', '')}"
    else:
        start(github, reason)
        result = f"{reason}: started ct; once its pull request is merged, cd releases"
    add_to_summary(result)
    print(result)
    if not run_url():
        print(f"to see it: gh run list --workflow ct.yml --repo {github.repository}")


def active_run(github: GitHub) -> dict[str, Any] | None:
    """Return a run of ct on the default branch that is queued or goes on; None if there is none."""
    branch = default_branch()
    for status in _ACTIVE:
        for run in github.get(f"{_WORKFLOW}/runs", branch=branch, status=status)["workflow_runs"]:
            active: dict[str, Any] = run
            return active
    return None


def start(github: GitHub, reason: str) -> None:
    """Start ct on the default branch.

    Raises:
        GitHubError: GitHub rejects the request, or does not answer.
    """
    github.post(f"{_WORKFLOW}/dispatches", {"ref": default_branch(), "inputs": {"reason": reason}})
