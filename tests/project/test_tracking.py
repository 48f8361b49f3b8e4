"""Runs reach a real MLflow server, once each; what is loaded from there answers as the bundle does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table

from tests.delivery import clouds
from tests.project import mlflow_server, postgresql
from tests.project.baked import PATIENCE, Project, free_port, stop

Need = Callable[[str, object, str], None]

ANSWER = """
import sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
model, table = sys.argv[1:3]
answers = mlflow.pyfunc.load_model(model).predict(pd.read_parquet(table))
answers.to_parquet(sys.argv[3])
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
        yield stack.enter_context(mlflow_server.start(connected, tmp_path / "server.log", *options, **settings))


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
    (run,) = mlflow_server.runs(server)
    assert run["info"]["run_id"] == page[1]
    assert run["info"]["status"] == "FINISHED"

    model, answers = f"models:/{connected.folder.name}@champion", str(tmp_path / "answers.parquet")
    connected.run(connected.python, "-c", ANSWER, model, "data/holdout.parquet", answers, settings=settings)
    assert_as_the_bundle(connected, answers)


def test_a_server_that_keeps_the_files_itself_gets_all_of_them(project: Project, tmp_path: Path) -> None:
    options = ["--backend-store-uri", "sqlite:///server.db", "--artifacts-destination", str(tmp_path / "files")]
    with mlflow_server.start(project, tmp_path / "server.log", *options) as address:
        settings = {"MLFLOW_TRACKING_URI": address}

        assert "published" in project.make("track", settings=settings).stdout
        shutil.rmtree(project.folder / ".mlflow")
        assert "nothing was missing" in project.make("track", "CHECK=1", settings=settings).stdout

    kept = [path for path in (tmp_path / "files").rglob("model.onnx") if path.is_file()]
    assert (project.folder / "models/bundle/model.onnx").read_bytes() in [path.read_bytes() for path in kept]


def test_the_model_answers_where_only_its_requirements_are_installed(project: Project, tmp_path: Path) -> None:
    project.make("track")
    (model,) = project.folder.glob("mlartifacts/models/*/artifacts")
    alone, answers = tmp_path / "alone", str(tmp_path / "answers.parquet")
    python = f"{alone}/bin/python"
    project.run("uv", "venv", "--quiet", "--python", project.python, str(alone))
    project.run("uv", "pip", "install", "--quiet", "--python", python, "-r", f"{model}/requirements.txt", "pyarrow")
    elsewhere = str(shutil.copytree(model, tmp_path / "model"))

    assert project.run(python, "-c", "import cd4ml.bundle", check=False).returncode == 1
    project.run(python, "-c", ANSWER, elsewhere, "data/holdout.parquet", answers)

    assert_as_the_bundle(project, answers)
    modules = project.run(python, "-c", "import sys, onnxruntime; print(*sys.modules)").stdout
    assert "sklearn" not in modules


def assert_as_the_bundle(project: Project, answers: str) -> None:
    """Compare answers for the test set with those of the project's bundle."""
    bundle, answered = Bundle.load(project.folder / "models/bundle"), pd.read_parquet(answers)
    table = pd.read_parquet(project.folder / "data/holdout.parquet")
    scores = bundle.scores(columns_of_table(table, bundle.contract))
    assert len(answered) > 1000
    assert answered["prediction"].tolist() == bundle.decision.predictions(scores)
    assert answered["probability"].tolist() == bundle.decision.probabilities(scores)


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


def test_a_server_of_mlflow_2_does_not_harm_the_training_and_is_named(project: Project, tmp_path: Path) -> None:
    old = (
        "uv",
        "run",
        "--no-project",
        "--python",
        project.python,
        "--with",
        "mlflow<3,>=2.20",
        "--with",
        "setuptools<81",
    )
    with mlflow_server.start(project, tmp_path / "server.log", program=(*old, "mlflow")) as address:
        settings = {"TRACK": "yes", "MLFLOW_TRACKING_URI": address}
        trained = project.make("train", settings=settings).stdout
        runs = mlflow_server.runs(address)

    (line,) = [line for line in trained.splitlines() if line.startswith("track: ")]
    assert line.startswith(f"track: not in MLflow: {address}: MLflow 3 is needed, and this is an older server")
    assert "later" not in line
    assert "next: make serve" in trained
    assert runs == []


def test_two_at_once_publish_one_run(project: Project, tmp_path: Path) -> None:
    for made in (".mlflow", "mlartifacts"):
        shutil.rmtree(project.folder / made, ignore_errors=True)
    (project.folder / "mlflow.db").unlink(missing_ok=True)
    logs = [tmp_path / "one", tmp_path / "two"]

    processes = [project.start("make", "track", log=log) for log in logs]
    codes = [process.wait(PATIENCE) for process in processes]

    printed = sorted(log.read_text() for log in logs)
    print(*printed)
    assert codes == [0, 0]
    assert ["in MLflow already" in one for one in printed].count(True) == 1
    count = "import mlflow; print(len(mlflow.MlflowClient('sqlite:///mlflow.db').search_runs(['1'])))"
    assert project.run(project.python, "-c", count).stdout.split()[-1] == "1"


def test_mlflow_opens_its_page_on_loopback(project: Project, tmp_path: Path) -> None:
    project.make("track")
    log, port = tmp_path / "page.log", str(free_port())

    page = project.start("make", "mlflow", f"MLFLOW_PORT={port}", log=log)
    try:
        url = f"http://127.0.0.1:{port}"
        mlflow_server.wait_until_it_answers(f"{url}/health", page, log)
        (run,) = mlflow_server.runs(url)
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
    while time.monotonic() < deadline and mlflow_server.is_listening(int(port)):
        time.sleep(0.2)
    assert not mlflow_server.is_listening(int(port))
