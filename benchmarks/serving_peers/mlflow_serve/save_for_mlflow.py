"""Save the pipeline as an MLflow model, with the signature and the code that it needs."""

import json
import os
import sys
from pathlib import Path

import joblib
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

if __name__ == "__main__":
    folder, features, examples = sys.argv[1:]
    pipeline = joblib.load(os.environ["MODEL"])
    rows = pd.DataFrame(json.loads(Path(examples).read_bytes()))
    mlflow.sklearn.save_model(
        pipeline,
        folder,
        code_paths=[features],
        serialization_format="cloudpickle",
        signature=infer_signature(rows, pipeline.predict_proba(rows)),
        pyfunc_predict_fn="predict_proba",
    )
