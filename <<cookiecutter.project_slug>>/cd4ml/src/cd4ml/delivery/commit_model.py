"""The verb `record`: commit what was trained and let pass; build/change.bundle takes it to the job that pushes."""

import os

from cd4ml.delivery.actions_io import hand_on, summarize
from cd4ml.delivery.model_commit import changed, commit, message, metrics, pack, why
from cd4ml.errors import UserError
from cd4ml.files.git import head
from cd4ml.gate.champion import bundle_digest_here
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.address import TrackingAddress
from cd4ml.tracking.receipt import Receipt

_GATE = {paths.GATE.as_posix(), paths.GATE_TABLE.as_posix()}


def main(argv: list[str]) -> None:
    """Commit params.yaml, dvc.lock, data/validated.json and reports/, or say that nothing is new.

    Raises:
        UserError: the gate did not let this bundle pass, or git refuses.
    """
    Arguments("commit-model").parse_args(argv)
    judged, named = recorded_verdict(), bundle_digest_here()
    if judged.get("passed") is not True or judged.get("dvc_lock") != named:
        raise UserError("reports/gate.json does not say that the gate let the bundle of dvc.lock pass; run make gate")
    before = head()
    if not is_new(changed(), before, named):
        hand_on(commit="none", bundle=str(judged["bundle"]))
        summarize(f"Nothing new: {judged['bundle']} is committed, with the gate's verdict.")
        print(f"nothing new: {judged['bundle']} is committed already, as passed")
        return
    made = commit(message(judged, metrics(), why(), run_id(str(judged["digest"]))))
    pack()
    hand_on(commit=made, base=before, bundle=str(judged["bundle"]))
    print(f"committed {judged['bundle']} as {made[:7]}; next: make propose, or git push")


def is_new(files: list[str], revision: str, named: str | None) -> bool:
    """Return whether there is something to commit; a verdict that passed the same bundle again is nothing new."""
    if set(files) - _GATE:
        return True
    then = recorded_verdict(revision)
    return bool(files) and not (then.get("passed") is True and then.get("dvc_lock") == named)


def run_id(digest: str) -> str:
    """Return the bundle's run on the MLflow server that the environment names; empty where it was not published."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return ""
    published = Receipt.of(TrackingAddress.read(os.environ)).bundles.get(digest)
    return published.run if published else ""
