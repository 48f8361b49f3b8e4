"""Cancel the releases that are on their way to production, so that a rollback does not wait for their canary."""

from collections.abc import Iterator
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.terminal.arguments import Arguments

_RELEASES, _PRODUCTION = "actions/workflows/cd.yml/runs", "production"
_ENDED_MEANWHILE = 409
ACTIVE = ("queued", "pending", "requested", "waiting", "in_progress")


def main(argv: list[str]) -> None:
    """Cancel each run of cd whose job `production` runs or waits for its turn.

    A run that waits for approval, or is still before that, is left alone: it comes after the rollback, which
    quarantines its bundle if that is the one that is bad, and `check-superseded` ends it then. The cancelled release
    restores nothing (`check-preempted`): the platform's own rollback takes over what it left.

    Raises:
        GitHubError: GitHub rejects a request, or does not answer.
    """
    Arguments("stop-releases").parse_args(argv)
    github = GitHub.from_environment()
    stopped = [run for run in releases_on_their_way(github) if _cancel(github, run)]
    for run in stopped:
        text = f"cancelled the release of {run['head_sha'][:7]}, as a rollback goes first: {run.get('html_url', '')}"
        add_to_summary(text)
        print(text)
    if not stopped:
        print("no release is on its way to production")


def releases_on_their_way(github: GitHub) -> Iterator[dict[str, Any]]:
    """Return the runs of cd whose job `production` has begun, or is in the queue."""
    for run in github.get(_RELEASES, per_page=50)["workflow_runs"]:
        if run.get("status") in ACTIVE:
            jobs = github.get(f"actions/runs/{run['id']}/jobs", per_page=100)["jobs"]
            if any(job["name"] == _PRODUCTION and job.get("status") != "completed" for job in jobs):
                yield run


def _cancel(github: GitHub, run: dict[str, Any]) -> bool:
    try:
        github.post(f"actions/runs/{run['id']}/cancel", {})
    except GitHubError as failure:
        if failure.status != _ENDED_MEANWHILE:
            raise
        return False
    return True
