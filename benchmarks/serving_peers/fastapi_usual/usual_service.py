"""A prediction service as most tutorials write it: pydantic, a DataFrame, the pipeline."""

import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from request_types import FIELDS, Request

app = FastAPI()
pipeline = joblib.load(os.environ["MODEL"])


@app.post("/predict")
def predict(request: Request) -> dict[str, Any]:
    """Return the probability of each row."""
    rows = pd.DataFrame(request.model_dump()["rows"], columns=list(FIELDS))
    return {"probabilities": pipeline.predict_proba(rows)[:, 1].tolist()}
