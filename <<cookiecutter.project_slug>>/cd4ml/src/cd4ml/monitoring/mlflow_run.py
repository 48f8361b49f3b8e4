"""Record a day's figures in MLflow: one run for each day and model, beside the runs of its trainings."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from cd4ml.monitoring.gauges import level_number
from cd4ml.monitoring.newest import finding_of, newest_judged
from cd4ml.tracking.address import TrackingAddress
from cd4ml.tracking.lineage import Lineage
from cd4ml.tracking.track import prepare_mlflow

DAY, VERSION, CONTENT = "monitoring.day", "monitoring.version", "monitoring.digest"  # tags of a run


def record(document: Mapping[str, Any], address: TrackingAddress) -> str:
    """Record the figures of a document in MLflow, unless they are there already; return what was done.

    A document that differs from the one of the same day and model replaces its figures: outcomes have arrived since.

    Raises:
        TrackingError: MLflow cannot be reached, denies access or rejects a request.
    """
    address.check_reachable()
    prepare_mlflow(address)
    from mlflow.entities import Metric, RunTag

    from cd4ml.tracking.server import TrackingServer, translate_errors

    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    name = f"monitoring {document['day']}"
    with translate_errors(address):
        server = TrackingServer(address)
        key = {DAY: document["day"], VERSION: document["model"]["version"]}
        query = " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in key.items())
        runs = server.client.search_runs([server.experiment], query, order_by=["start_time ASC"])
        if runs and runs[0].data.tags.get(CONTENT) == digest:
            return f"{name} is in MLflow already"
        tags = key | {"monitoring.level": document["level"], **Lineage.read(os.environ).tags()}
        tags["mlflow.source.name"] = "make monitor"
        run = runs[0] if runs else server.client.create_run(server.experiment, tags=tags, run_name=name)
        now = time.time_ns() // 1_000_000  # of two values, MLflow shows the later one
        metrics = [Metric(metric, value, now, 0) for metric, value in figures(document).items()]
        changed = [RunTag("monitoring.level", document["level"])]
        server.client.log_batch(run.info.run_id, metrics=metrics, tags=changed)
        server.client.set_tag(run.info.run_id, CONTENT, digest)  # last: an interrupted run is recorded again
        server.client.set_terminated(run.info.run_id, "FINISHED")
    return f"{name} is in MLflow at {address.redacted}"


def figures(document: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures that are recorded, by name; those that are not known are left out."""
    newest, judged = document["periods"][-1], newest_judged(document)
    performance = judged["performance"] if judged else {}
    interval, main = performance.get("interval") or {}, document["metric"]["name"]
    found = {
        **performance.get("metrics", {}),
        f"{main}_low": interval.get("low"),
        f"{main}_high": interval.get("high"),
        f"{main}_on_test_set": document["metric"]["on_test_set"],
        f"{main}_expected": (performance.get("expected") or {}).get(main),
        f"baseline_{main}": performance.get("baseline"),
        "loss": finding_of(document, "loss")["numbers"].get("loss"),
        "level": level_number(document["level"]),
        "rows": newest["rows"],
        "labelled_share": newest["labelled_share"],
        "label_delay_days": document["outcomes"]["delay_days"],
        "prediction_index": document["predictions"]["index"],
    }
    return {name: float(value) for name, value in found.items() if value is not None}
