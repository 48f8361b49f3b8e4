"""The scikit-learn model: a linear one. Its parameters are under `model:` in params.yaml."""

from collections.abc import Sequence
from typing import Literal

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build_model(
    task: Literal["binary", "multiclass", "regression"],
    numbers: Sequence[str],
    categories: Sequence[str],
    *,
    regularization: float = 1.0,
) -> Pipeline:
    """Return an unfitted pipeline for a table of features, with the columns `numbers` (float32) and `categories` (str).

    The keyword argument is the key that `model:` in params.yaml may have. A null is the column's median.
    """
    encoded = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype="float32"), [*categories]),
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [*numbers]),
        ]
    )
    if task == "regression":
        linear = Ridge(alpha=regularization)
    else:
        linear = LogisticRegression(C=1 / regularization, max_iter=2000)
    return Pipeline([("encoded", encoded), ("linear", linear)])
