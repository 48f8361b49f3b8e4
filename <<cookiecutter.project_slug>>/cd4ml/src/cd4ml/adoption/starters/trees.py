"""The scikit-learn model: gradient-boosted trees. Its parameters are under `model:` in params.yaml."""

from collections.abc import Sequence
from typing import Literal

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder


def build_model(
    task: Literal["binary", "multiclass", "regression"],
    numbers: Sequence[str],
    categories: Sequence[str],
    *,
    iterations: int = 100,
    learning_rate: float = 0.1,
    max_leaf_nodes: int = 31,
    min_samples_leaf: int = 20,
    l2_regularization: float = 0.0,
    loss: Literal["squared_error", "absolute_error", "poisson"] = "squared_error",
    seed: int = 0,
) -> Pipeline:
    """Return an unfitted pipeline for a table of features, with the columns `numbers` (float32) and `categories` (str).

    The keyword arguments are the keys that `model:` in params.yaml may have; `loss` is for regression alone.
    """
    encoded = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype="float32"), [*categories]),
            ("numbers", "passthrough", [*numbers]),
        ]
    )
    settings = {
        "max_iter": iterations,
        "learning_rate": learning_rate,
        "max_leaf_nodes": max_leaf_nodes,
        "min_samples_leaf": min_samples_leaf,
        "l2_regularization": l2_regularization,
        "early_stopping": False,
        "random_state": seed,
    }
    if task == "regression":
        trees = HistGradientBoostingRegressor(loss=loss, **settings)
    else:
        trees = HistGradientBoostingClassifier(**settings)
    return Pipeline([("encoded", encoded), ("trees", trees)])
