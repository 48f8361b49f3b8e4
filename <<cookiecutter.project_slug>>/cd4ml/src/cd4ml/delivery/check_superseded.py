"""Check whether a newer release replaced this one while it waited for its turn, or for approval."""

import os
from typing import Any

from cd4ml.delivery import releases
from cd4ml.delivery.actions_io import add_to_summary, is_set, set_outputs
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.production_log import released_commit
from cd4ml.delivery.quarantine import is_quarantined
from cd4ml.files.git import branch_commit, head_commit, remote_name
from cd4ml.gate.branches import PRODUCTION, default_branch
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.terminal.arguments import Arguments

_WORKFLOW = "actions/workflows/cd.yml"
_DECIDES = {"staging": "staging", "production": "approval"}
"""The job of a later run whose success makes an earlier one out of date, by where that one goes to."""
_WORDS = {"staging": "is on staging", "production": "is approved too"}


def main(argv: list[str]) -> None:
    """Set the output `superseded` to yes or no, and print the reason.

    Raises:
        UserError: git's remote, or GitHub, does not answer.
    """
    arguments = Arguments("check-superseded")
    arguments.add_argument("environment", nargs="?", choices=sorted(_DECIDES), default="production")
    environment = arguments.parse_args(argv).environment
    reason = "" if is_set("FORCE") else why_superseded(head_commit(), environment)
    set_outputs(superseded="yes" if reason else "no")
    newest = {"staging": "this is the newest release", "production": "this is the newest approved release"}
    result = f"this release is skipped: {reason}" if reason else newest[environment]
    add_to_summary(result)
    print(result)


def why_superseded(commit: str, environment: str) -> str:
    """Return why a commit is not to be deployed to an environment any more; empty if it is still the newest there."""
    bundle = str(recorded_verdict().get("bundle", ""))
    if is_quarantined(bundle):  # since this release began
        return f"{bundle} was rolled back and is quarantined; run cd with `force` to release it all the same"
    live, github = branch_commit(remote_name(), PRODUCTION), GitHub.from_environment()
    released = released_commit(live) if live else None
    by_hand = os.environ.get("GITHUB_EVENT_NAME") == "workflow_dispatch"  # such as for other keys or variables
    if released == commit and not by_hand:
        # A run that was killed may have logged the release and recorded nothing else; a second one records the rest.
        release = releases.find(github, bundle, commit)
        return f"{commit[:7]} is live already, and it is recorded" if is_recorded(release) else ""
    if released and released != commit and releases.comes_before(commit, released):
        return f"{released[:7]} is live already, which comes after {commit[:7]}"
    number = int(os.environ.get("GITHUB_RUN_NUMBER") or 0)
    if newer := succeeded_after(github, number, commit, _DECIDES[environment]):
        words, address = _WORDS[environment], newer.get("html_url", "")
        return f"{newer['head_sha'][:7]} came after {commit[:7]} and {words}: {address}"
    return ""


def is_recorded(release: dict[str, Any] | None) -> bool:
    """Return whether a release is published, with release.json attached."""
    assets = {asset["name"] for asset in release["assets"]} if release and not release["draft"] else set()
    return releases.METADATA in assets


def succeeded_after(github: GitHub, number: int, commit: str, job: str) -> dict[str, Any] | None:
    """Return a run of cd after run `number`, for another commit, whose job succeeded; None if there is none."""
    if not number:
        return None
    runs: list[dict[str, Any]] = github.get(f"{_WORKFLOW}/runs", branch=default_branch(), per_page=50)["workflow_runs"]
    for run in runs:
        if run["run_number"] <= number or run["head_sha"] == commit:
            continue
        jobs = github.get(f"actions/runs/{run['id']}/jobs", per_page=100)["jobs"]
        if any(each["name"] == job and each.get("conclusion") == "success" for each in jobs):
            return run
    return None
