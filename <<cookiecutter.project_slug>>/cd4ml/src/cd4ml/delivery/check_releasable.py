"""The verb `releasable`: may what this commit names be released, and is there anything to release?"""

import os

from cd4ml.delivery.actions_io import flag, hand_on, summarize
from cd4ml.delivery.quarantine import branch_of
from cd4ml.delivery.status import State, state
from cd4ml.errors import UserError
from cd4ml.files.git import git, remote, tip
from cd4ml.gate.champion import LIVE
from cd4ml.terminal.arguments import Arguments

SHIPPED = ("Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "src", "reports", "dvc.lock", "deploy")
"""What a release is made of, and deployed with."""


class UnjudgedError(UserError):
    """The gate did not let this bundle pass."""


def main(argv: list[str]) -> None:
    """Hand `release=yes` or `release=no` to the workflow, and say why.

    Raises:
        UnjudgedError: reports/gate.json does not name the bundle as passed.
    """
    Arguments("check-releasable").parse_args(argv)
    found, _ = state()
    if found.model == "current" and found.passed == "no":
        raise UnjudgedError(
            f"reports/gate.json does not say that the gate let {found.bundle or 'the bundle of dvc.lock'} pass; "
            "run make gate, and commit reports"
        )
    why_not = waits_for(found) or nothing_new()
    hand_on(release="no" if why_not else "yes")
    told = f"{found.bundle} is not released: {why_not}" if why_not else f"{found.bundle} is released"
    summarize(told)
    print(told)


def waits_for(found: State) -> str:
    """Return what a release waits for; empty where it waits for nothing."""
    if found.model != "current":
        return "there is no model yet" if found.model == "none" else "dvc.lock is stale; ct trains a model that is not"
    if found.held == "yes":
        return (
            "it was rolled back and is held; run cd with `force`, "
            f"or let it go: git push origin --delete {branch_of(found.bundle)}"
        )
    if os.environ.get("PLACE") == "false":
        return "there is no place to publish it yet; docs/delivery.md says how to make one"
    return ""


def nothing_new() -> str:
    """Return that a push brought nothing that is shipped; empty where it did, or a person asks for a release."""
    if os.environ.get("GITHUB_EVENT_NAME") != "push" or flag("FORCE"):
        return ""
    live = tip(remote(), LIVE)
    if live and git("diff", "--quiet", live, "HEAD", "--", *SHIPPED).returncode == 0:
        return f"production is at {live[:7]}, and nothing that is shipped has changed since"
    return ""
