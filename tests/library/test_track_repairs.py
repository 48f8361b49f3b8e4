"""The verb `track` publishes what is missing on the server, restores a deleted run, and continues a killed one."""

import shutil
import signal
import subprocess
import sys

import mlflow
import pytest
from tracked_project import PROJECT, TrackedProject


def remove_alias(track: TrackedProject) -> None:
    track.client.delete_registered_model_alias(PROJECT, "challenger")


def remove_model(track: TrackedProject) -> None:
    track.client.delete_logged_model(track.models()[0].model_id)


def remove_version(track: TrackedProject) -> None:
    track.client.delete_registered_model(PROJECT)


def remove_run(track: TrackedProject) -> None:
    track.client.delete_run(track.runs()[0].info.run_id)


def remove_experiment(track: TrackedProject) -> None:
    track.client.delete_experiment(track.experiment)


@pytest.mark.parametrize(
    ("damage", "done"),
    [
        (remove_alias, "published: alias"),
        (remove_model, "published: model, version, alias"),
        (remove_version, "published: version, alias"),
        (remove_run, "published: run restored"),
        (remove_experiment, "nothing was missing"),  # MLflow restores its runs with it
    ],
)
def test_with_check_it_publishes_again_what_is_missing(track, damage, done):
    track()
    (before,) = track.runs()
    damage(track)
    assert "in MLflow already" in track()

    assert f"{done}; make mlflow shows it" in track("--check")

    assert "nothing was missing" in track("--check")
    (run,) = track.runs()
    assert (run.info.run_id, run.info.status) == (before.info.run_id, "FINISHED")
    challenger = mlflow.pyfunc.load_model(f"models:/{PROJECT}@challenger")
    assert challenger.metadata.run_id == run.info.run_id


KILLED_IN = ["log_model_artifacts", "create_model_version", "log_text"]  # methods of MlflowClient
KILL = """
import os, signal, sys
import mlflow, mlflow.store.tracking.sqlalchemy_store, cd4ml.tracking.server
from cd4ml.cli import main
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


def test_it_continues_the_run_of_a_killed_process(track, tmp_path, monkeypatch, capsys):
    folders = [tmp_path / method for method in KILLED_IN]
    for folder in folders:
        shutil.copytree(track.folder, folder)

    command = [sys.executable, "-c", KILL, *map(str, folders)]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    assert killed.stdout.split().count(str(-signal.SIGKILL)) == len(folders), killed.stderr
    for folder in folders:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        track_again = TrackedProject(folder, capsys)
        assert len(track_again.runs()) == 1

        track_again()

        assert track_again.is_complete(), folder.name
        assert track_again.client.get_model_version_by_alias(PROJECT, "challenger")
