"""MLflow's own server, in an environment of a project, and what it says over REST."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.project.baked import Project, environment, free_port, stop


@contextmanager
def start(project: Project, log: Path, *options: str, program: Sequence[str] = (), **settings: str) -> Iterator[str]:
    """Start MLflow's own server, from the project's environment or by another program; yield its address."""
    port = free_port()
    command = [*(program or (project.python, "-m", "mlflow"))]
    command += ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, *options], cwd=log.parent, stdout=output, stderr=output, start_new_session=True, text=True,
            env=environment(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", **settings),
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(f"{url}/health", server, log)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        stop(server)


def wait_until_it_answers(url: str, process: subprocess.Popen[str], log: Path) -> None:
    """Wait until a process answers at an address."""
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)


def ask(url: str, path: str, **body: Any) -> dict[str, Any]:
    """Send a request to MLflow's REST API; return its answer."""
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())  # type: ignore[no-any-return]


def runs(url: str) -> list[dict[str, Any]]:
    """Return the runs that a server has."""
    experiments = ask(url, "experiments/search", max_results=10)["experiments"]
    ids = [experiment["experiment_id"] for experiment in experiments]
    return ask(url, "runs/search", experiment_ids=ids).get("runs", [])  # type: ignore[no-any-return]


def is_listening(port: int) -> bool:
    """Whether MLflow answers at a port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
            return True
    except OSError:
        return False
