"""Check whether the model that this commit names may be released, and whether a release would change anything."""

import os

from cd4ml.delivery.actions_io import add_to_summary, is_set, set_outputs
from cd4ml.delivery.production_log import released_commit
from cd4ml.delivery.quarantine import quarantine_branch
from cd4ml.delivery.status import Status, read_status
from cd4ml.errors import UserError
from cd4ml.files.git import branch_commit, remote_name, run_git
from cd4ml.gate.branches import PRODUCTION
from cd4ml.terminal.arguments import Arguments

SHIPPED_PATHS = (
    "Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "cd4ml", "reports", "dvc.lock",
    ":(exclude)reports/gate.json", ":(exclude)reports/gate.md",
)  # fmt: skip
"""What an image is built from, and deployed with; not the gate's verdict, which each release makes anew."""


class NotPassedError(UserError):
    """The bundle did not pass the gate."""


def main(argv: list[str]) -> None:
    """Set the output `release` to yes or no, and print the reason.

    Raises:
        NotPassedError: nothing else prevents a release, and reports/gate.json does not record that the bundle passed.
    """
    Arguments("check-releasable").parse_args(argv)
    status, _ = read_status()
    blocked = why_blocked(status)
    if not blocked and status.passed == "no":
        raise NotPassedError(
            f"reports/gate.json does not record that {status.bundle or 'the bundle of dvc.lock'} passed the gate; "
            "run make gate, and commit reports"
        )
    why_not = blocked or why_unchanged()
    set_outputs(release="no" if why_not else "yes")
    result = f"{status.bundle} is not released: {why_not}" if why_not else f"{status.bundle} is released"
    add_to_summary(result)
    print(result)


def why_blocked(status: Status) -> str:
    """Return what prevents a release of this model; empty if nothing does."""
    if status.model != "current":
        return "there is no model yet" if status.model == "none" else "dvc.lock is stale; ct trains a current model"
    if status.quarantined == "yes":
        return (
            "it was rolled back and is quarantined; run cd with `force`, "
            f"or lift the quarantine: git push origin --delete {quarantine_branch(status.bundle)}"
        )
    if os.environ.get("CAN_PUBLISH") == "false":
        return "there is no registry to publish it to yet; docs/delivery.md says how to set one up"
    return ""


def why_unchanged() -> str:
    """Return that a push changed nothing that is shipped; empty if it did, or if a person started the release."""
    if os.environ.get("GITHUB_EVENT_NAME") != "push" or is_set("FORCE"):
        return ""
    live = branch_commit(remote_name(), PRODUCTION)
    released = released_commit(live) if live else None
    if released and run_git("diff", "--quiet", released, "HEAD", "--", *SHIPPED_PATHS).returncode == 0:
        return f"{released[:7]} is live, and nothing that is shipped has changed since"
    return ""
