"""Publish a search to MLflow, once to each server: a run for the search, and a child run for each candidate."""

import json
import math
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna

from cd4ml.terminal.output import report
from cd4ml.tracking.address import TrackingAddress, TrackingError
from cd4ml.tracking.lineage import Lineage
from cd4ml.tracking.receipt import publishing_lock
from cd4ml.tracking.track import prepare_mlflow
from cd4ml.tuning.outcome import Candidate, Outcome
from cd4ml.tuning.search import Search

if TYPE_CHECKING:
    from cd4ml.tracking.server import TrackingServer

_SEARCH, _PARENT = "tune.search", "mlflow.parentRunId"


def publish_search(study: optuna.Study, search: Search, outcome: Outcome) -> None:
    """Publish a search, unless the study's receipt says that it was; print in one line if this fails."""
    try:
        address = TrackingAddress.read(os.environ)
        receipt = f"published {search.params.tune.candidates} to {address.key}"
        database_deleted = address.database is not None and not address.database.exists()
        if receipt in study.user_attrs and not database_deleted:
            report(f"the search is in MLflow already, at {address.redacted}")
            return
        address.check_reachable()
        with publishing_lock():
            prepare_mlflow(address)
            from cd4ml.tracking.server import TrackingServer, translate_errors

            with translate_errors(address):
                run = _publish(TrackingServer(address), search, outcome)
        study.set_user_attr(receipt, run)
        report(f"the search is in MLflow at {address.redacted}: a run, and a child run for each candidate")
    except TrackingError as failure:
        hint = "the study is saved; run `make tune` again to publish it"
        print(f"tune: not published: {failure}; {hint}", file=sys.stderr)


def _publish(server: "TrackingServer", search: Search, outcome: Outcome) -> str:
    """Create the runs of a search, unless they exist; return the id of the search's own run.

    The search's own run ends last. If it has not, the runs are those of a process that was killed, and are deleted.
    """
    name = f"{search.key}-{search.params.tune.candidates}"
    existing = server.client.search_runs([server.experiment], f"tags.`{_SEARCH}` = '{name}'", max_results=5000)
    for run in existing:
        if _PARENT not in run.data.tags and run.info.status == "FINISHED":
            return str(run.info.run_id)
    for run in existing:
        server.client.delete_run(run.info.run_id)
    tags = {"mlflow.source.name": "make tune", _SEARCH: name}
    lineage = Lineage.read(os.environ).tags()
    parent = server.client.create_run(server.experiment, tags=lineage | tags, run_name=f"tune {name[:7]}").info.run_id
    best = outcome.winner if outcome.is_better else outcome.present
    for number, candidate in enumerate(outcome.candidates):
        role = "winner" if candidate is best else "present values" if candidate is outcome.present else ""
        labels = tags | {_PARENT: parent, "tune.candidate": str(number)} | ({"tune.place": role} if role else {})
        _publish_candidate(server, search, candidate, f"candidate {number}" + (f", {role}" if role else ""), labels)
    server.client.log_dict(parent, _as_json(search, outcome), f"{search.key}.json")
    gain = outcome.gain if outcome.is_better and not outcome.present.failure else 0.0
    scores = {"": best.mean, "_present": outcome.present.mean, "_gain": gain}
    metrics = [
        (f"cv_{search.metric.name}{suffix}", value, 0) for suffix, value in scores.items() if not math.isnan(value)
    ]
    _log(server, parent, _settings(search) | best.values, metrics)
    server.client.set_terminated(parent, "FINISHED")
    return str(parent)


def _publish_candidate(
    server: "TrackingServer", search: Search, candidate: Candidate, name: str, tags: dict[str, str]
) -> None:
    tags |= {"tune.failure": candidate.failure} if candidate.failure else {}
    run = server.client.create_run(server.experiment, tags=tags, run_name=name).info.run_id
    metrics, metric = [("seconds", candidate.seconds, 0)], f"cv_{search.metric.name}"
    for rung, (scores, rows) in enumerate(zip(candidate.scores, search.rows, strict=False), 1):
        if len(scores) == len(search.folds):
            mean, deviation = float(np.mean(scores)), float(np.std(scores))
            metrics += [(metric, mean, rung), (f"{metric}_deviation", deviation, rung), ("rows", rows, rung)]
    _log(server, run, candidate.values, metrics)
    server.client.set_terminated(run, "FAILED" if candidate.failure else "FINISHED")


def _settings(search: Search) -> dict[str, Any]:
    tune = search.params.tune.model_dump(mode="json", exclude_none=True)
    space = {f"tune.space.{key}": choices.get("choices", choices) for key, choices in tune.pop("space").items()}
    return {f"tune.{key}": value for key, value in tune.items()} | space


def _as_json(search: Search, outcome: Outcome) -> dict[str, Any]:
    folds = [{"name": fold.name, "train": len(fold.train), "validation": len(fold.validation)} for fold in search.folds]
    candidates = [vars(candidate) for candidate in outcome.candidates]
    return {"metric": search.metric.name, "better": search.metric.better, "folds": folds, "candidates": candidates}


def _log(server: "TrackingServer", run_id: str, params: dict[str, Any], metrics: list[tuple[str, float, int]]) -> None:
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000
    texts = [Param(key, value if isinstance(value, str) else json.dumps(value)) for key, value in params.items()]
    server.client.log_batch(run_id, [Metric(name, value, now, step) for name, value, step in metrics], texts)
