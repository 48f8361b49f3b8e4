"""The rows, their folds and the candidates of a search; fits and judges one of them at a time, and remembers it."""

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
from cd4ml.tuning.fit_cache import FitCache, Judgement, fit_key
from cd4ml.tuning.folds import Fold
from cd4ml.tuning.space import Settings

_MIDDLE = 0.5  # no main metric of a binary task asks where a probability becomes a yes


@dataclass(frozen=True)
class Study:
    """Everything that a search asks about."""

    key: str
    """A name for this search: that of the same data, code, space and way to search."""
    task: Task
    params: Params
    features: Columns
    target: Array
    folds: list[Fold]
    candidates: list[Settings]
    """What each candidate has in place of the present values of `model:`; the first has the present values."""
    memory: FitCache

    @property
    def sign(self) -> int:
        """1 where a higher score is better, -1 where a lower one is."""
        return 1 if main_metric(self.task).better == "higher" else -1

    def settings(self, number: int) -> Settings:
        """Return all of `model:` as a candidate has it."""
        return {**self.params.model, **self.candidates[number]}

    def judgements(self, number: int, share: float) -> tuple[list[Judgement], int]:
        """Return what became of a candidate on each fold, fitted on a share of its rows, and how many were remembered.

        After a fold that failed no other is tried: the candidate is out.
        """
        found: list[Judgement] = []
        remembered = 0
        for fold in self.folds:
            learn = fold.sample(share)
            key = fit_key(self.settings(number), learn, fold.judge)
            judgement = self.memory.recall(key)
            remembered += judgement is not None
            if judgement is None:
                judgement = self._judged(number, learn, fold.judge)
                self.memory.keep(key, judgement)
            found.append(judgement)
            if judgement.failure:
                break
        return found, remembered

    def _judged(self, number: int, learn: Array, judge: Array) -> Judgement:
        started = time.perf_counter()
        score, failure = None, None
        try:
            score = self._score(self.settings(number), learn, judge)
        except Exception as failed:  # whatever an estimator raises; the search goes on without it
            failure = (str(failed).splitlines() or [""])[0] or type(failed).__name__
        return Judgement(score=score, seconds=time.perf_counter() - started, failure=failure)

    def _score(self, settings: Settings, learn: Array, judge: Array) -> float:
        """Return the main metric on the rows `judge` of a model fitted on the rows `learn`."""
        with_settings = self.params.model_copy(update={"model": settings})
        model = build_configured_model(with_settings, self.task, self._rows(learn))
        model = fit(model, self._rows(learn), self.target[learn])
        scores = predict_scores(model, self._rows(judge), self.task)
        judged = Predictions.from_scores(self.target[judge], scores, self._decision(model))
        score = float(make_main_scorer(judged)(np.ones((1, judged.rows)))[main_metric(self.task).name][0])
        if not (np.isfinite(scores).all() and np.isfinite(score)):
            raise ModelError("model.py: the model answers with NaN or infinity")
        return score

    def _rows(self, positions: Array) -> Columns:
        return {name: array[positions] for name, array in self.features.items()}

    def _decision(self, model: object) -> Decision:
        if self.task == "multiclass":
            return Decision(self.task, [str(label) for label in model.classes_], None)  # type: ignore[attr-defined]
        binary = self.task == "binary"
        return Decision(self.task, [False, True] if binary else [], _MIDDLE if binary else None)
