"""Check whether a rollback takes over, so that a release that ends touches nothing any more."""

import time
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary, set_outputs
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.stop_releases import ACTIVE
from cd4ml.terminal.arguments import Arguments

_ROLLBACKS = "actions/workflows/rollback.yml/runs"
_PATIENCE, _PAUSE = 120, 5
"""Seconds to wait for a rollback that looks its release up, of the 300 that GitHub leaves to a job that it cancels."""


def main(argv: list[str]) -> None:
    """Set the output `preempted` to yes or no, and print the reason; if GitHub does not answer, it is no.

    A rollback takes over once its job `rollback` runs or is in the queue. One that waits for somebody's approval, or
    whose release is not found, takes over nothing: what served before has to serve.

    Raises:
        GitHubError: GITHUB_REPOSITORY or GITHUB_TOKEN is missing.
    """
    Arguments("check-preempted").parse_args(argv)
    github = GitHub.from_environment()
    try:
        rollback = wait_for_rollback(github)
    except GitHubError as failure:
        set_outputs(preempted="no")
        print(f"whether a rollback is under way is not known: {failure}")
        return
    set_outputs(preempted="yes" if rollback else "no")
    if rollback is None:
        print("no rollback takes over")
        return
    text = f"a rollback goes first, and takes over what this release left: {rollback.get('html_url', '')}"
    add_to_summary(text)
    print(text)


def wait_for_rollback(github: GitHub) -> dict[str, Any] | None:
    """Return the run of the rollback that takes over; None if none does, or none can tell within two minutes.

    If none can tell, a restore only takes time: the rollback waits for its turn until this job has ended.

    Raises:
        GitHubError: GitHub does not answer.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        runs: list[dict[str, Any]] = github.get(_ROLLBACKS, per_page=20)["workflow_runs"]
        active = [run for run in runs if run.get("status") in ACTIVE and run["status"] != "waiting"]
        known = [(run, takes_over(github, run)) for run in active]
        if taking := [run for run, does in known if does]:
            return taking[0]
        if all(does is False for _, does in known) or time.monotonic() > until:
            return None
        time.sleep(_PAUSE)


def takes_over(github: GitHub, run: dict[str, Any]) -> bool | None:
    """Return whether a rollback's own job runs or is in the queue; None as long as its release is looked up."""
    jobs = {job["name"]: job for job in github.get(f"actions/runs/{run['id']}/jobs", per_page=100)["jobs"]}
    if rollback := jobs.get("rollback"):
        return rollback.get("status") not in ("waiting", "completed")
    resolve = jobs.get("resolve", {})
    return False if resolve.get("conclusion") not in (None, "success") else None
