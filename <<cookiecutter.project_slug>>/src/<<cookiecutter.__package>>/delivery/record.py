"""The verb `record`: commit what was trained and let pass; build/change.bundle takes it to the job that pushes."""

import os

from .. import paths
from ..arguments import Arguments
from ..errors import UserError
from ..gate.champion import bundle_named_here
from ..git import head
from ..tracking.receipt import Receipt
from ..tracking.where import Where
from .change import changed, commit, message, metrics, pack, why
from .state import verdict
from .step import hand_on, summarize

_GATE = {paths.GATE.as_posix(), paths.GATE_TABLE.as_posix()}


def main(argv: list[str]) -> None:
    """Commit params.yaml, dvc.lock, data/validated.json and reports/, or say that nothing is new.

    Raises:
        UserError: the gate did not let this bundle pass, or git refuses.
    """
    Arguments("record", "commit what was trained, and write build/change.bundle").parse_args(argv)
    judged, named = verdict(), bundle_named_here()
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
    then = verdict(revision)
    return bool(files) and not (then.get("passed") is True and then.get("dvc_lock") == named)


def run_id(digest: str) -> str:
    """Return the bundle's run on the MLflow server that the environment names; empty where it was not published."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return ""
    published = Receipt.of(Where.read(os.environ)).bundles.get(digest)
    return published.run if published else ""
