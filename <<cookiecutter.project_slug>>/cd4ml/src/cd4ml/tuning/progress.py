"""One line a candidate while a search runs: what it came to, how long it has taken so far, how long is still to go."""

import math
import time

import numpy as np

from cd4ml.evaluation.formatting import NO_VALUE
from cd4ml.evaluation.metrics import Metric
from cd4ml.terminal.output import report
from cd4ml.tuning.search import Rung, Trial

_DIGITS = 4  # of a score: candidates differ in the third


class Countdown:
    """Tells of trials as they are done, and guesses how long the rest will take."""

    def __init__(self, rungs: list[Rung], metric: Metric) -> None:
        self._rungs, self._metric = rungs, metric
        self._started = time.monotonic()
        self._trials: list[Trial] = []

    def __call__(self, trial: Trial) -> None:
        """Tell of a trial. The first is that of the present values on the last rung, which may come there again."""
        again = trial in self._trials
        self._trials.append(trial)
        rung, many = self._rungs[trial.rung], len(str(self._rungs[0].candidates))
        place = f"rung {trial.rung + 1}, {self._done(trial.rung):>{many}} of {rung.candidates:>{many}}"
        if len(self._trials) == 1:
            place = "present values"
        took = f"{span(time.monotonic() - self._started)} so far, about {span(self.left)} to go"
        if again or trial.remembered == len(trial.judgements):
            took = "as above" if again else "remembered"
        report(f"{place:<{2 * many + 12}}  {self._said(trial)}  {took}")

    @property
    def fits(self) -> tuple[int, int]:
        """How many fits were made, and how many were remembered from an earlier run."""
        distinct = {(trial.number, trial.rung): trial for trial in self._trials}.values()
        remembered = sum(trial.remembered for trial in distinct)
        return sum(len(trial.judgements) for trial in distinct) - remembered, remembered

    def _done(self, rung: int) -> int:
        return sum(trial.rung == rung for trial in self._trials[1:])

    @property
    def left(self) -> float:
        """Seconds that the candidates still to come will take, were none of them remembered.

        A rung that nothing is known of yet lies on the line between those that are, and nought for no rows.
        """
        seconds: dict[float, list[float]] = {0.0: [0.0]}
        for trial in self._trials:
            took = sum(said.seconds for said in trial.judgements)
            seconds.setdefault(self._rungs[trial.rung].share, []).append(took)
        shares = sorted(seconds)
        each = np.interp([rung.share for rung in self._rungs], shares, [np.mean(seconds[share]) for share in shares])
        still = [rung.candidates - self._done(number) for number, rung in enumerate(self._rungs)]
        return float(np.dot(still, each))

    def _said(self, trial: Trial) -> str:
        if trial.failure:
            return f"failed: {trial.failure}"
        return f"{self._metric.name} {score(trial.mean)} ± {score(trial.deviation)}"


def score(value: float) -> str:
    """Return a score with the digits by which candidates differ."""
    if not math.isfinite(value) or value == 0:
        return NO_VALUE if value else "0"
    before = math.floor(math.log10(abs(value)))
    return f"{value:,.{min(_DIGITS, max(0, _DIGITS - 1 - before))}f}".replace("-", "\N{MINUS SIGN}")


def span(seconds: float) -> str:
    """Return a time span as minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
