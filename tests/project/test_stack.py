"""The stack's MLflow as compose.yaml starts it, on a real PostgreSQL, with what the image would have installed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Bake
from tests.project import mlflow_server, postgresql
from tests.project.baked import environment, free_port, stop


@pytest.fixture
def image(bake: Bake, uv: str, tmp_path: Path) -> Path:
    """A folder with what the image of MLflow copies and installs, in place of its /app."""
    project, app = bake(into=tmp_path / "baked"), tmp_path / "app"
    dockerfile = (project / "cd4ml/ops/mlflow.Dockerfile").read_text()
    (files,) = re.findall(r"^COPY (\w.*) \./$", dockerfile, re.MULTILINE)
    for name in (*files.split(), "cd4ml/pyproject.toml"):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project / name, app / name)
    (command,) = re.findall(r"(uv sync .*?) &&", dockerfile)
    done = subprocess.run(command.split(), cwd=app, env=environment(), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (app / "compose.yaml").write_text((project / "cd4ml/ops/compose.yaml").read_text())
    return app


@contextmanager
def started(app: Path, service: dict[str, Any], database: str, log: Path) -> Iterator[str]:
    """Run the service's command with its variables; only addresses and the folder of the files differ."""
    port = free_port()
    changed = {"--host": "127.0.0.1", "--port": str(port), "--artifacts-destination": str(app / "mlartifacts")}
    options = [word.partition("=") for word in service["command"]]
    command = [f"{name}={changed.get(name, value)}" if mark else name for name, mark, value in options]
    assert changed.keys() <= {name for name, _, _ in options}
    uri = re.sub(
        r"://.*@postgres/mlflow$",
        "://" + database.partition("://")[2],
        service["environment"]["MLFLOW_BACKEND_STORE_URI"],
    )
    assert "127.0.0.1" in uri
    variables = service["environment"] | {"MLFLOW_BACKEND_STORE_URI": uri, "HOME": str(app)}
    path = f"{app / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=app, env=environment(**variables, PATH=path), stdout=output, stderr=output,
            start_new_session=True, text=True,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        mlflow_server.wait_until_it_answers(f"{url}/health", server, log)
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        stop(server)


def test_mlflow_keeps_its_runs_in_postgresql(
    image: Path, need: Callable[[str, object, str], None], tmp_path: Path
) -> None:
    need("postgresql", postgresql.programs(), "PostgreSQL is not installed")
    service = yaml.safe_load((image / "compose.yaml").read_text())["services"]["mlflow"]
    with postgresql.start() as database:
        with started(image, service, database, tmp_path / "first.log") as url:
            mlflow_server.ask(url, "experiments/create", name="kept")
        with started(image, service, database, tmp_path / "second.log") as url:
            found = mlflow_server.ask(url, "experiments/search", max_results=10)["experiments"]

    kept = next(each for each in found if each["name"] == "kept")
    assert kept["artifact_location"].startswith("mlflow-artifacts:/")  # programs need no way to the files themselves
