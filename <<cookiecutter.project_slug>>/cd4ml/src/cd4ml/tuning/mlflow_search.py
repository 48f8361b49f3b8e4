"""Publish a search to MLflow, once to each server: a run for the search, and a child run for each candidate."""

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cd4ml.files.atomic import write_text
from cd4ml.terminal.output import report
from cd4ml.tracking.address import TrackingAddress, TrackingError
from cd4ml.tracking.lineage import Lineage
from cd4ml.tracking.receipt import publishing_lock
from cd4ml.tracking.track import prepare_mlflow
from cd4ml.tuning.search_result import unpublished_searches

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cd4ml.tracking.server import TrackingServer

_SEARCH, _CANDIDATE = "tune.search", "tune.candidate"  # tags by which existing runs are found


def publish_search(result: Path) -> None:
    """Publish a search's result, and earlier ones that could not be published; print in one line if this fails."""
    try:
        address = TrackingAddress.read(os.environ)
        new = [path for path in unpublished_searches(result) if not _is_published(path, address)]
        if not new:
            report(f"the search is in MLflow already, at {address.redacted}")
            return
        address.check_reachable()
        with publishing_lock():
            _publish_all(new, address)
        report(f"the search is in MLflow at {address.redacted}: a run, and a child run for each candidate")
    except TrackingError as failure:
        hint = "the result is saved; run `make tune` again to publish it"
        print(f"tune: not published: {failure}; {hint}", file=sys.stderr)


def _receipt(path: Path, address: TrackingAddress) -> Path:
    return path.with_name(f"{path.stem}.{address.key}.run")


def _is_published(path: Path, address: TrackingAddress) -> bool:
    database_deleted = address.database is not None and not address.database.exists()
    return not database_deleted and _receipt(path, address).exists()


def _publish_all(results: list[Path], address: TrackingAddress) -> None:
    prepare_mlflow(address)
    from cd4ml.tracking.server import TrackingServer, translate_errors

    with translate_errors(address):
        server = TrackingServer(address)
        for path in results:
            if not _is_published(path, address):  # another process may have published it meanwhile
                write_text(_receipt(path, address), _publish(server, path))


def _publish(server: "TrackingServer", path: Path) -> str:
    """Create the runs of a search, each if it is missing or incomplete; return the id of the search's own run."""
    result = json.loads(path.read_bytes())
    run = _runs_by_candidate(server, f"tags.`{_SEARCH}` = '{result['search']}'").get("")
    if run is None:
        tags = Lineage.read(os.environ).tags() | {"mlflow.source.name": "make tune", _SEARCH: result["search"]}
        run = server.client.create_run(server.experiment, tags=tags, run_name=f"tune {result['search'][:7]}")
    run_id = str(run.info.run_id)
    children = _runs_by_candidate(server, f"tags.`mlflow.parentRunId` = '{run_id}'")
    for number, candidate in enumerate(result["candidates"]):
        child = children.get(str(number))
        if child is None or child.info.status not in ("FINISHED", "FAILED"):
            _publish_candidate(server, run_id, child, number, candidate, result)
    if run.info.status != "FINISHED":
        _log(server, run_id, _params(result), [(f"cv_{name}", value, 0) for name, value in _scores(result)])
        server.client.log_artifact(run_id, str(path))
        server.client.set_terminated(run_id, "FINISHED")
    return run_id


def _runs_by_candidate(server: "TrackingServer", query: str) -> dict[str, "Run"]:
    """Return the runs that match a query, by the number of their candidate; "" for the search's own run."""
    runs: dict[str, Run] = {}
    token = None
    while True:
        page = server.client.search_runs([server.experiment], query, max_results=1000, page_token=token)
        for run in page:
            runs.setdefault(run.data.tags.get(_CANDIDATE, ""), run)
        token = page.token
        if not token:
            return runs


def _publish_candidate(
    server: "TrackingServer",
    parent_id: str,
    run: "Run | None",
    number: int,
    candidate: dict[str, Any],
    result: dict[str, Any],
) -> None:
    if run is None:
        role = {result["winner"]: "winner", result["present"]: "present values"}.get(number, "")
        tags = {"mlflow.parentRunId": parent_id, _CANDIDATE: str(number), "mlflow.source.name": "make tune"}
        tags |= {"tune.place": role} if role else {}
        tags |= {"tune.failure": candidate["failure"]} if candidate["failure"] else {}
        name = f"candidate {number}" + (f", {role}" if role else "")
        run = server.client.create_run(server.experiment, tags=tags, run_name=name)
    metrics = [("seconds", candidate["seconds"], 0)]
    for rung in candidate["rungs"]:
        metrics.append((f"cv_{result['metric']}", rung["mean"], rung["rung"]))
        metrics.append((f"cv_{result['metric']}_deviation", rung["deviation"], rung["rung"]))
        metrics.append(("rows", result["rungs"][rung["rung"] - 1]["rows"], rung["rung"]))
    _log(server, run.info.run_id, candidate["settings"], metrics)
    server.client.set_terminated(run.info.run_id, "FAILED" if candidate["failure"] else "FINISHED")


def _params(result: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the search, and the winner's values."""
    tune = result["tune"]
    params: dict[str, Any] = {f"tune.{key}": value for key, value in tune.items() if key != "space"}
    params |= {f"tune.space.{key}": choices.get("choices", choices) for key, choices in tune["space"].items()}
    params |= result["candidates"][result["winner"]]["settings"]
    return params


def _scores(result: dict[str, Any]) -> list[tuple[str, float]]:
    scores = [(f"{result['metric']}_gain", result["gain"])]
    for suffix, number in (("", result["winner"]), ("_present", result["present"])):
        rungs = result["candidates"][number]["rungs"]
        if rungs:
            scores.append((f"{result['metric']}{suffix}", rungs[-1]["mean"]))
    return scores


def _log(server: "TrackingServer", run_id: str, params: dict[str, Any], metrics: list[tuple[str, float, int]]) -> None:
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000
    texts = [Param(key, value if isinstance(value, str) else json.dumps(value)) for key, value in params.items()]
    server.client.log_batch(run_id, [Metric(name, value, now, step) for name, value, step in metrics], texts)
