"""Print a line for each candidate, and at the end how far they came, and the winner beside the present values."""

import json
import math
import time
from datetime import timedelta

import numpy as np

from cd4ml.evaluation.formatting import NO_VALUE
from cd4ml.terminal.output import align, report
from cd4ml.tuning.outcome import Candidate, Outcome
from cd4ml.tuning.search import Search

_DIGITS = 4  # of a score: candidates differ in the third
_SHOWN_FAILURES = 3


class Progress:
    """Prints a line for each candidate that this process has evaluated, with an estimate of the time left."""

    def __init__(self, search: Search) -> None:
        self._search, self._started, self._count = search, time.monotonic(), 0

    def __call__(self, candidate: Candidate, evaluated: int) -> None:
        """Print a candidate; `evaluated` is the number of those that all processes have evaluated."""
        self._count += 1
        elapsed, total = time.monotonic() - self._started, self._search.params.tune.candidates
        left = elapsed / self._count * max(0, total - evaluated)
        times = f"{timedelta(seconds=round(elapsed))} so far, about {timedelta(seconds=round(left))} left"
        result = f"failed: {candidate.failure}"
        if not candidate.failure:
            rows = f"{self._search.rows[len(candidate.scores) - 1]:,} rows"
            scores = f"{format_score(candidate.mean)} ± {format_score(candidate.deviation)}"
            result = f"{self._search.metric.name} {scores} on {rows}"
        report(f"{evaluated:>{len(str(total))}} of {total}  {result}  {times}")


def print_summary(search: Search, outcome: Outcome) -> None:
    """Print how many candidates reached each rung, those that failed, and the winner beside the present values."""
    scored = [candidate.scores for candidate in outcome.candidates]
    reached = [sum(len(scores) > rung for scores in scored) for rung in range(len(search.rows))]
    work = sum(len(rung) * share for scores in scored for rung, share in zip(scores, search.shares, strict=False))
    counts = ", ".join(f"{count} on {rows:,}" for count, rows in zip(reached, search.rows, strict=True))
    report(f"candidates on rows: {counts}; the work of {work:.0f} fits on all rows")
    failed = [candidate for candidate in outcome.candidates if candidate.failure]
    if failed:
        report(f"{len(failed)} of {len(outcome.candidates)} candidates failed and were left out")
    for candidate in failed[:_SHOWN_FAILURES]:
        report(f"  {json.dumps(candidate.values, default=str)}: {candidate.failure}")
    for line in align(_comparison_rows(search, outcome)).splitlines():
        report(line)
    report(_conclusion(outcome))


def format_score(value: float) -> str:
    """Return a score with enough digits to show how candidates differ."""
    if not math.isfinite(value) or value == 0:
        return NO_VALUE if value else "0"
    exponent = math.floor(math.log10(abs(value)))
    return f"{value:,.{min(_DIGITS, max(0, _DIGITS - 1 - exponent))}f}".replace("-", "\N{MINUS SIGN}")


def _comparison_rows(search: Search, outcome: Outcome) -> list[tuple[str, ...]]:
    pair = (outcome.present, outcome.winner)
    rows: list[tuple[str, ...]] = [("", "present", "winner")]
    for key in search.params.tune.space:
        rows.append((key, *(json.dumps(candidate.values[key], default=str) for candidate in pair)))
    rows.append((search.metric.name, *(format_score(candidate.mean) for candidate in pair)))
    rows.append(("spread over folds", *(format_score(candidate.deviation) for candidate in pair)))
    for number, fold in enumerate(search.folds):
        scores = (candidate.last[number] if candidate.last else math.nan for candidate in pair)
        rows.append((f"  {fold.name}", *map(format_score, scores)))
    return rows


def _conclusion(outcome: Outcome) -> str:
    if not outcome.is_better:
        return "no candidate is better than the present values; params.yaml was not changed"
    if outcome.present.failure:
        return "the present values cannot be fitted; the winner can"
    gains = outcome.sign * (np.array(outcome.winner.last) - np.array(outcome.present.last))
    better = int((gains > 0).sum())
    return f"the winner is better by {format_score(outcome.gain)} on average, in {better} of {len(gains)} folds"
