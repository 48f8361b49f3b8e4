"""Create a run, its model, its version and its alias on an MLflow server, each if it is missing.

An error of MLflow's client becomes one line, without a password.
"""

import json
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    Run,
    RunTag,
)
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from cd4ml.errors import UserError
from cd4ml.settings.project import read_project
from cd4ml.tracking import local_store
from cd4ml.tracking.address import TrackingAddress, TrackingError
from cd4ml.tracking.lineage import Lineage
from cd4ml.tracking.model_folder import model_folder
from cd4ml.tracking.receipt import Published
from cd4ml.tracking.run_content import RunContent, software_environment

DIGEST, CONTENT, DIRTY = "bundle.digest", "content.digest", "git.dirty"  # tags of a run

_GROUPS = {"boto3": "s3", "google": "gs", "azure": "azure", "psycopg": "postgresql", "psycopg2": "postgresql"}
_LONGEST = 300  # characters of a server's message


@contextmanager
def translate_errors(address: TrackingAddress) -> Iterator[None]:
    """Turn any exception of MLflow's client into a message of one line, without a password.

    Raises:
        TrackingError: there was an exception.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except Exception as failure:  # the clients of MLflow, databases and clouds have no common class of errors
        raise TrackingError(address.redact(f"{address.redacted}: {_message(failure)}")) from failure


def _message(failure: Exception) -> str:
    text = str(failure)
    if isinstance(failure, ModuleNotFoundError) and (group := _GROUPS.get(str(failure.name).partition(".")[0])):
        return f"{failure.name} is not installed: write ALSO := {group} in the Makefile"
    if repeated := re.search(r"too many (\d+) error responses", text):
        return f"it returned {repeated[1]} several times"
    if "Read timed out" in text or "ConnectTimeout" in text:
        return "it does not answer in time"
    if code := re.search(r"error code (401|403)", text):
        return (
            f"it denies access ({code[1]}): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
            "or MLFLOW_TRACKING_TOKEN"
        )
    line = " ".join(text.split())[:_LONGEST]
    return line if isinstance(failure, MlflowException) else f"{type(failure).__name__}: {line}"


class TrackingServer:
    """An MLflow server, and the project's experiment on it."""

    def __init__(self, address: TrackingAddress) -> None:
        mlflow.set_tracking_uri(address.uri)
        mlflow.set_registry_uri(address.uri)
        self.client = mlflow.MlflowClient()
        self.project = read_project().name
        """The name of the experiment, and of the registered model."""
        self.experiment = self._experiment(address)

    def _experiment(self, address: TrackingAddress) -> str:
        """Return the id of the project's experiment, created if it does not exist, restored if it was deleted."""
        existing = self.client.get_experiment_by_name(self.project)
        if existing is None:
            location = local_store.artifacts_uri(address.database) if address.database else None
            kind = {"mlflow.experimentKind": "custom_model_development"}  # else its page is that for language models
            return str(self.client.create_experiment(self.project, artifact_location=location, tags=kind))
        if existing.lifecycle_stage != "active":
            self.client.restore_experiment(existing.experiment_id)
        return str(existing.experiment_id)

    def publish(self, content: RunContent, lineage: Lineage, alias: str) -> tuple[Published, list[str]]:
        """Create a bundle's run, model, version and alias, each if it is missing; return what was created.

        A run that was left incomplete is completed.
        """
        run, done = self._run(content, lineage)
        model, logged = self._model(run, content, lineage)
        version, registered = self._version(run, model, content)
        if not self._is_complete(run, content):
            self._complete(run, model, content)
            done = done or ["run completed"]
        done += logged + registered + self._alias(alias, version) + self._commit(run, lineage)
        dirty = run.data.tags.get(DIRTY) == "true" and lineage.dirty
        return Published(run.info.run_id, self.experiment, str(version.version), content.digest, dirty), done

    def _run(self, content: RunContent, lineage: Lineage) -> tuple[Run, list[str]]:
        digest = content.bundle.manifest.digest
        query = f"tags.`{DIGEST}` = '{digest}'"
        runs = self.client.search_runs([self.experiment], query, order_by=["start_time ASC"])
        finished = [run for run in runs if run.info.status == "FINISHED"]
        if runs:
            return (finished or runs)[0], []
        tags = content.tags | lineage.tags()
        return self.client.create_run(self.experiment, tags=tags, run_name=content.bundle.version), ["run"]

    def _is_complete(self, run: Run, content: RunContent) -> bool:
        if run.info.status != "FINISHED" or run.data.tags.get(CONTENT) != content.digest:
            return False
        expected = {name: len(text) for name, text in content.files.items()}
        sizes = _file_sizes(lambda path: self.client.list_artifacts(run.info.run_id, path))
        return _includes(sizes, expected)

    def _complete(self, run: Run, model: LoggedModel, content: RunContent) -> None:
        """Log the run's content, and mark the run as finished last. Idempotent."""
        run_id = run.info.run_id
        # MLflow rejects a second value of a parameter. One that differs now did not change this bundle: keep the first.
        params = [Param(key, value) for key, value in content.params.items() if key not in run.data.params]
        now = time.time_ns() // 1_000_000
        subject = {"model_id": model.model_id, "run_id": run_id}
        subject |= {"dataset_name": content.dataset["name"], "dataset_digest": content.dataset["digest"]}
        metrics = [Metric(key, value, now, 0, **subject) for key, value in content.metrics.items()]
        tags = [RunTag(key, value) for key, value in content.tags.items()]
        self.client.log_batch(run_id, metrics=metrics, params=params, tags=tags)
        training_set = DatasetInput(Dataset(**content.dataset), [InputTag("mlflow.data.context", "training")])
        self.client.log_inputs(run_id, [training_set])
        with TemporaryDirectory() as folder:
            for name, text in content.files.items():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text)
            if CONTENT not in run.data.tags:  # later, this may be another machine than the one that trained
                environment = json.dumps(software_environment(), indent=1)
                Path(folder, "environment/environment.json").write_text(environment)
            self.client.log_artifacts(run_id, folder)
        self.client.set_tag(run_id, CONTENT, content.digest)
        self.client.set_terminated(run_id, "FINISHED")

    def _model(self, run: Run, content: RunContent, lineage: Lineage) -> tuple[LoggedModel, list[str]]:
        """Return the run's model, logged again if it is missing or incomplete."""
        models = self.client.search_logged_models([self.experiment], f"source_run_id = '{run.info.run_id}'")
        ready = next((model for model in models if model.status == LoggedModelStatus.READY), None)
        if ready is not None and self._holds_bundle(ready, content):
            return ready, []
        for model in models:
            if model is not ready:  # its upload was interrupted
                self.client.delete_logged_model(model.model_id)
        model = ready or self._new_model(run, content.params, content.tags | lineage.tags())
        model_id = model.model_id
        description = Model(model.artifact_location, run.info.run_id, model_uuid=model_id, model_id=model_id)
        with model_folder(content.bundle, description) as folder:
            self.client.log_model_artifacts(model_id, str(folder))
        return self.client.finalize_logged_model(model_id, "READY"), ["model"]

    def _new_model(self, run: Run, params: dict[str, str], tags: dict[str, str]) -> LoggedModel:
        model = self.client.create_logged_model(self.experiment, "model", run.info.run_id, tags, params)
        self.client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
        return model

    def _holds_bundle(self, model: LoggedModel, content: RunContent) -> bool:
        sizes = _file_sizes(lambda path: self.client.list_logged_model_artifacts(model.model_id, path))
        folder = content.bundle.folder
        expected = {f"artifacts/{folder.name}/{path.name}": path.stat().st_size for path in folder.iterdir()}
        return "MLmodel" in sizes and _includes(sizes, expected)

    def _version(self, run: Run, model: LoggedModel, content: RunContent) -> tuple[ModelVersion, list[str]]:
        source = f"models:/{model.model_id}"
        query = f"name = '{self.project}' and run_id = '{run.info.run_id}'"
        versions = [version for version in self.client.search_model_versions(query) if version.source == source]
        if versions:
            return min(versions, key=lambda version: int(version.version)), []
        try:
            self.client.create_registered_model(self.project)
        except MlflowException as failure:
            if failure.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        created = self.client.create_model_version(
            self.project,
            source,
            run.info.run_id,
            {DIGEST: content.bundle.manifest.digest, "bundle.version": content.bundle.version},
            description=content.tags["mlflow.note.content"],
            model_id=model.model_id,
        )
        link = json.dumps([{"name": self.project, "version": int(created.version)}])
        self.client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": link})  # for the model's page
        return created, ["version"]

    def _alias(self, alias: str, version: ModelVersion) -> list[str]:
        aliases = self.client.get_registered_model(self.project).aliases
        if str(aliases.get(alias)) == str(version.version):
            return []
        self.client.set_registered_model_alias(self.project, alias, str(version.version))
        return ["alias"]

    def _commit(self, run: Run, lineage: Lineage) -> list[str]:
        """Add the commit to a run that was published before its files were committed."""
        if run.data.tags.get(DIRTY) != "true" or lineage.dirty:
            return []
        self.client.log_batch(run.info.run_id, tags=[RunTag(key, value) for key, value in lineage.tags().items()])
        return ["commit"]


def _file_sizes(list_files: Callable[[str | None], Any], path: str | None = None) -> dict[str, int | None]:
    """Return the size of every file on a server, by name; None if the server does not report it."""
    sizes: dict[str, int | None] = {}
    for entry in list_files(path):
        sizes |= _file_sizes(list_files, entry.path) if entry.is_dir else {entry.path: entry.file_size}
    return sizes


def _includes(sizes: dict[str, int | None], expected: dict[str, int]) -> bool:
    return all(name in sizes and sizes[name] in (None, size) for name, size in expected.items())
