"""Create a run, its model, its version and its alias on an MLflow server, each if it is missing.

An error of MLflow's client becomes one line, without a password.
"""

import json
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import mlflow
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    LoggedModelStatus,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException

from cd4ml.errors import UserError
from cd4ml.settings.project import read_project
from cd4ml.tracking import local_store
from cd4ml.tracking.address import OldServerError, TrackingAddress, TrackingError
from cd4ml.tracking.lineage import Lineage
from cd4ml.tracking.logged_model import predicts_as_bundle, upload
from cd4ml.tracking.receipt import Published
from cd4ml.tracking.run_content import RunContent, software_environment

DIGEST, CONTENT, DIRTY = "bundle.digest", "content.digest", "git.dirty"  # tags of a run

_GROUPS = {"boto3": "s3", "google": "gs", "azure": "azure", "psycopg": "postgresql", "psycopg2": "postgresql"}
_LONGEST = 300  # characters of a server's message


@contextmanager
def translate_errors(address: TrackingAddress) -> Iterator[None]:
    """Turn any exception of MLflow's client into a message of one line, without a password.

    Raises:
        OldServerError: the server has no models of MLflow 3.
        TrackingError: there was another exception.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except Exception as failure:  # the clients of MLflow, databases and clouds have no common class of errors
        if re.search(r"/logged-models\S* failed with error code 404", str(failure)):
            needed = "MLflow 3 is needed, and this is an older server, or another program"
            raise OldServerError(f"{address.redacted}: {needed}: it does not know mlflow/logged-models") from failure
        raise TrackingError(address.redact(f"{address.redacted}: {_message(failure)}")) from failure


def _message(failure: Exception) -> str:
    text = str(failure)
    if isinstance(failure, ModuleNotFoundError) and (group := _GROUPS.get(str(failure.name).partition(".")[0])):
        return f"{failure.name} is not installed: write ALSO := {group} in the Makefile"
    if repeated := re.search(r"too many (\d+) error responses", text):
        return f"it returned {repeated[1]} several times"
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
        """Create a bundle's run, model, version and alias, each if it is missing; return what was created."""
        done: list[str] = []
        digest = content.bundle.manifest.digest
        query = f"tags.`{DIGEST}` = '{digest}'"
        models = self.client.search_logged_models([self.experiment], query)  # before all else: it takes MLflow 3
        run = self._run(query, done) or self._new_run(content, lineage, done)
        model_id = self._model(run, models) or self._new_model(run, content, lineage, done)
        if run.data.tags.get(CONTENT) != content.digest:
            self._log_content(run, model_id, content)
            done = done or ["reports"]
        version = self._version(model_id) or self._new_version(run, model_id, content, done)
        self._set_alias(alias, version, done)
        self._add_commit(run, lineage, done)
        dirty = run.data.tags.get(DIRTY) == "true" and lineage.dirty
        return Published(digest, content.digest, run.info.run_id, self.experiment, version, dirty), done

    def _run(self, query: str, done: list[str]) -> Run | None:
        """Return the run of a bundle, which is restored if it was deleted; None if there is none."""
        runs = self.client.search_runs([self.experiment], query, ViewType.ALL, order_by=["start_time ASC"])
        run = next((run for run in runs if run.info.lifecycle_stage == "active"), runs[0] if runs else None)
        if run is not None and run.info.lifecycle_stage != "active":
            self.client.restore_run(run.info.run_id)
            done.append("run restored")
        return run

    def _new_run(self, content: RunContent, lineage: Lineage, done: list[str]) -> Run:
        done.append("run")
        tags = content.tags | lineage.tags()
        return self.client.create_run(self.experiment, tags=tags, run_name=content.bundle.version)

    def _model(self, run: Run, models: Sequence[LoggedModel]) -> str | None:
        """Return the run's model that is ready; None if there is none. Delete those whose upload was interrupted."""
        of_run = [model for model in models if model.source_run_id == run.info.run_id]
        for model in of_run:
            if model.status != LoggedModelStatus.READY:
                self.client.delete_logged_model(model.model_id)
        return next((str(model.model_id) for model in of_run if model.status == LoggedModelStatus.READY), None)

    def _new_model(self, run: Run, content: RunContent, lineage: Lineage, done: list[str]) -> str:
        """Log the bundle as the run's model, and load it from there; it is ready only after all of it was uploaded."""
        done.append("model")
        about, run_id = (content.tags | lineage.tags(), content.params), run.info.run_id
        model_id = str(self.client.create_logged_model(self.experiment, "model", run_id, *about).model_id)
        upload(content.bundle, model_id, run_id)
        if not predicts_as_bundle(f"models:/{model_id}", content.bundle):
            self.client.delete_logged_model(model_id)
            version = content.bundle.version
            raise TrackingError(f"bundle {version} predicts something else when MLflow loads it; it is not registered")
        return model_id

    def _log_content(self, run: Run, model_id: str, content: RunContent) -> None:
        """Log the metrics, parameters and files of a run, and mark it as finished. Idempotent."""
        run_id = run.info.run_id
        # MLflow rejects a second value of a parameter. One that differs now did not change this bundle: keep the first.
        params = [Param(key, value) for key, value in content.params.items() if key not in run.data.params]
        dataset = Dataset(**content.dataset)
        tags = [RunTag(key, value) for key, value in content.tags.items()]
        self.client.log_batch(run_id, params=params, tags=tags)
        self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
        mlflow.log_metrics(content.metrics, run_id=run_id, model_id=model_id, dataset=dataset)
        for name, file in content.files.items():
            self.client.log_text(run_id, file.decode(), name)
        if CONTENT not in run.data.tags:  # later, this may be another machine than the one that trained
            self.client.log_dict(run_id, software_environment(), "environment/environment.json")
        self.client.set_tag(run_id, CONTENT, content.digest)
        self.client.set_terminated(run_id, "FINISHED")

    def _version(self, model_id: str) -> str | None:
        """Return the first version of the registered model that is a logged model; None if there is none."""
        versions = self.client.search_model_versions(f"name = '{self.project}'")
        same = [int(version.version) for version in versions if version.source == f"models:/{model_id}"]
        return str(min(same)) if same else None

    def _new_version(self, run: Run, model_id: str, content: RunContent, done: list[str]) -> str:
        done.append("version")
        try:
            self.client.create_registered_model(self.project)
        except MlflowException as failure:
            if failure.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        created = self.client.create_model_version(
            self.project,
            f"models:/{model_id}",
            run.info.run_id,
            {DIGEST: content.bundle.manifest.digest, "bundle.version": content.bundle.version},
            description=content.tags["mlflow.note.content"],
            model_id=model_id,
        )
        link = json.dumps([{"name": self.project, "version": int(created.version)}])
        self.client.set_logged_model_tags(model_id, {"mlflow.modelVersions": link})  # for the model's page
        return str(created.version)

    def _set_alias(self, alias: str, version: str, done: list[str]) -> None:
        if str(self.client.get_registered_model(self.project).aliases.get(alias)) != version:
            self.client.set_registered_model_alias(self.project, alias, version)
            done.append("alias")

    def _add_commit(self, run: Run, lineage: Lineage, done: list[str]) -> None:
        """Add the commit to a run that was published before its files were committed."""
        if run.data.tags.get(DIRTY) == "true" and not lineage.dirty:
            self.client.log_batch(run.info.run_id, tags=[RunTag(*tag) for tag in lineage.tags().items()])
            done.append("commit")
