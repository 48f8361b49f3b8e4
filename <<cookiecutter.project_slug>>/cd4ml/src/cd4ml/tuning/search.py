"""The rows, folds and settings of a search: fit a candidate on a share of a fold's rows, and score it on the others."""

import hashlib
import json
import math
import platform
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import ModelError
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import Metric
from cd4ml.evaluation.predictions import Predictions
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.training.build import build_configured_model
from cd4ml.training.estimator import predict_scores
from cd4ml.training.fit import fit
from cd4ml.training.threshold import best_threshold
from cd4ml.tuning.folds import Fold
from cd4ml.tuning.space import ModelValues

LEAST_ROWS = 100  # in the smallest fold on the first rung: with fewer, chance ranks the candidates
_SMALLEST_SHARE = 1 / 16  # of the rows: with fewer, a candidate may rank otherwise than on all of them


@dataclass(frozen=True)
class Search:
    """Everything that a search needs: rows, folds and settings."""

    key: str
    """The name of the study."""
    task: Task
    params: Params
    features: Columns
    target: Array
    folds: list[Fold]
    metrics: MetricSet

    @property
    def metric(self) -> Metric:
        """The metric by which candidates are compared."""
        return self.metrics.main

    @property
    def sign(self) -> int:
        """1 if a higher score is better, -1 if a lower one is."""
        return self.metric.sign

    @property
    def present(self) -> ModelValues:
        """The present values of the keys of the space."""
        return {key: self.params.model[key] for key in self.params.tune.space}

    @cached_property
    def shares(self) -> list[float]:
        """The share of a fold's rows to fit on at each rung: 1/9, 1/3 and 1 if `tune.factor` is 3.

        There are fewer rungs if the smallest fold has too few rows.
        """
        smallest = min(len(fold.train) for fold in self.folds)
        most = min(1 / _SMALLEST_SHARE, max(1.0, smallest / LEAST_ROWS))
        last = math.floor(math.log(most, self.params.tune.factor))
        return [self.params.tune.factor ** (rung - last) for rung in range(last + 1)]

    @property
    def rows(self) -> list[int]:
        """The number of rows to fit on at each rung, in the largest fold."""
        return [max(fold.size(share) for fold in self.folds) for share in self.shares]

    def score(self, values: ModelValues, fold: Fold, share: float = 1.0) -> float:
        """Return the metric on all validation rows of a fold, of a model fitted on a share of its other rows.

        Raises:
            ModelError: the model predicts NaN or infinity, or its score is NaN. An estimator may raise any other
                exception.
        """
        params = self.params.model_copy(update={"model": {**self.params.model, **values}})
        rows = fold.sample(share)
        train, validation = self._rows(rows), self._rows(fold.validation)
        model = fit(build_configured_model(params, self.task, train), train, self.target[rows])
        scores = predict_scores(model, validation, self.task)
        if not np.isfinite(scores).all():
            raise ModelError("model.py: the model predicts NaN or infinity")
        target = self.target[fold.validation]
        predictions = Predictions.from_scores(target, scores, self._decision(model, scores, target))
        score = self.metrics.compute_main(predictions)
        if not np.isfinite(score):
            raise ModelError(f"{self.metric.name} cannot be computed in {fold.name}")
        return score

    def _rows(self, positions: Array) -> Columns:
        return {name: array[positions] for name, array in self.features.items()}

    def _decision(self, model: object, scores: Array, target: Array) -> Decision:
        """Return how scores become classes; a threshold that is chosen later is here the best for these rows."""
        if self.task == "multiclass":
            return Decision(self.task, [str(label) for label in model.classes_], None)  # type: ignore[attr-defined]
        if self.task == "regression":
            return Decision(self.task, [], None)
        threshold = self.params.decision.threshold
        if threshold == "auto":
            threshold = best_threshold(scores[:, 1], target)
        return Decision(self.task, [False, True], threshold)


def search_key(params: Params) -> str:
    """Return a hash of everything that affects a score, except the values of the space: data, code and settings.

    The data and the code are the training set, the contract, the lock file, the team's package, this library, and
    Python's version. So a study never mixes scores of other data or code. `tune.candidates` is left out, so that a
    study continues if there are more.
    """
    project = read_project()
    library = sorted(Path(__file__).parents[1].rglob("*.py"))
    team = sorted(project.model.parent.rglob("*.py"))
    files = [paths.TRAIN, paths.CONTRACT, paths.LOCK, *team, *library]
    fixed = {key: value for key, value in params.model.items() if key not in params.tune.space}
    tune = params.tune.model_dump(mode="json", exclude={"candidates"})
    others = params.model_dump(mode="json", include={"split", "decision", "metrics"})
    parts = [platform.python_version(), *(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)]
    text = json.dumps([parts, fixed, tune, others], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
