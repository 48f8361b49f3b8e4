"""Compare a bundle's predictions, here or behind a URL, with the pipeline's own in the bundle's examples.json."""

from typing import Any

import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array

_PROBABILITY_TOLERANCE = 1e-5
# Of the target's standard deviation. Twice the tolerance of the proof, since another processor rounds differently.
_NUMBER_TOLERANCE = 2e-5


def check_examples(bundle: Bundle) -> str | None:
    """Return the first difference between the bundle's predictions here and its examples; None if there is none."""
    scores = bundle.scores_of_rows(bundle.examples()["rows"])
    return first_difference(bundle, bundle.decision.predictions(scores), bundle.decision.probabilities(scores))


def first_difference(bundle: Bundle, predictions: Any, probabilities: Any) -> str | None:
    """Return, as a message, the first difference between predictions and the bundle's examples; None: there is none.

    Labels must be equal, unless a probability is so near the threshold that rounding decides. Probabilities may differ
    by 1e-5, numbers by 2e-5 of the target's standard deviation.

    Args:
        bundle: the bundle that the predictions should come from.
        predictions: of the examples' rows, as `Decision.predictions` returns them.
        probabilities: of the same rows, as `Decision.probabilities` returns them.
    """
    examples = bundle.examples()
    expected, classes = examples["predictions"], bundle.decision.classes
    if not isinstance(predictions, list) or len(predictions) != len(expected):
        return f"not {len(expected)} predictions"
    if bundle.manifest.task == "regression":
        tolerance = _NUMBER_TOLERANCE * bundle.training_profile()["target"]["deviation"]
        return _first_other_number(predictions, expected, tolerance)
    scores, expected_scores = (_to_scores(values, classes) for values in (probabilities, examples["probabilities"]))
    if scores is None or expected_scores is None or scores.shape != expected_scores.shape:
        return f"not one probability per row and class, for {len(expected)} rows"
    uncertain = bundle.decision.near_decision_boundary(expected_scores, _PROBABILITY_TOLERANCE)
    for row, (label, expected_label) in enumerate(zip(predictions, expected, strict=True)):
        gap = np.abs(scores[row] - expected_scores[row]).max()
        if not gap <= _PROBABILITY_TOLERANCE:
            return f"example {row}: a probability differs by {gap:.2g}"
        if label != expected_label and not uncertain[row]:
            return f"example {row}: {label!r} instead of {expected_label!r}"
    return None


def _first_other_number(predictions: list[Any], expected: list[float], tolerance: float) -> str | None:
    for row, (number, expected_number) in enumerate(zip(predictions, expected, strict=True)):
        rounding = 1e-9 * abs(expected_number)
        if not isinstance(number, int | float) or not abs(number - expected_number) <= tolerance + rounding:
            return f"example {row}: {number!r} instead of {expected_number!r}"
    return None


def _to_scores(probabilities: Any, classes: list[Any]) -> Array | None:
    """Return probabilities of a response as an array, shape `(rows, classes)`; None if they have another form."""
    try:
        if classes == [False, True]:
            positive = np.array(probabilities, dtype=np.float64)
            return np.column_stack([1 - positive, positive])
        return np.array([[row[name] for name in classes] for row in probabilities], dtype=np.float64)
    except (TypeError, ValueError, KeyError):
        return None
