"""Runs reach a real MLflow server, once each; what is loaded from there answers as the bundle does."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.delivery import clouds
from tests.project import postgresql
from tests.project.baked import PATIENCE, Project, environment, free_port, stop

Need = Callable[[str, object, str], None]

COMPARE = """
import sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
model, table = sys.argv[1:3]
answers = mlflow.pyfunc.load_model(model).predict(pd.read_parquet(table))
answers.to_parquet(sys.argv[3])
"""

EXPECTED = """
import sys; from pathlib import Path; import pandas as pd
from cd4ml.bundle.bundle import Bundle; from cd4ml.contract.table import columns_of_table
bundle, said = Bundle.load(Path("models/bundle")), pd.read_parquet(sys.argv[1])
table = pd.read_parquet("data/holdout.parquet")
scores = bundle.scores(columns_of_table(table, bundle.contract))
assert said["prediction"].tolist() == bundle.decision.predictions(scores)
assert said["probability"].tolist() == bundle.decision.probabilities(scores)
print(len(said), "rows answered as the bundle does")
"""


@pytest.fixture(scope="module")
def connected(quick: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small project, with what MLflow needs for PostgreSQL and S3. Not to be changed: copy it first."""
    project = quick.copy(tmp_path_factory.mktemp("connected"))
    project.replace("Makefile", "ALSO :=\n", "ALSO := s3 postgresql\n")
    project.make("setup")
    return project


@pytest.fixture(scope="module")
def project(connected: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy that publishes into the database in its folder."""
    return connected.copy(tmp_path_factory.mktemp("local"))


@contextmanager
def mlflow_server(project: Project, log: Path, *options: str, **settings: str) -> Iterator[str]:
    """Start MLflow's own server from the project's environment; yield its address once it answers."""
    port = free_port()
    command = [project.python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
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
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())  # type: ignore[no-any-return]


def runs(url: str) -> list[dict[str, Any]]:
    found = ask(url, "experiments/search", max_results=10)["experiments"]
    ids = [one["experiment_id"] for one in found]
    return ask(url, "runs/search", experiment_ids=ids).get("runs", [])  # type: ignore[no-any-return]


@pytest.fixture
def server(connected: Project, need: Need, tmp_path: Path) -> Iterator[str]:
    """The address of a server on PostgreSQL, with files in S3 that programs bring there themselves."""
    need("postgresql", postgresql.programs(), "PostgreSQL is not installed")
    with ExitStack() as stack:
        database = stack.enter_context(postgresql.start()).replace("postgresql:", "postgresql+psycopg:")
        settings = stack.enter_context(clouds.s3(need, tmp_path))
        create = "import boto3; boto3.client('s3').create_bucket(Bucket='runs')"
        connected.run(connected.python, "-c", create, settings=settings)
        options = ["--backend-store-uri", database, "--default-artifact-root", "s3://runs", "--no-serve-artifacts"]
        for name, value in settings.items():
            stack.enter_context(pytest.MonkeyPatch.context()).setenv(name, value)
        yield stack.enter_context(mlflow_server(connected, tmp_path / "server.log", *options, **settings))


def test_a_run_is_published_once_and_its_model_answers_as_the_bundle(
    server: str, connected: Project, tmp_path: Path
) -> None:
    settings = {"TRACK": "yes", "MLFLOW_TRACKING_URI": server}

    first = connected.make("train", settings=settings).stdout
    again = connected.make("train", settings=settings).stdout
    champion = connected.make("track", "ALIAS=champion", settings=settings).stdout
    shutil.rmtree(connected.folder / ".mlflow")
    checked = connected.make("track", "CHECK=1", settings=settings).stdout

    print(first[-900:], again[-400:], champion, checked)
    page = re.search(rf"{server}/#/experiments/\d+/runs/(\w+)", first)
    assert page
    assert "in MLflow already" in again
    assert "published: alias" in champion
    assert "nothing was missing" in checked
    (run,) = runs(server)
    assert run["info"]["run_id"] == page[1]
    assert run["info"]["status"] == "FINISHED"

    table, said = str(connected.folder / "data/holdout.parquet"), str(tmp_path / "said.parquet")
    model = f"models:/{connected.folder.name}@champion"
    connected.run(connected.python, "-c", COMPARE, model, table, said, settings=settings)
    expected = connected.run(connected.python, "-c", EXPECTED, said).stdout
    assert "rows answered as the bundle does" in expected


def test_a_server_that_keeps_the_files_itself_gets_all_of_them(project: Project, tmp_path: Path) -> None:
    options = ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", str(tmp_path / "files")]
    with mlflow_server(project, tmp_path / "server.log", *options) as address:
        settings = {"MLFLOW_TRACKING_URI": address}

        assert "published" in project.make("track", settings=settings).stdout
        shutil.rmtree(project.folder / ".mlflow")
        assert "nothing was missing" in project.make("track", "CHECK=1", settings=settings).stdout

    kept = [path for path in (tmp_path / "files").rglob("model.onnx") if path.is_file()]
    assert (project.folder / "models/bundle/model.onnx").read_bytes() in [path.read_bytes() for path in kept]


def test_the_model_answers_where_only_its_requirements_are_installed(project: Project, tmp_path: Path) -> None:
    project.make("track")
    (model,) = project.folder.glob("mlartifacts/models/*/artifacts")
    requirements, alone = str(model / "requirements.txt"), str(tmp_path / "alone")
    project.run("uv", "venv", "--quiet", "--python", project.python, alone)
    project.run("uv", "pip", "install", "--quiet", "--python", f"{alone}/bin/python", "-r", requirements, "pyarrow")
    elsewhere = shutil.copytree(model, tmp_path / "model")
    table, said = str(project.folder / "data/holdout.parquet"), str(tmp_path / "said.parquet")

    assert project.run(f"{alone}/bin/python", "-c", "import cd4ml.bundle", check=False).returncode == 1
    project.run(f"{alone}/bin/python", "-c", COMPARE, str(elsewhere), table, said)

    assert (
        "sklearn" not in project.run(f"{alone}/bin/python", "-c", "import sys, onnxruntime; print(*sys.modules)").stdout
    )
    assert "rows answered" in project.run(
        project.python, "-c", EXPECTED, said
    ).stdout  # fmt: skip


def test_a_server_that_is_away_does_not_harm_the_training(project: Project) -> None:
    settings = {"TRACK": "yes", "MLFLOW_TRACKING_URI": f"http://ada:s3cret-word@127.0.0.1:{free_port()}"}
    project.replace("params.yaml", "slice_minimum_rows: 50", "slice_minimum_rows: 60")

    trained = project.make("train", settings=settings).stdout
    begun = time.monotonic()
    tracked = project.make("track", settings=settings, check=False)
    took = time.monotonic() - begun
    later = project.make("track").stdout

    print(trained[-500:], tracked.stdout, later)
    (line,) = [line for line in trained.splitlines() if line.startswith("track: ")]
    assert re.fullmatch(
        r"track: not in MLflow yet: no server answers at http://127.0.0.1:\d+: Connection refused; "
        "`make track` publishes it later",
        line,
    )
    assert "next: make serve" in trained
    assert tracked.returncode != 0
    assert "no server answers at http://127.0.0.1:" in tracked.stdout
    assert took < 10
    assert "published: " in later
    assert "s3cret" not in trained + tracked.stdout + later


def test_two_at_once_publish_one_run(project: Project, tmp_path: Path) -> None:
    for made in (".mlflow", "mlartifacts"):
        shutil.rmtree(project.folder / made, ignore_errors=True)
    (project.folder / "mlflow.db").unlink(missing_ok=True)
    logs = [tmp_path / "one", tmp_path / "two"]

    processes = [project.start("make", "track", log=log) for log in logs]
    codes = [process.wait(PATIENCE) for process in processes]

    said = sorted(log.read_text() for log in logs)
    print(*said)
    assert codes == [0, 0]
    assert ["in MLflow already" in one for one in said].count(True) == 1
    count = "import mlflow; print(len(mlflow.MlflowClient('sqlite:///mlflow.db').search_runs(['1'])))"
    assert project.run(project.python, "-c", count).stdout.split()[-1] == "1"


def test_mlflow_opens_its_page_on_loopback(project: Project, tmp_path: Path) -> None:
    project.make("track")
    log, port = tmp_path / "page.log", str(free_port())

    page = project.start("make", "mlflow", f"MLFLOW_PORT={port}", log=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(f"{url}/health", page, log)
        (run,) = runs(url)
        taken = project.make("mlflow", f"MLFLOW_PORT={port}", check=False)
        query = f"path=reports/model-card.md&run_uuid={run['info']['run_id']}"
        with urllib.request.urlopen(f"{url}/get-artifact?{query}", timeout=30) as answer:
            card = answer.read().decode()
    finally:
        os.killpg(page.pid, signal.SIGTERM)
        stop(page)

    assert f"MLflow's page is at {url}/#/experiments" in log.read_text()
    assert "choose another with HOST and MLFLOW_PORT" in taken.stdout
    assert project.digest in card
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and is_listening(int(port)):
        time.sleep(0.2)
    assert not is_listening(int(port))


def is_listening(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
            return True
    except OSError:
        return False
