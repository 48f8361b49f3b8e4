"""The verb `start-ct`: have the workflow ct train what main lacks."""

import os

from cd4ml.delivery.actions_io import run_url, summarize
from cd4ml.delivery.github import GitHub
from cd4ml.terminal.arguments import Arguments

_WORKFLOW = "actions/workflows/ct.yml"


def main(argv: list[str]) -> None:
    """Start ct on main, unless it is under way there.

    Raises:
        GitHubError: GitHub refuses, or does not answer.
    """
    Arguments("start-ct").parse_args(argv)
    github, why = GitHub.here(), os.environ.get("REASON", "").strip() or "somebody asked for it"
    waiting = [
        run
        for status in ("queued", "in_progress")
        for run in github.get(f"{_WORKFLOW}/runs", branch="main", status=status)["workflow_runs"]
    ]
    if waiting:
        told = f"{why}: ct is at it already, {waiting[0].get('html_url', '')}"
    else:
        github.post(f"{_WORKFLOW}/dispatches", {"ref": "main", "inputs": {"reason": why}})
        told = f"{why}: started ct; once its pull request is merged, cd releases"
    summarize(told)
    print(told)
    if not run_url():
        print(f"to look at it: gh run list --workflow ct.yml --repo {github.repository}")
