"""A trained project, the verb `track` in it, and what that leaves in the MLflow database of its folder."""

from contextlib import chdir
from pathlib import Path

import mlflow
import pytest
from cd4ml.cli import main
from cd4ml.tracking.track import track_after_training

PROJECT = "houses"


class TrackedProject:
    """A trained project that publishes to the database in its folder; call it to run `track`."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.client = mlflow.MlflowClient(*[f"sqlite:///{folder}/mlflow.db"] * 2)

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        """Run the verb; return all it printed."""
        self._capsys.readouterr()
        with chdir(self.folder):
            code = main(["track", *arguments])
        output = "".join(self._capsys.readouterr())
        assert (code == 1) == fails, output
        return output

    def after_training(self) -> str:
        """Publish as the verb `train` does at its end; return all it printed."""
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

    def is_complete(self) -> bool:
        """Return whether there is exactly one finished run, one model that is ready, and one version."""
        statuses = [*(run.info.status for run in self.runs()), *(model.status.value for model in self.models())]
        return statuses == ["FINISHED", "READY"] and len(self.versions()) == 1
