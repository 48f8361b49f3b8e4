"""From a model's scores to what a caller reads: labels, probabilities, numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task


@dataclass(frozen=True)
class Decision:
    """How scores become answers: fixed when a bundle is made."""

    task: Task
    classes: list[Any]
    """The classes in the order of the scores' columns: [False, True], or the categories; empty for regression."""
    threshold: float | None
    """The probability from which on a binary answer is yes."""

    def labels(self, scores: Array) -> Array:
        """Return what is predicted, shape `(rows,)`, of scores: `(rows, classes)`, or `(rows,)` for regression."""
        if self.task == "regression":
            return scores
        if self.task == "binary":
            return np.asarray(scores[:, 1] >= self.threshold)
        names = np.empty(len(self.classes), dtype=object)
        names[:] = self.classes
        return np.asarray(names[np.argmax(scores, axis=1)])

    def near_the_edge(self, scores: Array, within: float) -> Array:
        """Return, shape `(rows,)`, whether moving probabilities by `within` could change the label."""
        if self.task == "regression":
            return np.zeros(len(scores), dtype=bool)
        if self.task == "binary":
            return np.asarray(np.abs(scores[:, 1] - self.threshold) <= within)
        best = np.sort(scores, axis=1)
        return np.asarray(best[:, -1] - best[:, -2] <= 2 * within)

    def predictions(self, scores: Array) -> list[Any]:
        """Return the labels or numbers as plain values, one a row."""
        return list(self.labels(scores).tolist())

    def probabilities(self, scores: Array) -> list[Any] | None:
        """Return the positive class's probability a row, or one object of all classes a row; None for regression."""
        if self.task == "regression":
            return None
        if self.task == "binary":
            return list(scores[:, 1].tolist())
        return [dict(zip(self.classes, row, strict=True)) for row in scores.tolist()]
