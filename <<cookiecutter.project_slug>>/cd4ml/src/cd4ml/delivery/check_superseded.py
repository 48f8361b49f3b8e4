"""The verb `newest`: is this commit still the one to release, now that its turn has come?"""

import os
from typing import Any

from cd4ml.delivery import releases as release
from cd4ml.delivery.actions_io import flag, hand_on, summarize
from cd4ml.delivery.github import GitHub
from cd4ml.files.git import head, holds, remote, tip
from cd4ml.gate.champion import LIVE
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.terminal.arguments import Arguments

_WORKFLOW, _APPROVAL = "actions/workflows/cd.yml", "approval"


def main(argv: list[str]) -> None:
    """Hand `newest=yes` or `newest=no` to the workflow, and say why.

    Raises:
        UserError: git's remote, or GitHub, does not answer.
    """
    Arguments("check-superseded").parse_args(argv)
    why_not = "" if flag("FORCE") else passed_by(head())
    hand_on(newest="no" if why_not else "yes")
    told = f"this release is left out: {why_not}" if why_not else "this is the newest approved release"
    summarize(told)
    print(told)


def passed_by(commit: str) -> str:
    """Return what has come in a commit's place; empty where nothing has."""
    live, github = tip(remote(), LIVE), GitHub.here()
    if live == commit:
        # A run that was killed may have moved production, and recorded nothing yet: then it goes on.
        there = release.find(github, str(recorded_verdict().get("bundle", "")), commit)
        return f"{LIVE} is at {commit[:7]} already, and it is recorded" if recorded(there) else ""
    if live and holds(live, commit):
        return f"{LIVE} is at {live[:7]} already, which comes after {commit[:7]}"
    if newer := approved_after(github, int(os.environ.get("GITHUB_RUN_NUMBER") or 0), commit):
        return f"{newer['head_sha'][:7]} came after {commit[:7]} and is approved too: {newer.get('html_url', '')}"
    return ""


def recorded(there: dict[str, Any] | None) -> bool:
    """Return whether a release says what was released."""
    return there is not None and any(asset["name"] == release.FILE for asset in there.get("assets", ()))


def approved_after(github: GitHub, number: int, commit: str) -> dict[str, Any] | None:
    """Return a run of cd that began after run `number`, for a later commit, and was approved; None where none was."""
    if not number:
        return None
    runs = github.get(f"{_WORKFLOW}/runs", branch="main", per_page=50)["workflow_runs"]
    for run in runs:
        if run["run_number"] <= number or run["head_sha"] == commit:
            continue
        jobs = github.get(f"actions/runs/{run['id']}/jobs", per_page=100)["jobs"]
        if any(job["name"] == _APPROVAL and job.get("conclusion") == "success" for job in jobs):
            found: dict[str, Any] = run
            return found
    return None
