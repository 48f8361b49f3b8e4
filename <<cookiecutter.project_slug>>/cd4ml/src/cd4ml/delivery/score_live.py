"""The verb `score-live`: score the rows that the environment names with the model that is live, for a workflow."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from cd4ml.batch.job import Job
from cd4ml.batch.pool import available_cores
from cd4ml.batch.score import score
from cd4ml.delivery.actions_io import add_to_summary
from cd4ml.errors import UserError
from cd4ml.gate.branches import branches
from cd4ml.gate.champion import UnknownChampionError, bundle_digest_at, fetch_bundle
from cd4ml.storage.dvc_remote import unreachable_reason
from cd4ml.terminal.arguments import Arguments

_FOLDER = Path("build/live")


def main(argv: list[str]) -> None:
    """Score SCORE_IN into SCORE_OUT; without both, or if no model can be had here, say so and end.

    SCORE_QUERY, SCORE_KEEP and SCORE_REJECTS are the arguments of these names of `score`.

    Raises:
        UserError: the model cannot be fetched, the rows break the contract, or the answers cannot be written.
    """
    Arguments("score-live").parse_args(argv)
    result = _score_live(os.environ)
    add_to_summary(result)
    print(result)


def _score_live(settings: Mapping[str, str]) -> str:
    source, target = settings.get("SCORE_IN", "").strip(), settings.get("SCORE_OUT", "").strip()
    if not source or not target:
        missing = " and ".join(name for name, value in (("SCORE_IN", source), ("SCORE_OUT", target)) if not value)
        return f"nothing was scored: {missing} not set; set the repository's variables SCORE_IN and SCORE_OUT"
    if reason := unreachable_reason():
        return f"nothing was scored: {reason}; `make doctor` says what to add"
    branch = _fetch_live_bundle()
    if branch is None:
        return "nothing was scored: there is no model yet"
    keep = tuple(name for name in map(str.strip, settings.get("SCORE_KEEP", "").split(",")) if name)
    query, rejects = settings.get("SCORE_QUERY") or None, settings.get("SCORE_REJECTS") or None
    done = score(Job(source, target, _FOLDER, query, keep, rejects, available_cores()))
    return f"{done}\nthe model is the one on {branch}"


def _fetch_live_bundle() -> str | None:
    """Fetch the bundle that is live, or that of the default branch before the first release; return its branch.

    None if there is neither.

    Raises:
        UserError: it cannot be fetched.
    """
    for branch, revision in branches():
        if bundle_digest_at(revision) is None:
            continue
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.parent.mkdir(exist_ok=True)
        try:
            fetch_bundle(branch, revision, _FOLDER)
        except UnknownChampionError as failure:
            raise UserError(str(failure)) from None
        return branch
    return None
