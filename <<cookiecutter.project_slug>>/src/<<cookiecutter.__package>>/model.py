"""The model: a scikit-learn pipeline, which the library fits, evaluates, exports and packages."""

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
    seed: int = 0,
) -> Pipeline:
    """Return an unfitted pipeline for a table of features, with the columns `numbers` (float32) and `categories` (str).

    The keyword arguments are the keys that `model:` in params.yaml may have.

    A classifier must have `predict_proba`. The predicted label is chosen from the probabilities (by
    `decision.threshold` in params.yaml, or as the most likely class); the estimator's own `predict` is not used.

    One-hot encoded categories, and numbers with their nulls, export to ONNX exactly. Any other estimator works too: if
    its ONNX form does not give the same predictions, the bundle runs on scikit-learn.
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
    if task == "regression":  # absolute error: predicts the median, which a few very large values do not move
        trees = HistGradientBoostingRegressor(loss="absolute_error", **settings)
    else:
        trees = HistGradientBoostingClassifier(**settings)
    return Pipeline([("encoded", encoded), ("trees", trees)])
