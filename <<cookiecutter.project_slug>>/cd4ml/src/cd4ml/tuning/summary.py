"""Print the outcome of a search: its rungs, its failures, and the winner beside the present values."""

import json
from collections.abc import Sequence

import numpy as np

from cd4ml.evaluation.formatting import NO_VALUE
from cd4ml.evaluation.metrics import Metric
from cd4ml.terminal.output import align, report
from cd4ml.tuning.folds import Fold
from cd4ml.tuning.progress import format_score
from cd4ml.tuning.search import Outcome
from cd4ml.tuning.study import Study

_SHOWN_FAILURES = 3


def print_summary(study: Study, outcome: Outcome, metric: Metric) -> None:
    """Print the rungs, the candidates that failed, and the winner beside the present values."""
    _print(_rung_rows(outcome, metric))
    failed = {trial.number: trial for trial in outcome.trials if trial.failure}
    if failed:
        report(f"{len(failed)} of {len(study.candidates)} candidates failed and were left out")
        for number, trial in list(failed.items())[:_SHOWN_FAILURES]:
            report(f"  {json.dumps(study.candidates[number], default=str)}: {trial.failure}")
    _print(_comparison_rows(study, outcome, metric, study.folds))


def conclusion(outcome: Outcome) -> str:
    """Return in one line whether the winner is better than the present values."""
    if not outcome.is_better:
        return "no candidate is better than the present values; params.yaml was not changed"
    if outcome.present.failure:
        return "the present values cannot be fitted; the winner can"
    gains = outcome.sign * (np.array(outcome.winner.scores) - np.array(outcome.present.scores))
    better = int((gains > 0).sum())
    return f"the winner is better by {format_score(outcome.gain)} on average, in {better} of {len(gains)} folds"


def _rung_rows(outcome: Outcome, metric: Metric) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("rung", "rows", "candidates", f"best {metric.name}")]
    for number, rung in enumerate(outcome.rungs):
        means = [trial.mean for trial in outcome.trials if trial.rung == number and not trial.failure]
        best = format_score(outcome.sign * max(outcome.sign * mean for mean in means)) if means else NO_VALUE
        rows.append((str(number + 1), f"{rung.rows:,}", str(rung.candidates), best))
    return rows


def _comparison_rows(study: Study, outcome: Outcome, metric: Metric, folds: Sequence[Fold]) -> list[tuple[str, ...]]:
    present, winner = outcome.present, outcome.winner
    rows: list[tuple[str, ...]] = [("", "present", "winner")]
    for key in study.params.tune.space:
        values = (study.candidates[trial.number][key] for trial in (present, winner))
        rows.append((key, *(json.dumps(value, default=str) for value in values)))
    rows.append((metric.name, format_score(present.mean), format_score(winner.mean)))
    rows.append(("spread over folds", format_score(present.deviation), format_score(winner.deviation)))
    for number, fold in enumerate(folds):
        scores = (trial.scores[number] if trial.scores else float("nan") for trial in (present, winner))
        rows.append((f"  {fold.name}", *map(format_score, scores)))
    return rows


def _print(rows: list[tuple[str, ...]]) -> None:
    for line in align(rows).splitlines():
        report(line)
