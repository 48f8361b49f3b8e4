"""The scikit-learn model: a random forest. Its parameters are under `model:` in params.yaml."""

from collections.abc import Sequence
from typing import Literal

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder


def build_model(
    task: Literal["binary", "multiclass", "regression"],
    numbers: Sequence[str],
    categories: Sequence[str],
    *,
    trees: int = 200,
    min_samples_leaf: int = 2,
    max_features: float = 0.5,
    seed: int = 0,
) -> Pipeline:
    """Return an unfitted pipeline for a table of features, with the columns `numbers` (float32) and `categories` (str).

    The keyword arguments are the keys that `model:` in params.yaml may have. A null is the column's median.
    """
    encoded = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype="float32"), [*categories]),
            ("numbers", SimpleImputer(strategy="median"), [*numbers]),
        ]
    )
    settings = {
        "n_estimators": trees,
        "min_samples_leaf": min_samples_leaf,
        "max_features": max_features,
        "n_jobs": -1,
        "random_state": seed,
    }
    forest = RandomForestRegressor(**settings) if task == "regression" else RandomForestClassifier(**settings)
    return Pipeline([("encoded", encoded), ("forest", forest)])
