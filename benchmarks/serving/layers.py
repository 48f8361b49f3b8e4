"""Time the layers of one request inside the generated service: run by `profile.py` in the service's own environment.

    python layers.py bundle requests.jsonl key

Prints as JSON the median microseconds of each layer without those it calls; and, without these timers, the median of
the whole request and its mean processor time. A layer is a middleware or endpoint of the service, or one of the
functions below, by its name. A wait for the event loop counts for the layer that waits.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import pkgutil
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

REQUESTS, WARM = 2000, 200
FUNCTIONS = {
    "cd4ml.bundle.engines:OnnxEngine.scores": "engine: ONNX Runtime",
    "cd4ml.bundle.engines:SklearnEngine.scores": "engine: scikit-learn",
    "cd4ml.bundle.feature_code:FeatureCode.derive": "features: features.py, and checks of what it returns",
    "cd4ml.serving.batching:LoopBatcher.scores": "layer: LoopBatcher",
    "cd4ml.serving.payload:Payload._typed": "body: JSON decoded and checked",
    "cd4ml.serving.payload:Payload._columns_of": "columns: arrays of the rows",
    "cd4ml.bundle.decision:Decision.predictions": "answer: labels",
    "cd4ml.bundle.decision:Decision.probabilities": "answer: probabilities",
}


class Stopwatch:
    """Times nested calls: each without what it calls, by layer."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._open: list[float] = []  # what the calls inside each open call have taken

    def _close(self, layer: str, began: float) -> None:
        elapsed = time.perf_counter() - began
        self.spent[layer] += elapsed - self._open.pop()
        if self._open:
            self._open[-1] += elapsed

    def timed(self, layer: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function, or a coroutine function, that is timed."""
        if inspect.iscoroutinefunction(function):

            async def asynchronous(*arguments: Any, **named: Any) -> Any:
                self._open.append(0.0)
                began = time.perf_counter()
                try:
                    return await function(*arguments, **named)
                finally:
                    self._close(layer, began)

            return asynchronous

        def synchronous(*arguments: Any, **named: Any) -> Any:
            self._open.append(0.0)
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self._close(layer, began)

        return synchronous


def time_layers(watch: Stopwatch) -> None:
    """Time every ASGI class of the service, the functions above, and the encoding of answers."""
    import cd4ml.serving
    import msgspec

    for module in pkgutil.iter_modules(cd4ml.serving.__path__):
        if module.name not in ("smoke", "client", "predict"):  # these ask a service
            importlib.import_module(f"cd4ml.serving.{module.name}")
    for module_name, loaded in list(sys.modules.items()):
        for name, kind in list(vars(loaded).items()) if module_name.startswith("cd4ml.serving.") else ():
            call = vars(kind).get("__call__") if inspect.isclass(kind) else None
            if call is not None and kind.__module__ == module_name and inspect.iscoroutinefunction(call):
                setattr(kind, "__call__", watch.timed(f"layer: {name}", call))  # noqa: B010 - a special method
    for place, layer in FUNCTIONS.items():
        module_name, _, path = place.partition(":")
        owner, function = path.split(".")
        kind = getattr(importlib.import_module(module_name), owner, None)
        if not hasattr(kind, function):
            print(f"layers: there is no {place} any more; its time is in the layer that calls it", file=sys.stderr)
            continue
        setattr(kind, function, watch.timed(layer, getattr(kind, function)))
    encoder = msgspec.json.Encoder

    class TimedEncoder:
        def __init__(self, *arguments: Any, **named: Any) -> None:
            self._encoder = encoder(*arguments, **named)
            self.encode = watch.timed("answer: JSON encoded", self._encoder.encode)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._encoder, name)

    msgspec.json.Encoder = TimedEncoder  # type: ignore[misc, assignment]


async def ask(app: Any, body: bytes, key: str) -> float:
    """Send one request through the application; return the seconds that it took.

    Raises:
        SystemExit: it was not answered with 200.
    """
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/predict",
        "raw_path": b"/predict",
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"content-type", b"application/json"),
            (b"authorization", b"Bearer " + key.encode()),
            (b"content-length", str(len(body)).encode()),
        ],
    }
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    began = time.perf_counter()
    await app(scope, receive, send)
    elapsed = time.perf_counter() - began
    if statuses != [200]:
        sys.exit(f"layers: the service answered with {statuses}")
    return elapsed


async def with_lifespan(app: Any, measure: Callable[[], Any]) -> Any:
    """Start the application as a server does, measure, and stop it."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.create_task(app(scope, said.get, heard.put))
    await said.put({"type": "lifespan.startup"})
    await asyncio.wait_for(heard.get(), 30)
    try:
        return await measure()
    finally:
        await said.put({"type": "lifespan.shutdown"})
        await asyncio.wait_for(running, 30)


def measured(bundle: Path, bodies: list[bytes], key: str, watch: Stopwatch | None) -> dict[str, float]:
    """Return the median microseconds of each layer, or of the whole request without a stopwatch."""
    if watch is not None:
        time_layers(watch)
    import uvloop
    from cd4ml.serving.app import create_app
    from cd4ml.serving.service_settings import ServiceSettings

    environment = {**os.environ, "SERVICE_API_KEYS": key, "MODEL_BUNDLE": str(bundle)}
    app = create_app(bundle, ServiceSettings.read([], environment))
    seconds: dict[str, list[float]] = defaultdict(list)
    processor = 0.0

    async def measure() -> None:
        nonlocal processor
        for number in range(WARM + REQUESTS):
            if number == WARM:
                processor = time.process_time()
            if watch is not None:
                watch.spent.clear()
            await asyncio.sleep(0)  # as between two requests of one connection, the event loop turns
            elapsed = await ask(app, bodies[number % len(bodies)], key)
            spent = {"whole": elapsed} if watch is None else dict(watch.spent)
            if number >= WARM:
                for layer, value in spent.items():
                    seconds[layer].append(value)
        processor = time.process_time() - processor

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # the server's own event loop
        runner.run(with_lifespan(app, measure))
    medians = {layer: statistics.median(values) * 1e6 for layer, values in seconds.items()}
    return medians | ({"processor": processor / REQUESTS * 1e6} if watch is None else {})


if __name__ == "__main__":
    folder, requests, own_key = sys.argv[1:]
    lines = Path(requests).read_bytes().splitlines()
    whole = measured(Path(folder), lines, own_key, None)
    print(json.dumps(measured(Path(folder), lines, own_key, Stopwatch()) | whole))
