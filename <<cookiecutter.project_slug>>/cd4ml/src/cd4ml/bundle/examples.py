"""Does a bundle, here or behind a URL, answer its own examples as the pipeline did?"""

from typing import Any

import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array

_PROBABILITY = 1e-5
# Of the target's standard deviation: twice what the bundle was proved to, since another processor rounds otherwise.
_NUMBER = 2e-5


def check_examples(bundle: Bundle) -> str | None:
    """Return the first difference between what a bundle answers here and what its examples say; None: there is none."""
    scores = bundle.scores_of_rows(bundle.examples()["rows"])
    return first_difference(bundle, bundle.decision.predictions(scores), bundle.decision.probabilities(scores))


def first_difference(bundle: Bundle, predictions: Any, probabilities: Any) -> str | None:
    """Return the first difference between answers and the bundle's examples, for a person; None: there is none.

    Labels are equal, unless a probability lies so near the threshold that its last digits decide; probabilities are
    within 1e-5, numbers within 2e-5 of the target's standard deviation.
    """
    examples = bundle.examples()
    expected, classes = examples["predictions"], bundle.decision.classes
    if not isinstance(predictions, list) or len(predictions) != len(expected):
        return f"not {len(expected)} predictions"
    if bundle.manifest.task == "regression":
        within = _NUMBER * bundle.reference()["target"]["deviation"]
        return _numbers_differ(predictions, expected, within)
    said, wanted = (_scores(told, classes) for told in (probabilities, examples["probabilities"]))
    if said is None or wanted is None or said.shape != wanted.shape:
        return f"not one probability a row and class, for {len(expected)} rows"
    near = bundle.decision.near_the_edge(wanted, _PROBABILITY)
    for row, (label, wanted_label) in enumerate(zip(predictions, expected, strict=True)):
        gap = np.abs(said[row] - wanted[row]).max()
        if not gap <= _PROBABILITY:
            return f"example {row}: a probability differs by {gap:.2g}"
        if label != wanted_label and not near[row]:
            return f"example {row}: {label!r} instead of {wanted_label!r}"
    return None


def _numbers_differ(said: list[Any], expected: list[float], within: float) -> str | None:
    for row, (number, wanted) in enumerate(zip(said, expected, strict=True)):
        rounding = 1e-9 * abs(wanted)
        if not isinstance(number, int | float) or not abs(number - wanted) <= within + rounding:
            return f"example {row}: {number!r} instead of {wanted!r}"
    return None


def _scores(probabilities: Any, classes: list[Any]) -> Array | None:
    """Return probabilities as they are answered as an array, shape `(rows, classes)`; None where they are none."""
    try:
        if classes == [False, True]:
            positive = np.array(probabilities, dtype=np.float64)
            return np.column_stack([1 - positive, positive])
        return np.array([[row[name] for name in classes] for row in probabilities], dtype=np.float64)
    except (TypeError, ValueError, KeyError):
        return None
