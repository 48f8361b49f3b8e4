"""Who takes part: how each is started, what it is sent, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

KEY = "benchmark-0123456789abcdef"
Rows = list[dict[str, Any]]


def as_rows(rows: Rows) -> dict[str, Any]:
    """Return the request of most: `{"rows": [{column: value}]}`."""
    return {"rows": rows}


def as_records(rows: Rows) -> dict[str, Any]:
    """Return a request as MLflow's scoring server takes it."""
    return {"dataframe_records": rows}


def as_tensors(rows: Rows) -> dict[str, Any]:
    """Return a request of the Open Inference Protocol (V2), a tensor for each column, as MLServer takes a table."""
    inputs = []
    for name in rows[0]:
        values = [row[name] for row in rows]
        text = any(isinstance(value, str) for value in values)
        kind: dict[str, Any] = (
            {"datatype": "BYTES", "parameters": {"content_type": "str"}} if text else {"datatype": "FP64"}
        )
        inputs.append({"name": name, "shape": [len(rows), 1], "data": values, **kind})
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": [{"name": "predict_proba"}]}


def from_probabilities(answer: Any) -> list[float]:
    """Return the probabilities of ours, and of the peers that were written here."""
    return [float(value) for value in answer["probabilities"]]


def from_pairs(answer: Any) -> list[float]:
    """Return the probabilities in MLflow's answer: a pair for each row."""
    return [float(pair[1]) for pair in answer["predictions"]]


def from_tensor(answer: Any) -> list[float]:
    """Return the probabilities in MLServer's answer: pairs, one after the other."""
    return [float(value) for value in answer["outputs"][0]["data"][1::2]]


@dataclass(frozen=True)
class Contender:
    """One way to serve the model.

    In `command`, `metrics` and `settings`, `{bin}` is its environment's folder of programs, `{peer}` that of its code,
    `{model}` that of the peers' features, `{work}` the one it runs in, and `{port}`, `{port2}` and `{port3}` are free
    ports.
    """

    name: str
    peer: str | None
    """Its folder in serving_peers; None for the generated service."""
    command: Sequence[str]
    path: str = "/predict"
    metrics: str = "http://127.0.0.1:{port}/metrics"
    request: Callable[[Rows], dict[str, Any]] = as_rows
    answer: Callable[[Any], list[float]] | None = from_probabilities
    """None if it returns a constant."""
    settings: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    runtime: str | None = None
    """Which bundle the generated service has."""
    prepare: Sequence[str] = ()
    """A command to run once, before it is started."""


def uvicorn(application: str, *more: str) -> list[str]:
    """Return the command that serves an ASGI application."""
    return ["{bin}/python", "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", "{port}", *more]


def ours(name: str, runtime: str) -> Contender:
    """Return the generated service, with everything on that it can do."""
    return Contender(
        name,
        None,
        ["{bin}/python", "-m", "cd4ml", "serve", "--host", "127.0.0.1", "--port", "{port}"],
        settings={"SERVICE_API_KEYS": KEY},
        headers={"Authorization": f"Bearer {KEY}"},
        runtime=runtime,
    )


ALL = [
    ours("ours", "onnx"),
    ours("ours-sklearn", "sklearn"),
    Contender(
        "fastapi-constant",
        "fastapi_constant",
        uvicorn("constant_service:app"),
        answer=None,
    ),
    Contender(
        "fastapi-constant-quiet",
        "fastapi_constant",
        uvicorn("constant_service:app", "--no-access-log"),
        answer=None,
    ),
    Contender("bare-asgi", "bare_asgi", uvicorn("bare_service:app"), answer=None),
    Contender("fastapi", "fastapi_usual", uvicorn("usual_service:app")),
    Contender(
        "mlflow",
        "mlflow_serve",
        "{bin}/mlflow models serve --env-manager local -m mlflow-model -h 127.0.0.1 -p {port}".split(),
        path="/invocations",
        request=as_records,
        answer=from_pairs,
        settings={"MLFLOW_DISABLE_TELEMETRY": "true"},
        prepare="{bin}/python {peer}/save_for_mlflow.py mlflow-model {model}/flight_features.py ../rows.json".split(),
    ),
    Contender(
        "mlserver",
        "mlserver_serve",
        "{bin}/mlserver start .".split(),
        path="/v2/models/flights/infer",
        metrics="http://127.0.0.1:{port3}/metrics",
        request=as_tensors,
        answer=from_tensor,
        settings={
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{port2}",
            "MLSERVER_METRICS_PORT": "{port3}",
        },
    ),
    Contender(
        "bentoml",
        "bentoml_serve",
        "{bin}/bentoml serve bentoml_service:Flights --host 127.0.0.1 --port {port}".split(),
        settings={"BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": "{work}/home"},
    ),
    Contender("litserve", "litserve_serve", "{bin}/python {peer}/litserve_service.py {port}".split()),
]
NAMES = [contender.name for contender in ALL]
