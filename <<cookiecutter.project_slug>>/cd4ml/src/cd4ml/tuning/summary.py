"""What a search came to, for the terminal: the rungs, and the winner beside the present values."""

import json
from collections.abc import Sequence

import numpy as np

from cd4ml.evaluation.formatting import NO_VALUE
from cd4ml.evaluation.metrics import Metric
from cd4ml.terminal.output import align, report
from cd4ml.tuning.folds import Fold
from cd4ml.tuning.progress import score
from cd4ml.tuning.search import Outcome
from cd4ml.tuning.study import Study

_NO_FAILURES = 3  # that are told one by one


def tell(study: Study, outcome: Outcome, metric: Metric) -> None:
    """Print the rungs, the candidates that failed, and the winner beside the present values."""
    _print(_rungs(outcome, metric))
    failed = {trial.number: trial for trial in outcome.trials if trial.failure}
    if failed:
        report(f"{len(failed)} of {len(study.candidates)} candidates failed and were left out")
        for number, trial in list(failed.items())[:_NO_FAILURES]:
            report(f"  {json.dumps(study.candidates[number], default=str)}: {trial.failure}")
    _print(_comparison(study, outcome, metric, study.folds))


def verdict(outcome: Outcome) -> str:
    """Return in one line whether the winner is better than the present values."""
    if not outcome.is_better:
        return "nothing that was tried is better than the present values; params.yaml was not changed"
    if outcome.present.failure:
        return "the present values cannot be fitted; the winner can"
    gains = outcome.sign * (np.array(outcome.winner.scores) - np.array(outcome.present.scores))
    return (
        f"the winner is better by {score(outcome.gain)} on average, in {int((gains > 0).sum())} of {len(gains)} folds"
    )


def _rungs(outcome: Outcome, metric: Metric) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [("rung", "rows", "candidates", f"best {metric.name}")]
    for number, rung in enumerate(outcome.rungs):
        means = [trial.mean for trial in outcome.trials if trial.rung == number and not trial.failure]
        best = score(outcome.sign * max(outcome.sign * mean for mean in means)) if means else NO_VALUE
        lines.append((str(number + 1), f"{rung.rows:,}", str(rung.candidates), best))
    return lines


def _comparison(study: Study, outcome: Outcome, metric: Metric, folds: Sequence[Fold]) -> list[tuple[str, ...]]:
    present, winner = outcome.present, outcome.winner
    lines: list[tuple[str, ...]] = [("", "present", "winner")]
    for key in study.params.tune.space:
        values = (study.candidates[trial.number][key] for trial in (present, winner))
        lines.append((key, *(json.dumps(value, default=str) for value in values)))
    lines.append((metric.name, score(present.mean), score(winner.mean)))
    lines.append(("spread over folds", score(present.deviation), score(winner.deviation)))
    for number, fold in enumerate(folds):
        scores = (trial.scores[number] if trial.scores else float("nan") for trial in (present, winner))
        lines.append((f"  {fold.name}", *map(score, scores)))
    return lines


def _print(lines: list[tuple[str, ...]]) -> None:
    for line in align(lines).splitlines():
        report(line)
