"""A search in MLflow: a run for the search, and below it one for each candidate. Once a search and tracking server."""

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
from cd4ml.tuning.search_result import waiting

if TYPE_CHECKING:
    from mlflow.entities import Run

    from cd4ml.tracking.server import TrackingServer

_SEARCH, _CANDIDATE = "tune.search", "tune.candidate"  # tags by which a run is found again


def publish(finished: Path) -> None:
    """Publish a finished search, and those before it that could not be; say so in one line where that fails."""
    try:
        where = TrackingAddress.read(os.environ)
        fresh = [path for path in waiting(finished) if not _is_published(path, where)]
        if not fresh:
            report(f"the search is in MLflow already, at {where.redacted}")
            return
        where.check_reachable()
        with publishing_lock():
            _publish_all(fresh, where)
        report(f"the search is in MLflow at {where.redacted}: a run, and one below it for each candidate")
    except TrackingError as failure:
        told = "the results are kept, and `make tune` publishes them when it is run again"
        print(f"tune: not published: {failure}; {told}", file=sys.stderr)


def _receipt(path: Path, where: TrackingAddress) -> Path:
    return path.with_name(f"{path.stem}.{where.key}.run")


def _is_published(path: Path, where: TrackingAddress) -> bool:
    gone = where.database is not None and not where.database.exists()
    return not gone and _receipt(path, where).exists()


def _publish_all(fresh: list[Path], where: TrackingAddress) -> None:
    prepare_mlflow(where)
    from cd4ml.tracking.server import TrackingServer, translate_errors

    with translate_errors(where):
        server = TrackingServer(where)
        for path in fresh:
            if not _is_published(path, where):  # by another one, while we waited
                write_text(_receipt(path, where), _publish(server, path))


def _publish(server: "TrackingServer", path: Path) -> str:
    """Bring the runs of a search about, each where it is not there in full; return the id of the upper one."""
    record = json.loads(path.read_bytes())
    parent = _found(server, f"tags.`{_SEARCH}` = '{record['search']}'").get("")
    if parent is None:
        tags = Lineage.read(os.environ).tags() | {"mlflow.source.name": "make tune", _SEARCH: record["search"]}
        parent = server.client.create_run(server.experiment, tags=tags, run_name=f"tune {record['search'][:7]}")
    upper = str(parent.info.run_id)
    below = _found(server, f"tags.`mlflow.parentRunId` = '{upper}'")
    for number, candidate in enumerate(record["candidates"]):
        run = below.get(str(number))
        if run is None or run.info.status not in ("FINISHED", "FAILED"):
            _publish_candidate(server, upper, run, number, candidate, record)
    if parent.info.status != "FINISHED":
        _log(server, upper, _params(record), [(f"cv_{name}", value, 0) for name, value in _results(record)])
        server.client.log_artifact(upper, str(path))
        server.client.set_terminated(upper, "FINISHED")
    return upper


def _found(server: "TrackingServer", query: str) -> dict[str, "Run"]:
    """Return runs that a query finds, by the number of their candidate; "" for one of none."""
    found: dict[str, Run] = {}
    token = None
    while True:
        page = server.client.search_runs([server.experiment], query, max_results=1000, page_token=token)
        for run in page:
            found.setdefault(run.data.tags.get(_CANDIDATE, ""), run)
        token = page.token
        if not token:
            return found


def _publish_candidate(
    server: "TrackingServer", upper: str, run: "Run | None", number: int, candidate: dict[str, Any], record: dict[str, Any]
) -> None:
    if run is None:
        place = {record["winner"]: "winner", record["present"]: "present values"}.get(number, "")
        tags = {"mlflow.parentRunId": upper, _CANDIDATE: str(number), "mlflow.source.name": "make tune"}
        tags |= {"tune.place": place} if place else {}
        tags |= {"tune.failure": candidate["failure"]} if candidate["failure"] else {}
        name = f"candidate {number}" + (f", {place}" if place else "")
        run = server.client.create_run(server.experiment, tags=tags, run_name=name)
    metrics = [("seconds", candidate["seconds"], 0)]
    for rung in candidate["rungs"]:
        metrics.append((f"cv_{record['metric']}", rung["mean"], rung["rung"]))
        metrics.append((f"cv_{record['metric']}_deviation", rung["deviation"], rung["rung"]))
        metrics.append(("rows", record["rungs"][rung["rung"] - 1]["rows"], rung["rung"]))
    _log(server, run.info.run_id, candidate["settings"], metrics)
    server.client.set_terminated(run.info.run_id, "FAILED" if candidate["failure"] else "FINISHED")


def _params(record: dict[str, Any]) -> dict[str, Any]:
    """Return how was searched, and the winner's values."""
    tune = record["tune"]
    said: dict[str, Any] = {f"tune.{key}": value for key, value in tune.items() if key != "space"}
    said |= {f"tune.space.{key}": choices.get("choices", choices) for key, choices in tune["space"].items()}
    said |= record["candidates"][record["winner"]]["settings"]
    return said


def _results(record: dict[str, Any]) -> list[tuple[str, float]]:
    found = [(f"{record['metric']}_gain", record["gain"])]
    for name, number in (("", record["winner"]), ("_present", record["present"])):
        rungs = record["candidates"][number]["rungs"]
        if rungs:
            found.append((f"{record['metric']}{name}", rungs[-1]["mean"]))
    return found


def _log(server: "TrackingServer", run: str, params: dict[str, Any], metrics: list[tuple[str, float, int]]) -> None:
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000
    shown = [Param(key, value if isinstance(value, str) else json.dumps(value)) for key, value in params.items()]
    server.client.log_batch(run, [Metric(name, value, now, step) for name, value, step in metrics], shown)
