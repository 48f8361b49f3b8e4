"""Outcomes and a model's scores of the same rows: all that a metric is computed from."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task


@dataclass(frozen=True)
class Predictions:
    """The outcome and a model's score of each row."""

    task: Task
    classes: list[Any]
    """The classes that the scores' columns stand for; empty for regression."""
    target: Array
    """The outcomes, shape `(rows,)`: 0 or 1 (binary), an index into `classes` (multiclass), or a number."""
    scores: Array
    """Shape `(rows,)`: the positive class's probability (binary) or a number; `(rows, classes)` for multiclass."""
    threshold: float | None
    """Rows at or above this probability are predicted positive; None unless the task is binary."""

    @classmethod
    def from_scores(cls, target: Array, scores: Array, decision: Decision) -> Self:
        """Return the outcomes with a bundle's scores.

        A class that the model does not know is added to the classes, with probability 0.

        Args:
            target: as `target_of_table` returns it.
            scores: as `Bundle.scores` returns them.
            decision: of the bundle.
        """
        if decision.task == "binary":
            return cls("binary", decision.classes, target, scores[:, 1], decision.threshold)
        if decision.task == "regression":
            return cls("regression", [], target, scores, None)
        unknown = sorted(set(target.tolist()) - set(decision.classes))
        classes = [*decision.classes, *unknown]
        index = {label: position for position, label in enumerate(classes)}
        codes = np.array([index[label] for label in target], dtype=np.int64)
        padded = np.hstack([scores, np.zeros((len(scores), len(unknown)))])
        return cls("multiclass", classes, codes, padded, None)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.target)

    @property
    def deciding_rows(self) -> int:
        """How many rows a comparison rests on: those without the most frequent class; all for a number.

        One positive among 300 rows is one observation, not 300: any model that ranks it high by chance looks good.
        """
        if self.task == "regression":
            return self.rows
        return self.rows - int(np.bincount(self.target, minlength=1).max(initial=0))

    @property
    def predicted(self) -> Array:
        """The predicted classes or numbers, shape `(rows,)`, in the form of `target`."""
        if self.task == "binary":
            return np.asarray(self.scores >= self.threshold, dtype=np.int64)
        return self.scores if self.task == "regression" else np.argmax(self.scores, axis=1)

    def subset(self, mask: Array) -> Self:
        """Return the rows that a boolean mask, shape `(rows,)`, selects."""
        return replace(self, target=self.target[mask], scores=self.scores[mask])

    def with_scores(self, scores: Array, threshold: float | None = None) -> Self:
        """Return the same outcomes with another model's scores."""
        return replace(self, scores=scores, threshold=threshold)
