"""Start the workflow ct on the default branch, to train a model that it lacks."""

import os

from cd4ml.delivery.actions_io import add_to_summary, run_url
from cd4ml.delivery.github import GitHub
from cd4ml.gate.branches import default_branch
from cd4ml.terminal.arguments import Arguments

_WORKFLOW = "actions/workflows/ct.yml"


def main(argv: list[str]) -> None:
    """Start ct on the default branch, unless it is queued or running there.

    Raises:
        GitHubError: GitHub rejects the request, or does not answer.
    """
    Arguments("start-ct").parse_args(argv)
    github, reason = GitHub.from_environment(), os.environ.get("REASON", "").strip() or "started by hand"
    branch = default_branch()
    active = [
        run
        for status in ("queued", "in_progress")
        for run in github.get(f"{_WORKFLOW}/runs", branch=branch, status=status)["workflow_runs"]
    ]
    if active:
        result = f"{reason}: ct is running already, {active[0].get('html_url', '')}"
    else:
        github.post(f"{_WORKFLOW}/dispatches", {"ref": branch, "inputs": {"reason": reason}})
        result = f"{reason}: started ct; once its pull request is merged, cd releases"
    add_to_summary(result)
    print(result)
    if not run_url():
        print(f"to see it: gh run list --workflow ct.yml --repo {github.repository}")
