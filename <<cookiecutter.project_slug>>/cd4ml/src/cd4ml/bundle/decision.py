"""Turn a model's scores into predictions: labels, probabilities, numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task


@dataclass(frozen=True)
class Decision:
    """How scores become predictions; fixed when a bundle is made."""

    task: Task
    classes: list[Any]
    """The classes in the order of the scores' columns: [False, True], or the categories; empty for regression."""
    threshold: float | None
    """Rows at or above this probability are predicted positive; None unless the task is binary."""

    def labels(self, scores: Array) -> Array:
        """Return the predicted labels or numbers, shape `(rows,)`.

        Args:
            scores: probabilities, shape `(rows, classes)`; for regression numbers, shape `(rows,)`.
        """
        if self.task == "regression":
            return scores
        if self.task == "binary":
            return np.asarray(scores[:, 1] >= self.threshold)
        names = np.empty(len(self.classes), dtype=object)
        names[:] = self.classes
        return np.asarray(names[np.argmax(scores, axis=1)])

    def near_decision_boundary(self, scores: Array, tolerance: float) -> Array:
        """Return, shape `(rows,)`, whether a change of the probabilities by `tolerance` could change the label."""
        if self.task == "regression":
            return np.zeros(len(scores), dtype=bool)
        if self.task == "binary":
            return np.asarray(np.abs(scores[:, 1] - self.threshold) <= tolerance)
        ranked = np.sort(scores, axis=1)
        return np.asarray(ranked[:, -1] - ranked[:, -2] <= 2 * tolerance)

    def predictions(self, scores: Array) -> list[Any]:
        """Return the labels or numbers as plain values, one per row."""
        return list(self.labels(scores).tolist())

    def probabilities(self, scores: Array) -> list[Any] | None:
        """Return the positive class's probability per row, or an object with all classes' per row; None: regression."""
        if self.task == "regression":
            return None
        if self.task == "binary":
            return list(scores[:, 1].tolist())
        return [dict(zip(self.classes, row, strict=True)) for row in scores.tolist()]
