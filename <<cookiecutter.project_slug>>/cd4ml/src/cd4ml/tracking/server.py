"""Publish a run, its model, its version and its alias to MLflow, each if it is missing; says in one line why not."""

import json
import re
import time
import warnings
from collections.abc import Iterator
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
from cd4ml.tracking.run_content import Content, environment

DIGEST, CONTENT, DIRTY = "bundle.digest", "content.digest", "git.dirty"

_GROUPS = {"boto3": "s3", "google": "gs", "azure": "azure", "psycopg": "postgresql", "psycopg2": "postgresql"}
_LONGEST = 300  # characters of what a server says


@contextmanager
def explained(where: TrackingAddress) -> Iterator[None]:
    """Turn whatever goes wrong between MLflow's client and its server into a line for a person, without a password.

    Raises:
        TrackingError: something went wrong.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except Exception as failure:  # its clients, the databases' and the clouds' share no class of errors
        raise TrackingError(where.without_secrets(f"{where.address}: {_said(failure)}")) from failure


def _said(failure: Exception) -> str:
    text = str(failure)
    if isinstance(failure, ModuleNotFoundError) and (group := _GROUPS.get(str(failure.name).partition(".")[0])):
        return f"{failure.name} is not installed: write ALSO := {group} in the Makefile"
    if too_many := re.search(r"too many (\d+) error responses", text):
        return f"it answers {too_many[1]}, again and again"
    if "Read timed out" in text or "ConnectTimeout" in text:
        return "it does not answer in time"
    if code := re.search(r"error code (401|403)", text):
        return (
            f"it refuses us ({code[1]}): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
            "or MLFLOW_TRACKING_TOKEN"
        )
    line = " ".join(text.split())[:_LONGEST]
    return line if isinstance(failure, MlflowException) else f"{type(failure).__name__}: {line}"


class Server:
    """A server, and the project's experiment on it."""

    def __init__(self, where: TrackingAddress) -> None:
        mlflow.set_tracking_uri(where.uri)
        mlflow.set_registry_uri(where.uri)
        self.client = mlflow.MlflowClient()
        self.project = read_project().name
        """The name of the experiment, and of the registered model."""
        self.experiment = self._experiment(where)

    def _experiment(self, where: TrackingAddress) -> str:
        """Return the id of the project's experiment, made if it is not there, taken back if it was deleted."""
        known = self.client.get_experiment_by_name(self.project)
        if known is None:
            artifacts = local_store.artifacts_of(where.database) if where.database else None
            kind = {"mlflow.experimentKind": "custom_model_development"}  # or its page shows that of language models
            return str(self.client.create_experiment(self.project, artifact_location=artifacts, tags=kind))
        if known.lifecycle_stage != "active":
            self.client.restore_experiment(known.experiment_id)
        return str(known.experiment_id)

    def publish(self, content: Content, lineage: Lineage, alias: str) -> tuple[Published, list[str]]:
        """Bring a bundle's run, model, version and alias about, each where it is missing; return what was done.

        A run that was left half-made is completed.
        """
        run, done = self._run(content, lineage)
        model, logged = self._model(run, content, lineage)
        version, registered = self._version(run, model, content)
        if not self._is_complete(run, content):
            self._fill(run, model, content)
            done = done or ["run completed"]
        done += logged + registered + self._alias(alias, version) + self._commit(run, lineage)
        dirty = run.data.tags.get(DIRTY) == "true" and lineage.dirty
        return Published(run.info.run_id, self.experiment, str(version.version), content.digest, dirty), done

    def _run(self, content: Content, lineage: Lineage) -> tuple[Run, list[str]]:
        digest = content.bundle.manifest.digest
        found = self.client.search_runs([self.experiment], f"tags.`{DIGEST}` = '{digest}'", order_by=["start_time ASC"])
        finished = [run for run in found if run.info.status == "FINISHED"]
        if found:
            return (finished or found)[0], []
        tags = content.tags | lineage.tags()
        return self.client.create_run(self.experiment, tags=tags, run_name=content.bundle.version), ["run"]

    def _is_complete(self, run: Run, content: Content) -> bool:
        if run.info.status != "FINISHED" or run.data.tags.get(CONTENT) != content.digest:
            return False
        expected = {name: len(text) for name, text in content.files.items()}
        return _holds(_sizes(lambda path: self.client.list_artifacts(run.info.run_id, path)), expected)

    def _fill(self, run: Run, model: LoggedModel, content: Content) -> None:
        """Say everything, and last that this was all. What is said twice is there once."""
        name = run.info.run_id
        # A parameter that has changed since then changed nothing in this bundle, and MLflow keeps the first.
        params = [Param(key, value) for key, value in content.params.items() if key not in run.data.params]
        now = time.time_ns() // 1_000_000
        of_what = {"model_id": model.model_id, "run_id": name}
        of_what |= {"dataset_name": content.dataset["name"], "dataset_digest": content.dataset["digest"]}
        metrics = [Metric(key, value, now, 0, **of_what) for key, value in content.metrics.items()]
        tags = [RunTag(key, value) for key, value in content.tags.items()]
        self.client.log_batch(name, metrics=metrics, params=params, tags=tags)
        rows = DatasetInput(Dataset(**content.dataset), [InputTag("mlflow.data.context", "training")])
        self.client.log_inputs(name, [rows])
        with TemporaryDirectory() as folder:
            for target, text in content.files.items():
                copy = Path(folder, target)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(text)
            if CONTENT not in run.data.tags:  # afterwards, this may be another machine than the one that trained
                Path(folder, "environment/environment.json").write_text(json.dumps(environment(), indent=1))
            self.client.log_artifacts(name, folder)
        self.client.set_tag(name, CONTENT, content.digest)
        self.client.set_terminated(name, "FINISHED")

    def _model(self, run: Run, content: Content, lineage: Lineage) -> tuple[LoggedModel, list[str]]:
        """Return the run's model, logged anew where it is not there or not whole."""
        found = self.client.search_logged_models([self.experiment], f"source_run_id = '{run.info.run_id}'")
        ready = next((model for model in found if model.status == LoggedModelStatus.READY), None)
        if ready is not None and self._holds_bundle(ready, content):
            return ready, []
        for model in found:
            if model is not ready:  # one that was being uploaded when its `track` was killed
                self.client.delete_logged_model(model.model_id)
        model = ready or self._new_model(run, content.params, content.tags | lineage.tags())
        name = model.model_id
        description = Model(model.artifact_location, run.info.run_id, model_uuid=name, model_id=name)
        with model_folder(content.bundle, description) as folder:
            self.client.log_model_artifacts(name, str(folder))
        return self.client.finalize_logged_model(name, "READY"), ["model"]

    def _new_model(self, run: Run, params: dict[str, str], tags: dict[str, str]) -> LoggedModel:
        model = self.client.create_logged_model(self.experiment, "model", run.info.run_id, tags, params)
        self.client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
        return model

    def _holds_bundle(self, model: LoggedModel, content: Content) -> bool:
        there = _sizes(lambda path: self.client.list_logged_model_artifacts(model.model_id, path))
        files = content.bundle.folder.iterdir()
        expected = {f"artifacts/{content.bundle.folder.name}/{path.name}": path.stat().st_size for path in files}
        return "MLmodel" in there and _holds(there, expected)

    def _version(self, run: Run, model: LoggedModel, content: Content) -> tuple[ModelVersion, list[str]]:
        digest, source = content.bundle.manifest.digest, f"models:/{model.model_id}"
        ours = f"name = '{self.project}' and run_id = '{run.info.run_id}'"
        found = [one for one in self.client.search_model_versions(ours) if one.source == source]
        if found:
            return min(found, key=lambda one: int(one.version)), []
        try:
            self.client.create_registered_model(self.project)
        except MlflowException as refused:
            if refused.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {DIGEST: digest, "bundle.version": content.bundle.version}
        made = self.client.create_model_version(
            self.project,
            source,
            run.info.run_id,
            tags,
            description=content.tags["mlflow.note.content"],
            model_id=model.model_id,
        )
        known = json.dumps([{"name": self.project, "version": int(made.version)}])
        self.client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": known})  # its page shows it so
        return made, ["version"]

    def _alias(self, alias: str, version: ModelVersion) -> list[str]:
        aliases = self.client.get_registered_model(self.project).aliases
        if str(aliases.get(alias)) == str(version.version):
            return []
        self.client.set_registered_model_alias(self.project, alias, str(version.version))
        return ["alias"]

    def _commit(self, run: Run, lineage: Lineage) -> list[str]:
        """Name the commit that holds this state, once there is one."""
        if run.data.tags.get(DIRTY) != "true" or lineage.dirty:
            return []
        self.client.log_batch(run.info.run_id, tags=[RunTag(key, value) for key, value in lineage.tags().items()])
        return ["commit"]


def _sizes(listed: Any, path: str | None = None) -> dict[str, int | None]:
    """Return the size of every file that a server lists, by name; None where it does not say."""
    found: dict[str, int | None] = {}
    for one in listed(path):
        found |= _sizes(listed, one.path) if one.is_dir else {one.path: one.file_size}
    return found


def _holds(there: dict[str, int | None], expected: dict[str, int]) -> bool:
    return all(name in there and there[name] in (None, size) for name, size in expected.items())
