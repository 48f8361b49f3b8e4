"""The verb `track` publishes a bundle once to each server, with everything that is known about it."""

import copy
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import chdir
from pathlib import Path

import pytest
from cd4ml.tracking.address import TrackingError
from cd4ml.tracking.receipt import publishing_lock
from own_metrics import PROFIT
from tracked_project import PROJECT, TrackedProject


def test_one_run_holds_all_that_is_known_about_a_bundle(track):
    output = track()

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
    artifacts = track.folder / f"mlartifacts/{run.info.run_id}/artifacts"
    files = {path.relative_to(artifacts).as_posix() for path in artifacts.rglob("*") if path.is_file()}
    assert {"contract.yaml", "params.yaml", "environment/uv.lock", "environment/environment.json",
            "reports/metrics.json", "reports/slices.json", "reports/model-card.md",
            "reports/pictures/roc.svg", "reports/curves/roc.csv"} <= files  # fmt: skip
    assert f"models:/{PROJECT}@challenger" in output
    assert track.is_complete()


def test_own_metrics_are_published_and_the_main_one_is_in_the_summary(track, evaluated_project):
    project = copy.copy(evaluated_project)
    project.folder = track.folder
    project.write("src/houses/metrics.py", PROFIT)
    project.write("params.yaml", (track.folder / "params.yaml").read_text() + "metrics: {main: profit}\n")

    with project.inside():
        assert "lacks profit, now metrics.main: `make train` evaluates again" in track(fails=True)
    project.run("evaluate")
    with project.inside():
        track()

    (run,) = track.runs()
    assert run.data.params["metrics.main"] == "profit"
    assert {"profit", "profit_low", "profit_high", "baseline_profit", "cost"} <= set(run.data.metrics)
    assert "Profit is" in run.data.tags["mlflow.note.content"]


def test_the_second_time_nothing_is_published_and_mlflow_is_not_imported(track):
    track()
    program = "import sys; from cd4ml.cli import main; main(['track']); "
    program += "print(not {'mlflow', 'numpy', 'pydantic'} & set(sys.modules))"

    command = [sys.executable, "-c", program]
    again = subprocess.run(command, cwd=track.folder, capture_output=True, text=True, timeout=60)

    assert again.stdout.splitlines()[-1] == "True", again.stderr
    assert f"in MLflow already: {PROJECT} version 1, challenger" in again.stdout
    assert track.is_complete()


def test_without_its_receipt_it_finds_the_existing_run(track):
    track()
    shutil.rmtree(track.folder / ".mlflow")

    assert "nothing was missing" in track()
    assert track.is_complete()


def test_an_alias_points_to_the_version_of_this_bundle(track):
    track("--alias", "champion")

    assert track.client.get_model_version_by_alias(PROJECT, "champion").version == track.versions()[0].version
    assert "in MLflow already" in track("--alias", "champion")
    assert "published: alias" in track()
    assert "in MLflow already" in track("--alias", "champion")
    assert track.is_complete()


@pytest.mark.parametrize("alias", ["", "v3", "latest", "a b", "ch/llenger"])
def test_an_alias_that_is_not_valid_is_rejected(track, alias):
    assert "is not an alias; write one such as champion" in track("--alias", alias, fails=True)


def test_with_an_earlier_bundle_the_alias_moves_back(track, evaluated_project):
    track()
    earlier = track.versions()[0].version
    retrained = copy.copy(evaluated_project)
    retrained.folder = track.folder
    features = "src/houses/features.py"
    retrained.replace(features, "def derive", "# Another model\ndef derive")
    retrained.run("package", "evaluate")
    track()
    assert track.client.get_model_version_by_alias(PROJECT, "challenger").version != earlier

    for part in ("models", "reports"):
        shutil.rmtree(track.folder / part)
        shutil.copytree(evaluated_project.folder / part, track.folder / part)
    output = track()

    assert "published: alias" in output
    assert track.client.get_model_version_by_alias(PROJECT, "challenger").version == earlier
    assert len(track.runs()) == len(track.versions()) == 2


def test_a_bundle_that_was_evaluated_again_keeps_its_run(track):
    track()
    metrics = json.loads((track.folder / "reports/metrics.json").read_text())
    (track.folder / "reports/metrics.json").write_text(json.dumps(metrics | {"roc_auc": 0.123}))

    track()

    assert track.runs()[0].data.metrics["roc_auc"] == 0.123
    assert track.is_complete()


def test_a_later_commit_is_added_to_the_run(track):
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *arguments]
        done = subprocess.run(command, cwd=track.folder, check=True, capture_output=True, text=True)
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
    folder = tmp_path / "copy"
    shutil.copytree(track.folder, folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    track_copy = TrackedProject(folder, capsys)

    assert "published: alias" in track_copy("--alias", "champion")

    (run,), (model,) = track_copy.runs(), track_copy.models()
    registered = track_copy.client.get_model_version_download_uri(PROJECT, "1")
    for uri in (run.info.artifact_uri, model.artifact_location, registered):
        assert uri.startswith(f"{folder.as_uri()}/mlartifacts/"), uri
        assert Path(uri.removeprefix("file://")).is_dir()
    assert track.runs()[0].info.artifact_uri.startswith(f"{track.folder.as_uri()}/")


def test_only_one_process_publishes_at_a_time(track):
    locked, release, order = threading.Event(), threading.Event(), []

    def first() -> None:
        with publishing_lock():
            locked.set()
            release.wait(60)
            order.append("first")

    with chdir(track.folder):
        thread = threading.Thread(target=first)
        thread.start()
        locked.wait()
        message = rf"process {os.getpid()} has been publishing for \d+ seconds"
        with pytest.raises(TrackingError, match=message), publishing_lock(0.2):
            pass
        threading.Timer(0.3, release.set).start()
        with publishing_lock():
            order.append("second")
        thread.join()

    assert order == ["first", "second"]
