"""Rows whose outcome is known, and what a model said of them: all that any metric needs."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task


@dataclass(frozen=True)
class Predictions:
    """Outcomes beside a model's scores, row by row."""

    task: Task
    classes: list[Any]
    """What the scores' columns stand for; empty for regression."""
    target: Array
    """Shape `(rows,)`: 0 or 1 (binary), an index into `classes` (multiclass), or a number."""
    scores: Array
    """Shape `(rows,)`: the positive class's probability (binary) or a number; `(rows, classes)` for multiclass."""
    threshold: float | None
    """The probability from which on a binary answer is yes."""

    @classmethod
    def of(cls, target: Array, scores: Array, decision: Decision) -> Self:
        """Return rows judged by a bundle's scores.

        Args:
            target: as `target_of_table` gives it.
            scores: as `Bundle.scores` gives them.
            decision: the bundle's own.

        A class that the model never saw is added to its classes, with a probability of nought.
        """
        if decision.task == "binary":
            return cls("binary", decision.classes, target, scores[:, 1], decision.threshold)
        if decision.task == "regression":
            return cls("regression", [], target, scores, None)
        unseen = sorted(set(target.tolist()) - set(decision.classes))
        classes = [*decision.classes, *unseen]
        index = {label: position for position, label in enumerate(classes)}
        codes = np.array([index[label] for label in target], dtype=np.int64)
        padded = np.hstack([scores, np.zeros((len(scores), len(unseen)))])
        return cls("multiclass", classes, codes, padded, None)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)

    @property
    def said(self) -> Array:
        """What the model answers, shape `(rows,)`, in the target's own form."""
        if self.task == "binary":
            return np.asarray(self.scores >= self.threshold, dtype=np.int64)
        return self.scores if self.task == "regression" else np.argmax(self.scores, axis=1)

    def only(self, rows: Array) -> Self:
        """Return the rows that a mask, shape `(rows,)`, picks."""
        return replace(self, target=self.target[rows], scores=self.scores[rows])

    def answered_by(self, scores: Array, threshold: float | None = None) -> Self:
        """Return the same outcomes beside another model's scores."""
        return replace(self, scores=scores, threshold=threshold)
