"""The model: yours to edit. Whatever is built here is fitted, exported, judged and shipped by the pipeline."""

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
    """Return an unfitted scikit-learn pipeline that takes a table of features: float32 `numbers`, text `categories`.

    The keyword arguments are what `model:` in params.yaml may hold. A classifier needs `predict_proba`; its label is
    decided from that (`decision.threshold`, or the likeliest class), so an estimator's own `predict` is not asked.

    One-hot categories and numbers passed through with their nulls are what exports to ONNX exactly; other
    estimators are welcome, and ship on scikit-learn when their export cannot be proved.
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
    if task == "regression":  # the median, which a few very large values do not pull away
        trees = HistGradientBoostingRegressor(loss="absolute_error", **settings)
    else:
        trees = HistGradientBoostingClassifier(**settings)
    return Pipeline([("encoded", encoded), ("trees", trees)])
