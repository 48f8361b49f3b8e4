"""Check whether a newer release replaced this one while it waited for approval or for its turn."""

import os
from typing import Any

from cd4ml.delivery import releases
from cd4ml.delivery.actions_io import add_to_summary, is_set, set_outputs
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.production_log import released_commit
from cd4ml.files.git import branch_commit, head_commit, is_ancestor, remote_name
from cd4ml.gate.branches import PRODUCTION, default_branch
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.terminal.arguments import Arguments

_WORKFLOW, _APPROVAL = "actions/workflows/cd.yml", "approval"


def main(argv: list[str]) -> None:
    """Set the output `superseded` to yes or no, and print the reason.

    Raises:
        UserError: git's remote, or GitHub, does not answer.
    """
    Arguments("check-superseded").parse_args(argv)
    reason = "" if is_set("FORCE") else why_superseded(head_commit())
    set_outputs(superseded="yes" if reason else "no")
    result = f"this release is skipped: {reason}" if reason else "this is the newest approved release"
    add_to_summary(result)
    print(result)


def why_superseded(commit: str) -> str:
    """Return why a commit is not to be released any more; empty if it is still the newest approved one."""
    live, github = branch_commit(remote_name(), PRODUCTION), GitHub.from_environment()
    released = released_commit(live) if live else None
    if released == commit:
        # A run that was killed may have logged the release and recorded nothing else; a second one records the rest.
        release = releases.find(github, str(recorded_verdict().get("bundle", "")), commit)
        return f"{commit[:7]} is live already, and it is recorded" if is_recorded(release) else ""
    if released and is_ancestor(commit, released):
        return f"{released[:7]} is live already, which comes after {commit[:7]}"
    if newer := approved_after(github, int(os.environ.get("GITHUB_RUN_NUMBER") or 0), commit):
        return f"{newer['head_sha'][:7]} came after {commit[:7]} and is approved too: {newer.get('html_url', '')}"
    return ""


def is_recorded(release: dict[str, Any] | None) -> bool:
    """Return whether release.json is attached to a release."""
    return release is not None and any(asset["name"] == releases.METADATA for asset in release.get("assets", ()))


def approved_after(github: GitHub, number: int, commit: str) -> dict[str, Any] | None:
    """Return an approved run of cd that started after run `number`, for another commit; None if there is none."""
    if not number:
        return None
    runs: list[dict[str, Any]] = github.get(f"{_WORKFLOW}/runs", branch=default_branch(), per_page=50)["workflow_runs"]
    for run in runs:
        if run["run_number"] <= number or run["head_sha"] == commit:
            continue
        jobs = github.get(f"actions/runs/{run['id']}/jobs", per_page=100)["jobs"]
        if any(job["name"] == _APPROVAL and job.get("conclusion") == "success" for job in jobs):
            return run
    return None
