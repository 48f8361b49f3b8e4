"""`make track`: one run a bundle and server, however often it is called, whatever was lost or killed in between."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow
import pytest
from cd4ml.cli import main
from cd4ml.tracking.address import TrackingError
from cd4ml.tracking.receipt import alone
from cd4ml.tracking.track import track_after_training

PROJECT, PACKAGE = "houses", "cd4ml"


@pytest.fixture(scope="session")
def trained(tiny_projects, tmp_path_factory):
    """A project in which everything ran up to the reports, and MLflow's empty database is made. Not to be changed."""
    project = copy.copy(tiny_projects["binary"])
    project.folder = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(tiny_projects["binary"].folder, project.folder)
    project.run("evaluate")
    mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db").search_experiments()
    return project


class Tracked:
    """A trained project, and what `track` says and leaves there."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.client = mlflow.MlflowClient(*[f"sqlite:///{folder}/mlflow.db"] * 2)

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        """Run the verb; return all it printed."""
        self._capsys.readouterr()
        with chdir(self.folder):
            code = main(["track", *arguments])
        said = "".join(self._capsys.readouterr())
        assert (code == 1) == fails, said
        return said

    def after_training(self) -> str:
        """Do what `train` does at its end; return all it printed."""
        with chdir(self.folder):
            track_after_training()
        return "".join(self._capsys.readouterr())

    @property
    def experiment(self) -> str:
        return self.client.get_experiment_by_name(PROJECT).experiment_id

    def runs(self) -> list[mlflow.entities.Run]:
        return self.client.search_runs([self.experiment])

    def versions(self) -> list[mlflow.entities.model_registry.ModelVersion]:
        return self.client.search_model_versions(f"name = '{PROJECT}'")

    def models(self) -> list[mlflow.entities.LoggedModel]:
        return self.client.search_logged_models([self.experiment])

    def is_whole(self) -> bool:
        """Whether there is one finished run, one model that is ready, and one version."""
        statuses = [*(run.info.status for run in self.runs()), *(model.status.value for model in self.models())]
        return statuses == ["FINISHED", "READY"] and len(self.versions()) == 1


@pytest.fixture
def environ() -> Iterator[None]:
    """What `track` tells MLflow through the environment is gone afterwards."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def track(trained, tmp_path: Path, capsys, environ, monkeypatch: pytest.MonkeyPatch) -> Tracked:
    """`track("--check")` in a trained project of its own, with the database in its folder."""
    folder = tmp_path / "project"
    shutil.copytree(trained.folder, folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")  # the same file, by a name of its own
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return Tracked(folder, capsys)


def test_one_run_holds_all_that_is_known_of_a_bundle(track):
    said = track()

    (run,) = track.runs()
    manifest = json.loads((track.folder / "models/bundle/bundle.json").read_text())
    metrics = json.loads((track.folder / "reports/metrics.json").read_text())
    assert run.info.run_name == f"2024-06-30.{manifest['digest'][:7]}"
    assert run.info.status == "FINISHED"
    assert run.data.params["model.iterations"] == "10"
    assert run.data.params["data.window_days"] == "null"
    assert run.data.params["threshold"] == str(manifest["threshold"])
    assert run.data.metrics["roc_auc"] == metrics["roc_auc"]
    assert run.data.metrics["roc_auc_low"] == metrics["intervals"]["roc_auc"]["low"]
    assert run.data.metrics["baseline_roc_auc"] == 0.5
    assert run.data.tags["bundle.digest"] == manifest["digest"]
    assert run.data.tags["sha256.data"] == manifest["made_of"]["data"][:12]
    assert run.inputs.dataset_inputs[0].dataset.name == "houses"
    kept = track.folder / f"mlartifacts/{run.info.run_id}/artifacts"
    files = {path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()}
    assert {"contract.yaml", "params.yaml", "environment/uv.lock", "environment/environment.json",
            "reports/metrics.json", "reports/slices.json", "reports/model-card.md",
            "reports/pictures/roc.svg", "reports/curves/roc.csv"} <= files  # fmt: skip
    assert f"models:/{PROJECT}@challenger" in said
    assert track.is_whole()


def test_it_is_published_once_and_the_second_time_mlflow_is_not_even_imported(track):
    track()
    ask = f"import sys; from {PACKAGE}.cli import main; main(['track']); "
    ask += "print(not {'mlflow', 'numpy', 'pydantic'} & set(sys.modules))"

    again = subprocess.run([sys.executable, "-c", ask], cwd=track.folder, capture_output=True, text=True, timeout=60)

    assert again.stdout.splitlines()[-1] == "True", again.stderr
    assert f"in MLflow already: {PROJECT} version 1, challenger" in again.stdout
    assert track.is_whole()


def test_without_its_receipt_it_finds_what_is_there(track):
    track()
    shutil.rmtree(track.folder / ".mlflow")

    assert "all of it was there" in track()
    assert track.is_whole()


def test_the_champion_is_the_version_of_this_bundle(track):
    track("--alias", "champion")

    assert track.client.get_model_version_by_alias(PROJECT, "champion").version == track.versions()[0].version
    assert "in MLflow already" in track("--alias", "champion")
    assert "published: alias" in track()
    assert track.is_whole()


def test_back_on_an_earlier_bundle_the_alias_moves_back(track, trained):
    track()
    earlier = track.versions()[0].version
    retrained = copy.copy(trained)
    retrained.folder = track.folder
    retrained.replace("src/houses/features.py", '"""The age', '"""Another model: the age')
    retrained.run("package", "evaluate")
    track()
    assert track.client.get_model_version_by_alias(PROJECT, "challenger").version != earlier

    for part in ("models", "reports"):
        shutil.rmtree(track.folder / part)
        shutil.copytree(trained.folder / part, track.folder / part)
    said = track()

    assert "published: alias" in said
    assert track.client.get_model_version_by_alias(PROJECT, "challenger").version == earlier
    assert len(track.runs()) == len(track.versions()) == 2


def test_a_bundle_that_was_judged_anew_keeps_its_run(track):
    track()
    metrics = json.loads((track.folder / "reports/metrics.json").read_text())
    (track.folder / "reports/metrics.json").write_text(json.dumps(metrics | {"roc_auc": 0.123}))

    track()

    assert track.runs()[0].data.metrics["roc_auc"] == 0.123
    assert track.is_whole()


def spoil_artifact(track: Tracked) -> None:
    next(track.folder.glob("mlartifacts/*/artifacts/reports/slices.json")).unlink()


def spoil_artifact_and_alias(track: Tracked) -> None:
    spoil_artifact(track)
    track.client.delete_registered_model_alias(PROJECT, "challenger")


def spoil_model(track: Tracked) -> None:
    next(track.folder.glob("mlartifacts/models/*/artifacts/artifacts/bundle/model.onnx")).write_bytes(b"cut")


def spoil_version(track: Tracked) -> None:
    track.client.delete_registered_model(PROJECT)


def spoil_run(track: Tracked) -> None:
    track.client.delete_run(track.runs()[0].info.run_id)


@pytest.mark.parametrize("spoil", [spoil_artifact_and_alias, spoil_model, spoil_version, spoil_run])
def test_a_check_publishes_again_what_is_missing(track, spoil):
    track()
    spoil(track)
    assert "in MLflow already" in track()

    assert "published: " in track("--check")

    assert "all of it was there" in track("--check")
    (run,) = track.runs()
    assert run.info.status == "FINISHED"
    champion = mlflow.pyfunc.load_model(f"models:/{PROJECT}@challenger")
    assert champion.metadata.run_id == run.info.run_id


KILLED_AT = ["log_model_artifacts", "create_model_version", "log_artifacts"]
KILL = """
import os, signal, sys
import mlflow, mlflow.store.tracking.sqlalchemy_store, PACKAGE.tracking.server
from PACKAGE.cli import main
def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
for folder in sys.argv[1:]:  # one import of MLflow for all of them
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # else the next child prints it too
        continue
    os.chdir(folder)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    setattr(mlflow.MlflowClient, os.path.basename(folder), kill)
    main(["track"])
"""


def test_what_a_killed_track_left_is_completed(track, tmp_path, monkeypatch, capsys):
    folders = [tmp_path / method for method in KILLED_AT]
    for folder in folders:
        shutil.copytree(track.folder, folder)

    command = [sys.executable, "-c", KILL.replace("PACKAGE", PACKAGE), *map(str, folders)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    assert killed.stdout.split().count(str(-signal.SIGKILL)) == len(folders), killed.stderr
    for folder in folders:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        later = Tracked(folder, capsys)
        assert later.runs()[0].info.status == "RUNNING"

        later()

        assert later.is_whole(), folder.name
        assert later.client.get_model_version_by_alias(PROJECT, "challenger")


def test_a_commit_made_afterwards_is_named_in_the_run(track):
    def git(*words: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        done = subprocess.run(["git", *identity, *words], cwd=track.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    (track.folder / ".gitignore").write_text("mlflow.db*\nmlartifacts\n.mlflow\n")
    git("add", ".gitignore")
    git("commit", "--quiet", "--message", "begun")
    track()
    assert track.runs()[0].data.tags["git.dirty"] == "true"
    git("add", "--all")
    git("commit", "--quiet", "--message", "trained")

    assert "published: commit" in track()

    tags = track.runs()[0].data.tags
    assert (tags["git.commit"], tags["git.dirty"]) == (git("rev-parse", "HEAD"), "false")
    assert "in MLflow already" in track()


def test_a_copied_project_does_not_write_into_the_folder_it_was_copied_from(track, tmp_path, monkeypatch, capsys):
    track()
    copied = tmp_path / "copied"
    shutil.copytree(track.folder, copied)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{copied}/mlflow.db")
    copy = Tracked(copied, capsys)

    assert "published: alias" in copy("--alias", "champion")

    (run,), (model,) = copy.runs(), copy.models()
    registered = copy.client.get_model_version_download_uri(PROJECT, "1")
    for place in (run.info.artifact_uri, model.artifact_location, registered):
        assert place.startswith(f"{copied.as_uri()}/mlartifacts/"), place
        assert Path(place.removeprefix("file://")).is_dir()
    assert track.runs()[0].info.artifact_uri.startswith(f"{track.folder.as_uri()}/")


def test_only_one_publishes_at_a_time(track, tmp_path):
    begun, go_on, done = threading.Event(), threading.Event(), []

    def first() -> None:
        with alone():
            begun.set()
            go_on.wait(60)
            done.append("first")

    with chdir(track.folder):
        other = threading.Thread(target=first)
        other.start()
        begun.wait()
        with (
            pytest.raises(TrackingError, match=rf"process {os.getpid()} has been publishing for \d+ seconds"),
            alone(0.2),
        ):
            pass
        threading.Timer(0.3, go_on.set).start()
        with alone():
            done.append("second")
        other.join()

    assert done == ["first", "second"]


@pytest.fixture
def server() -> Iterator[Callable[[int], str]]:
    """`server(401)`: the address of a server that answers everything so; `server(0)`: of one that never answers."""
    started = []

    def start(code: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if code == 0:
                    stopped.wait(30)
                self.send_response(code or 200)
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - as the base class calls it

            def log_message(self, *_: object) -> None:
                pass

        made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=made.serve_forever, daemon=True).start()
        started.append(made)
        return f"http://ada:s3cret%21word@127.0.0.1:{made.server_port}"

    stopped = threading.Event()
    yield start
    stopped.set()
    for one in started:
        one.shutdown()
        one.server_close()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (401, "it refuses us (401): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (403, "it refuses us (403)"),
        (500, "it answers 500, again and again"),
        (0, "no answer within 1 seconds"),
        (None, "Connection refused"),
    ],
)
def test_a_server_that_does_not_take_it_is_told_in_one_line_without_a_password(
    track, server, monkeypatch, code, reason
):
    monkeypatch.setattr(f"{PACKAGE}.tracking.address._PATIENCE", 1.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    uri = "http://ada:s3cret%21word@127.0.0.1:9" if code is None else server(code)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    begun = time.monotonic()
    said = track(fails=True)
    took = time.monotonic() - begun
    trained = track.after_training()

    assert reason in said
    assert uri.rpartition("@")[2] in said
    assert len([line for line in said.splitlines() if line.startswith("track: ")]) == 1
    assert "`make track` publishes it later" in trained
    written = "".join(path.read_text() for path in (track.folder / ".mlflow").glob("*"))
    for secret in ("s3cret", "ada"):
        assert secret not in said + trained + written
    assert took < 10


def test_before_anything_is_trained_it_says_what_to_do(tmp_path, track):
    shutil.rmtree(track.folder / "models")

    assert "no bundle in models/bundle; run `make train`, which makes one" in track(fails=True)


def test_reports_of_another_bundle_are_not_published_with_this_one(track):
    card = track.folder / "reports/model-card.md"
    card.write_text("about another one")

    assert "reports is not about models/bundle: `make train` judges the bundle anew" in track(fails=True)


@pytest.mark.parametrize("alias", ["", "v3", "latest", "a b", "ch/llenger"])
def test_what_is_no_alias_is_refused(track, alias):
    assert "is no alias; write one such as champion" in track("--alias", alias, fails=True)


def test_the_page_needs_something_to_show(track, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///absent.db")
    with chdir(track.folder):
        assert main(["mlflow"]) == 1
        assert "nothing was published to absent.db yet" in capsys.readouterr().err
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ada:secret@mlflow.example.org/")
        assert main(["mlflow"]) == 0
        assert capsys.readouterr().out.strip() == "MLflow's page is at https://mlflow.example.org"
