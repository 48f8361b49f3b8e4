"""The model behind BentoML, as its documentation writes a service."""

import os
from typing import Any

import bentoml
import joblib
import pandas as pd
from request_types import FIELDS, Row


@bentoml.service(workers=1)
class Flights:
    """Predicts flights."""

    def __init__(self) -> None:
        self.pipeline = joblib.load(os.environ["MODEL"])

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, rows: list[Row]) -> dict[str, Any]:
        """Return the probability of each row."""
        table = pd.DataFrame([row.model_dump() for row in rows], columns=list(FIELDS))
        return {"probabilities": self.pipeline.predict_proba(table)[:, 1].tolist()}
