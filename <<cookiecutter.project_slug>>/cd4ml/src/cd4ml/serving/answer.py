"""What POST /predict has answered, for those who record it: the prediction log, the metrics, the request's log line."""

import math
from typing import Any

import msgspec

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import ModelError


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The rows of a request and their predictions; `scope["answer"]` of a request that was answered."""

    columns: Columns
    """The normalized columns of the contract by name, shape `(rows,)` each."""
    ids: list[str | int | None] | None
    """The contract's id of each row, None where the row has none; None if the contract names no id."""
    predictions: list[Any]
    """A label or a number for each row."""
    probabilities: list[Any] | None
    """The probability of true for each row, or of each class by name; None for a regression."""
    explanations: list[dict[str, float]] | None = None
    """What each column contributes, for each row, as `bundle.explanation` defines it; None if it was not asked for."""
    size: int = 0
    """Bytes of JSON that the rows were: about the memory that they take."""


def finite_scores(bundle: Bundle, columns: Columns) -> Array:
    """Return a bundle's scores of normalized columns.

    Raises:
        ModelError: the model predicts NaN or infinity.
    """
    scores = bundle.scores(columns)
    if not math.isfinite(scores.sum()):
        raise ModelError("the model predicts NaN or infinity")
    return scores
