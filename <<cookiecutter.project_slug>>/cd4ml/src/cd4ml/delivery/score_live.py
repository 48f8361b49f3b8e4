"""The verb `score-live`: score the rows that the environment names with the model that is live, for a workflow."""

import os
from collections.abc import Mapping
from pathlib import Path

from cd4ml.batch.job import Job
from cd4ml.batch.pool import available_cores
from cd4ml.batch.score import score
from cd4ml.delivery.actions_io import add_to_summary
from cd4ml.delivery.live_model import fetch_live_model
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
    live = fetch_live_model(_FOLDER)
    if live is None:
        return "nothing was scored: there is no model yet"
    keep = tuple(name for name in map(str.strip, settings.get("SCORE_KEEP", "").split(",")) if name)
    query, rejects = settings.get("SCORE_QUERY") or None, settings.get("SCORE_REJECTS") or None
    done = score(Job(source, target, _FOLDER, query, keep, rejects, available_cores()))
    return f"{done}\nthe model is the one on {live.branch}"
