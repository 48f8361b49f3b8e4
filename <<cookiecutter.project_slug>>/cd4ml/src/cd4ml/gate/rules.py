"""The rules: each looks at one thing and says what it measured, what is allowed, and in one line why it refuses."""

from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from cd4ml.contract.compatibility import breaking_changes
from cd4ml.contract.contract import Contract
from cd4ml.errors import ParamsError
from cd4ml.evaluation.calibration import Bins
from cd4ml.evaluation.formatting import percent, shown
from cd4ml.evaluation.metrics import METRICS, measured
from cd4ml.evaluation.predictions import Predictions
from cd4ml.gate.comparison import Comparison, Difference

Result = Literal["passed", "refused", "accepted", "not judged"]
_SURE = 0.05  # the chance, over all slices together, that one is called worse for nothing
_MINUS = "\N{MINUS SIGN}"
_SHOWN_CHANGES = 3


@dataclass(frozen=True)
class Finding:
    """What one rule found."""

    rule: str
    result: Result
    measured: str
    allowed: str = ""
    why: str = ""
    """The refusal, one line without the rule's name."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """The same for a program."""


def beats_baseline(contest: Comparison) -> Finding:
    """Refuse a model that is not surely better than answering without looking: the interval must lie above 0."""
    found, name = contest.against(contest.baseline), contest.metric.name
    if found is None:
        why = f"{name} cannot be told from these rows: they hold too few of one outcome"
        return Finding("baseline", "refused", "nothing", "surely better", why)
    why = f"not surely better than trivial: {name} is {shown(found.challenger)}, {shown(found.other)} without looking"
    passed = found.low > 0
    return _finding("baseline", passed, f"{name} {gained(found)}", "surely better", why, _numbers(found))


def above_floor(contest: Comparison, floor: dict[str, float]) -> Finding:
    """Refuse a model with a metric beyond the worst that its owner puts up with.

    Raises:
        ParamsError: the floor names a metric that this task has not.
    """
    metrics = {metric.name: metric for metric in METRICS[contest.challenger.task] if metric.better != "near 0"}
    for name in floor:
        if name not in metrics:
            known = ", ".join(metrics)
            task = contest.challenger.task
            raise ParamsError(f"params.yaml: gate.floor.{name} is no metric of a {task} model; write one of {known}")
    if not floor:
        return Finding("floor", "not judged", "", "gate.floor is empty")
    values, broken, limits = measured(contest.challenger), [], []
    for name, worst in floor.items():
        higher = metrics[name].better == "higher"
        limits.append(f"{name} at {'least' if higher else 'most'} {worst:g}")
        if not (values[name] >= worst if higher else values[name] <= worst):  # NaN is no better than the floor
            broken.append(f"{name} is {shown(values[name])}, {limits[-1].removeprefix(name + ' ')} is asked for")
    told = ", ".join(f"{name} {shown(values[name])}" for name in floor)
    return _finding("floor", not broken, told, ", ".join(limits), "; ".join(broken), {n: values[n] for n in floor})


def holds_against(contest: Comparison, champion: Predictions, most: float) -> Finding:
    """Refuse a model that lost more than `most` of the main metric, where chance is no explanation for the loss.

    Both are asked: a loss that is too small to matter, and one that as many other rows would not show again, pass.
    """
    found, name = contest.against(champion), contest.metric.name
    if found is None:
        return Finding("comparison", "refused", "nothing", why=f"{name} cannot be told from these rows")
    passed = not (found.gain < -most and found.high < 0)
    why = f"worse than the champion: {name} is {shown(found.challenger)}, the champion's {shown(found.other)}"
    why += f"; {gained(found)}, {_MINUS}{_amount(found, most)} is allowed"
    caught = max(most, NormalDist().inv_cdf(0.975) * found.error) + NormalDist().inv_cdf(0.8) * found.error
    numbers = _numbers(found) | {"caught_four_times_in_five": caught}
    return _finding("comparison", passed, f"{name} {gained(found)}", f"{_MINUS}{_amount(found, most)}", why, numbers)


def holds_in_slices(contest: Comparison, other: Predictions, whose: str, most: float) -> Finding:
    """Refuse a model that in one slice surely lost more than nothing, and more than `most`.

    So that looking at many slices refuses nothing by chance, each is asked to be surer: the chance of one error is
    divided by the number of slices (Bonferroni), and the bootstrap's spread taken as a normal distribution's.
    """
    found = {one.name: contest.against(other, one.rows) for one in contest.slices}
    told = {name: difference for name, difference in found.items() if difference is not None}
    if not told:
        return Finding("slices", "not judged", "no slice has enough rows", f"gate.max_slice_regression {most:g}")
    sure = NormalDist().inv_cdf(1 - _SURE / len(told))
    broken = {n: one for n, one in told.items() if one.gain < -most and one.gain + sure * one.error < 0}
    name, worst = min(told.items(), key=lambda pair: pair[1].gain)
    why = "; ".join(
        f"{name}: {one.metric.name} is {shown(one.challenger)}, {whose} {shown(one.other)}"
        for name, one in sorted(broken.items(), key=lambda pair: pair[1].gain)
    )
    summary = f"{len(told)} slices, the lowest {name} {gained(worst)}"
    allowed = f"{_MINUS}{_amount(worst, most)}"
    return _finding("slices", not broken, summary, allowed, why, {name: _numbers(one) for name, one in told.items()})


def is_calibrated(contest: Comparison, most: float) -> Finding:
    """Refuse probabilities that are further from what came true than `most`, and than chance explains."""
    judged = contest.challenger
    if judged.task == "regression":
        return Finding("calibration", "not judged", "", "a number carries no probability")
    said = judged.scores if judged.task == "binary" else judged.scores.max(axis=1)
    happened = judged.target if judged.task == "binary" else judged.said == judged.target
    bins = Bins(said, happened)
    error = float(bins.error(np.ones((1, judged.rows)))[0])
    by_chance = float(np.quantile(bins.error_by_chance(said, contest.rounds), 0.95))
    mean, share = float(said.mean()), float(happened.mean())
    why = (
        f"probabilities are {shown(error)} from what came true, {most:g} is allowed "
        f"(on average {percent(mean)} said, {percent(share)} happened)"
    )
    numbers = {"error": error, "by_chance": by_chance, "mean_said": mean, "share_happened": share}
    passed = error <= most or error <= by_chance
    return _finding("calibration", passed, f"error {shown(error)}", f"at most {most:g}", why, numbers)


def keeps_requests(before: Contract, after: Contract) -> Finding:
    """Refuse a contract that those who call the champion would notice."""
    changes = breaking_changes(before, after)
    more = f"; and {len(changes) - _SHOWN_CHANGES} more" if len(changes) > _SHOWN_CHANGES else ""
    why = f"callers would break: {'; '.join(changes[:_SHOWN_CHANGES])}{more}"
    told = f"{len(changes)} a caller would notice" if changes else "as callers know them"
    return _finding("requests", not changes, told, "wider ones", why, {"changes": changes})


def gained(found: Difference) -> str:
    """Return a gain and its interval; a percentage for a metric in the target's unit. Below 0 is a loss."""
    value, low, high = (_signed(found, number) for number in (found.gain, found.low, found.high))
    return f"{value} [{low}, {high}]"


def _signed(found: Difference, gain: float) -> str:
    amount = _amount(found, abs(gain))
    sign = "" if not amount.strip("0. %") else "+" if gain > 0 else _MINUS
    return sign + amount


def _amount(found: Difference, gain: float) -> str:
    return f"{100 * gain:.1f} %" if found.metric.of_target else f"{gain:.3f}"


def _finding(rule: str, passed: bool, measured: str, allowed: str, why: str, numbers: dict[str, Any]) -> Finding:
    return Finding(rule, "passed" if passed else "refused", measured, allowed, "" if passed else why, numbers)


def _numbers(found: Difference) -> dict[str, Any]:
    return {
        "metric": found.metric.name, "challenger": found.challenger, "other": found.other,
        "gain": found.gain, "low": found.low, "high": found.high,
    }  # fmt: skip
