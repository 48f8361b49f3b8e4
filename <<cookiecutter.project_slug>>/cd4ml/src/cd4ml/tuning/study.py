"""The rows, folds and candidates of a search: fit and score one candidate on each fold, and cache the results."""

import time
from dataclasses import dataclass

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import ModelError
from cd4ml.evaluation.metrics import main_metric, make_main_scorer
from cd4ml.evaluation.predictions import Predictions
from cd4ml.settings.params import Params
from cd4ml.training.build import build_configured_model
from cd4ml.training.estimator import predict_scores
from cd4ml.training.fit import fit
from cd4ml.tuning.fit_cache import FitCache, FitResult, fit_key
from cd4ml.tuning.folds import Fold
from cd4ml.tuning.space import ModelValues

_THRESHOLD = 0.5  # any threshold would do: the main metric of a binary task does not depend on it


@dataclass(frozen=True)
class Study:
    """Everything that a search needs."""

    key: str
    """The name of this search: a hash of the data, the code, the space and `tune:`."""
    task: Task
    params: Params
    features: Columns
    target: Array
    folds: list[Fold]
    candidates: list[ModelValues]
    """For each candidate the values that replace those in `model:`; the first has the present values."""
    cache: FitCache

    @property
    def sign(self) -> int:
        """1 if a higher score is better, -1 if a lower one is."""
        return 1 if main_metric(self.task).better == "higher" else -1

    def values_of(self, number: int) -> ModelValues:
        """Return all values of `model:` for a candidate."""
        return {**self.params.model, **self.candidates[number]}

    def evaluate(self, number: int, share: float) -> tuple[list[FitResult], int]:
        """Return a candidate's result on each fold, fitted on a share of its rows, and how many were in the cache.

        After a fold that failed the others are skipped: the candidate is out.
        """
        results: list[FitResult] = []
        cached = 0
        for fold in self.folds:
            train = fold.sample(share)
            key = fit_key(self.values_of(number), train, fold.validation)
            result = self.cache.get(key)
            cached += result is not None
            if result is None:
                result = self._fit_and_score(number, train, fold.validation)
                self.cache.put(key, result)
            results.append(result)
            if result.failure:
                break
        return results, cached

    def _fit_and_score(self, number: int, train: Array, validation: Array) -> FitResult:
        started = time.perf_counter()
        score, failure = None, None
        try:
            score = self._score(self.values_of(number), train, validation)
        except Exception as error:  # an estimator may raise anything; the search continues without this candidate
            failure = (str(error).splitlines() or [""])[0] or type(error).__name__
        return FitResult(score=score, seconds=time.perf_counter() - started, failure=failure)

    def _score(self, values: ModelValues, train: Array, validation: Array) -> float:
        """Return the main metric on the rows `validation` of a model fitted on the rows `train`."""
        params = self.params.model_copy(update={"model": values})
        model = build_configured_model(params, self.task, self._rows(train))
        model = fit(model, self._rows(train), self.target[train])
        scores = predict_scores(model, self._rows(validation), self.task)
        predictions = Predictions.from_scores(self.target[validation], scores, self._decision(model))
        weights = np.ones((1, predictions.rows))
        score = float(make_main_scorer(predictions)(weights)[main_metric(self.task).name][0])
        if not (np.isfinite(scores).all() and np.isfinite(score)):
            raise ModelError("model.py: the model predicts NaN or infinity")
        return score

    def _rows(self, positions: Array) -> Columns:
        return {name: array[positions] for name, array in self.features.items()}

    def _decision(self, model: object) -> Decision:
        if self.task == "multiclass":
            return Decision(self.task, [str(label) for label in model.classes_], None)  # type: ignore[attr-defined]
        binary = self.task == "binary"
        return Decision(self.task, [False, True] if binary else [], _THRESHOLD if binary else None)
