"""Commit the model that was trained and passed the gate, and write the commit to build/change.bundle.

Another job, which may write to the repository, pushes it: see `propose_model`.
"""

import os

from cd4ml.delivery.actions_io import add_to_summary, set_outputs
from cd4ml.delivery.model_commit import (
    changed_files,
    commit_message,
    commit_trained_files,
    read_metrics,
    reason_given,
    write_commit_file,
)
from cd4ml.errors import UserError
from cd4ml.files.git import head_commit
from cd4ml.gate.champion import bundle_digest_here
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.address import TrackingAddress
from cd4ml.tracking.receipt import read_receipt

_GATE_REPORTS = {paths.GATE.as_posix(), paths.GATE_TABLE.as_posix()}


def main(argv: list[str]) -> None:
    """Commit params.yaml, dvc.lock, data/validated.json and reports/; if nothing is new, print that.

    Raises:
        UserError: the bundle did not pass the gate, or git fails.
    """
    Arguments("commit-model").parse_args(argv)
    verdict, digest = recorded_verdict(), bundle_digest_here()
    if verdict.get("passed") is not True or verdict.get("dvc_lock") != digest:
        raise UserError("reports/gate.json does not record that the bundle of dvc.lock passed the gate; run make gate")
    base, bundle = head_commit(), str(verdict["bundle"])
    if not is_new(changed_files(), base, digest):
        set_outputs(commit="none", bundle=bundle)
        add_to_summary(f"Nothing new: {bundle} is committed already, with the gate's result.")
        print(f"nothing new: {bundle} is committed already, as passed")
        return
    message = commit_message(verdict, read_metrics(), reason_given(), mlflow_run_of(str(verdict["digest"])))
    commit = commit_trained_files(message)
    write_commit_file()
    set_outputs(commit=commit, base=base, bundle=bundle)
    print(f"committed {bundle} as {commit[:7]}; next: uv run cd4ml propose-model, or git push")


def is_new(files: list[str], revision: str, digest: str | None) -> bool:
    """Return whether changed files are worth a commit: a second passed verdict on the same bundle alone is not."""
    if set(files) - _GATE_REPORTS:
        return True
    before = recorded_verdict(revision)
    return bool(files) and not (before.get("passed") is True and before.get("dvc_lock") == digest)


def mlflow_run_of(digest: str) -> str:
    """Return the bundle's run on the MLflow server that the environment names; empty if it was not published."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return ""
    published = read_receipt(TrackingAddress.read(os.environ)).values()
    return next((entry.run for entry in published if entry.bundle == digest), "")
