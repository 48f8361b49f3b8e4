"""The bundle as an MLflow model. This file is in the model, and runs wherever the model is loaded."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.columns import Array
from cd4ml.contract.table import columns_of_table


class BundleModel(PythonModel):
    """Predicts with the bundle that was logged as the artifact `bundle`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the bundle, after checking every file of it."""
        self._bundle = Bundle.load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return one row of predictions for each row of a table, in the columns that `output_names` returns."""
        bundle = self._bundle
        table = model_input.reindex(columns=list(bundle.contract.columns))  # a missing column becomes all nulls
        for name, column in bundle.contract.columns.items():
            if column.timezone and table[name].dtype.kind == "M":  # MLflow accepts only times without an offset
                table[name] = table[name].dt.tz_localize("UTC")
        scores = bundle.scores(columns_of_table(table, bundle.contract))
        outputs = [bundle.decision.labels(scores), *_probabilities(scores, bundle.manifest)]
        return pd.DataFrame(dict(zip(output_names(bundle.manifest), outputs, strict=True)), index=model_input.index)


def output_names(manifest: Manifest) -> list[str]:
    """Return the output's columns: `prediction`, then `probability`, or `probability_CLASS` for each class."""
    if manifest.task == "regression":
        return ["prediction"]
    if manifest.task == "binary":
        return ["prediction", "probability"]
    return ["prediction", *(f"probability_{name}" for name in manifest.classes)]


def _probabilities(scores: Array, manifest: Manifest) -> list[Array]:
    if manifest.task == "regression":
        return []
    return [scores[:, 1]] if manifest.task == "binary" else list(scores.T)


set_model(BundleModel())
