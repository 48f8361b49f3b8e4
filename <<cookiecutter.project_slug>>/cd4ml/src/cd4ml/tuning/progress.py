"""Print one line for each trial of a search: its score, the time since the start, and an estimate of the time left."""

import math
import time

import numpy as np

from cd4ml.evaluation.formatting import NO_VALUE
from cd4ml.evaluation.metrics import Metric
from cd4ml.terminal.output import report
from cd4ml.tuning.search import Rung, Trial

_DIGITS = 4  # of a score: candidates differ in the third


class Progress:
    """Prints a line for each trial that is done, and counts their fits."""

    def __init__(self, rungs: list[Rung], metric: Metric) -> None:
        self._rungs, self._metric = rungs, metric
        self._started = time.monotonic()
        self._trials: list[Trial] = []

    def __call__(self, trial: Trial) -> None:
        """Print a trial. The first is that of the present values on the last rung, which may come a second time."""
        repeated = trial in self._trials
        self._trials.append(trial)
        rung, width = self._rungs[trial.rung], len(str(self._rungs[0].candidates))
        label = f"rung {trial.rung + 1}, {self._done(trial.rung):>{width}} of {rung.candidates:>{width}}"
        if len(self._trials) == 1:
            label = "present values"
        elapsed = format_duration(time.monotonic() - self._started)
        note = f"{elapsed} so far, about {format_duration(self.seconds_left)} left"
        if repeated or trial.cached == len(trial.results):
            note = "as above" if repeated else "from the cache"
        report(f"{label:<{2 * width + 12}}  {self._result(trial)}  {note}")

    @property
    def fit_counts(self) -> tuple[int, int]:
        """The number of fits that were made, and of those whose results were in the cache."""
        distinct = {(trial.number, trial.rung): trial for trial in self._trials}.values()
        cached = sum(trial.cached for trial in distinct)
        return sum(len(trial.results) for trial in distinct) - cached, cached

    def _done(self, rung: int) -> int:
        return sum(trial.rung == rung for trial in self._trials[1:])

    @property
    def seconds_left(self) -> float:
        """The seconds that the remaining trials take, if no result of theirs is in the cache.

        The time of a trial on a rung without trials is interpolated between the other rungs, and zero for zero rows.
        """
        seconds: dict[float, list[float]] = {0.0: [0.0]}
        for trial in self._trials:
            duration = sum(result.seconds for result in trial.results)
            seconds.setdefault(self._rungs[trial.rung].share, []).append(duration)
        shares = sorted(seconds)
        means = [np.mean(seconds[share]) for share in shares]
        per_trial = np.interp([rung.share for rung in self._rungs], shares, means)
        remaining = [rung.candidates - self._done(number) for number, rung in enumerate(self._rungs)]
        return float(np.dot(remaining, per_trial))

    def _result(self, trial: Trial) -> str:
        if trial.failure:
            return f"failed: {trial.failure}"
        return f"{self._metric.name} {format_score(trial.mean)} ± {format_score(trial.deviation)}"


def format_score(value: float) -> str:
    """Return a score with enough digits to show how candidates differ."""
    if not math.isfinite(value) or value == 0:
        return NO_VALUE if value else "0"
    exponent = math.floor(math.log10(abs(value)))
    return f"{value:,.{min(_DIGITS, max(0, _DIGITS - 1 - exponent))}f}".replace("-", "\N{MINUS SIGN}")


def format_duration(seconds: float) -> str:
    """Return a duration as minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
