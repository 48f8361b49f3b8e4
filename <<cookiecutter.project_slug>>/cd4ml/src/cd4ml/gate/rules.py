"""The rules: each measures one property of the challenger, and returns what is allowed and why it rejects."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from cd4ml.contract.compatibility import breaking_changes
from cd4ml.contract.contract import Contract
from cd4ml.errors import ParamsError
from cd4ml.evaluation.calibration import Bins
from cd4ml.evaluation.formatting import format_number, format_percent
from cd4ml.evaluation.intervals import FEWEST, critical_value
from cd4ml.evaluation.metrics import compute_metrics
from cd4ml.evaluation.predictions import Predictions
from cd4ml.gate.comparison import Comparison, Difference

Result = Literal["passed", "rejected", "accepted", "not judged"]
_SLICES_ERROR_RATE = 0.05  # the probability that at least one of all slices is rejected by chance
_MINUS = "\N{MINUS SIGN}"
_MAX_CHANGES = 3  # that are named in a rejection


@dataclass(frozen=True)
class Finding:
    """The result of one rule."""

    rule: str
    result: Result
    measured: str
    allowed: str = ""
    why: str = ""
    """Why the rule rejects, in one line, without the rule's name; empty if it does not."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """What was measured, for programs."""


def check_baseline(comparison: Comparison) -> Finding:
    """Reject a model that is not significantly better than the baseline: the gain's 95 % interval must be above 0."""
    difference, name = comparison.main_difference(comparison.baseline), comparison.metric.name
    allowed = "significantly better"
    if difference is None:
        return Finding("baseline", "rejected", "cannot be decided", allowed, _undecided(comparison))
    why = (
        f"not significantly better than the baseline: {name} is {format_number(difference.challenger)}, "
        f"the baseline's {format_number(difference.other)}"
    )
    measured = f"{name} {format_gain(difference)}"
    return _finding("baseline", difference.low > 0, measured, allowed, why, _numbers(difference))


def check_floor(comparison: Comparison, floor: dict[str, float]) -> Finding:
    """Reject a model with a metric that is worse than its limit in `gate.floor`.

    Raises:
        ParamsError: the floor names a metric that the task does not have.
    """
    task, metrics = comparison.challenger.task, comparison.metrics.directed
    for name in floor:
        if name not in metrics:
            raise ParamsError(
                f"params.yaml: gate.floor.{name} is not a metric of a {task} model; write one of {', '.join(metrics)}"
            )
    if not floor:
        return Finding("floor", "not judged", "", "gate.floor is empty")
    values, broken, limits = comparison.metrics.compute(comparison.challenger), [], []
    for name, limit in floor.items():
        higher = metrics[name].better == "higher"
        required = f"at {'least' if higher else 'most'} {limit:g}"
        limits.append(f"{name} {required}")
        if not (values[name] >= limit if higher else values[name] <= limit):  # NaN breaks the limit, too
            broken.append(f"{name} is {format_number(values[name])}, {required} is required")
    measured = ", ".join(f"{name} {format_number(values[name])}" for name in floor)
    numbers = {name: values[name] for name in floor}
    return _finding("floor", not broken, measured, ", ".join(limits), "; ".join(broken), numbers)


def check_leakage(comparison: Comparison, too_good: float | None) -> Finding:
    """Reject a model whose ROC AUC or R² is above `too_good`: a column may tell what is known only afterwards."""
    name = "r2" if comparison.challenger.task == "regression" else "roc_auc"
    if too_good is None:
        return Finding("leakage", "not judged", "", "gate.too_good is null")
    value = compute_metrics(comparison.challenger)[name]
    why = (
        f"{name} is {format_number(value)}, which is too good to be true above {too_good:g}; "
        "look for a column that is known only once the outcome is"
    )
    measured = f"{name} {format_number(value)}"
    return _finding("leakage", not value > too_good, measured, f"{name} at most {too_good:g}", why, {name: value})


def check_comparison(comparison: Comparison, champion: Predictions, max_regression: float) -> Finding:
    """Reject a model that lost more than `max_regression` of the main metric to the champion, and significantly so.

    Both are required: a loss that is too small to matter passes, and so does one that chance alone explains.
    """
    difference, name = comparison.main_difference(champion), comparison.metric.name
    if difference is None:
        return Finding("comparison", "rejected", "cannot be decided", why=_undecided(comparison))
    passed = not (difference.gain < -max_regression and difference.high < 0)
    allowed = f"{_MINUS}{format_amount(difference, max_regression)}"
    why = (
        f"worse than the champion: {name} is {format_number(difference.challenger)}, "
        f"the champion's {format_number(difference.other)}; {format_gain(difference)}, {allowed} is allowed"
    )
    numbers = _numbers(difference) | {"detectable_loss": detectable_loss(difference, max_regression)}
    return _finding("comparison", passed, f"{name} {format_gain(difference)}", allowed, why, numbers)


def check_slices(comparison: Comparison, other: Predictions, other_name: str, max_regression: float) -> Finding:
    """Reject a model that lost more than `max_regression` in one slice, and significantly so.

    Each slice is tested at an error rate that is divided by the number of slices (Bonferroni), so that many slices do
    not lead to a rejection by chance. The bootstrap's distribution is taken as normal.

    Args:
        comparison: of the challenger.
        other: the champion's predictions, or the baseline's.
        other_name: "the champion" or "the baseline", for the message.
        max_regression: the loss that is allowed.
    """
    by_slice = {part.name: comparison.main_difference(other, part.mask) for part in comparison.slices}
    differences = {name: difference for name, difference in by_slice.items() if difference is not None}
    left_out = len(by_slice) - len(differences)
    if not differences:
        limit = f"gate.max_slice_regression {max_regression:g}"
        return Finding("slices", "not judged", f"no slice has enough rows{_left_out(left_out)}", limit)
    share = 1 - _SLICES_ERROR_RATE / len(differences)
    broken = {
        name: difference
        for name, difference in differences.items()
        if difference.gain < -max_regression
        and difference.gain + critical_value(difference.count, share) * difference.error < 0
    }
    lowest_name, lowest = min(differences.items(), key=lambda pair: pair[1].gain)
    why = "; ".join(
        f"{name}: {difference.metric.name} is {format_number(difference.challenger)}, "
        f"{other_name}'s {format_number(difference.other)}"
        for name, difference in sorted(broken.items(), key=lambda pair: pair[1].gain)
    )
    measured = f"{len(differences)} slices, the lowest {lowest_name} {format_gain(lowest)}{_left_out(left_out)}"
    allowed = f"{_MINUS}{format_amount(lowest, max_regression)}"
    numbers = {name: _numbers(difference) for name, difference in differences.items()}
    return _finding("slices", not broken, measured, allowed, why, numbers)


def check_calibration(comparison: Comparison, max_error: float) -> Finding:
    """Reject probabilities whose calibration error is above `max_error`, and above what chance explains."""
    predictions = comparison.challenger
    if predictions.task == "regression":
        return Finding("calibration", "not judged", "", "regression has no probabilities")
    binary = predictions.task == "binary"
    probabilities = predictions.scores if binary else predictions.scores.max(axis=1)
    outcomes = predictions.target if binary else predictions.predicted == predictions.target
    bins = Bins(probabilities, outcomes)
    error = float(bins.error(np.ones((1, predictions.rows)))[0])
    by_chance = float(np.quantile(bins.simulated_errors(probabilities, comparison.rounds), 0.95))
    mean, share = float(probabilities.mean()), float(outcomes.mean())
    why = (
        f"the calibration error is {format_number(error)}, {max_error:g} is allowed "
        f"(mean probability {format_percent(mean)}, observed share {format_percent(share)})"
    )
    numbers = {"error": error, "by_chance": by_chance, "mean_probability": mean, "observed_share": share}
    passed = error <= max_error or error <= by_chance
    return _finding("calibration", passed, f"error {format_number(error)}", f"at most {max_error:g}", why, numbers)


def check_requests(champion: Contract, challenger: Contract) -> Finding:
    """Reject a contract that breaks the champion's callers."""
    changes = breaking_changes(champion, challenger)
    more = f"; and {len(changes) - _MAX_CHANGES} more" if len(changes) > _MAX_CHANGES else ""
    why = f"callers would break: {'; '.join(changes[:_MAX_CHANGES])}{more}"
    measured = f"{len(changes)} breaking changes" if changes else "compatible"
    return _finding("requests", not changes, measured, "compatible changes", why, {"changes": changes})


def format_gain(difference: Difference) -> str:
    """Return a gain and its interval, as percentages for a metric in the target's unit. Below 0 is a loss."""
    ends = (difference.gain, difference.low, difference.high)
    value, low, high = (_format_signed(difference, number) for number in ends)
    return f"{value} [{low}, {high}]"


def format_amount(difference: Difference, gain: float) -> str:
    """Return the size of a gain or a loss, as a percentage for a metric in the target's unit."""
    if difference.metric.of_target:
        return f"{100 * gain:.1f} %"
    return f"{gain:.3f}" if difference.metric.function is None else format_number(gain)  # may be of any size


def _format_signed(difference: Difference, gain: float) -> str:
    amount = format_amount(difference, abs(gain))
    sign = "" if not amount.strip("0. %") else "+" if gain > 0 else _MINUS
    return sign + amount


def detectable_loss(difference: Difference, max_regression: float) -> float:
    """Return the loss that `check_comparison` rejects in four cases out of five, in the unit of a gain."""
    significant = critical_value(difference.count, 0.975) * difference.error
    return max(max_regression, significant) + critical_value(difference.count, 0.8) * difference.error


def _left_out(slices: int) -> str:
    return f"; {slices} left out, with fewer than {FEWEST} rows of an outcome" if slices else ""


def _undecided(comparison: Comparison) -> str:
    """Return why the main metric cannot be compared, and what to do."""
    predictions, name = comparison.challenger, comparison.metric.name
    few = predictions.deciding_rows
    if few >= FEWEST:
        return f"{name} cannot be computed on this test set: it is not a number for most resamples of its rows"
    what = "in the test set" if predictions.task == "regression" else "in the test set without the most frequent class"
    return (
        f"{name} cannot be compared: rows {what}: {few}, at least {FEWEST} are needed; "
        "collect more rows, or make the test set larger (split in params.yaml)"
    )


def _finding(rule: str, passed: bool, measured: str, allowed: str, why: str, numbers: dict[str, Any]) -> Finding:
    return Finding(rule, "passed" if passed else "rejected", measured, allowed, "" if passed else why, numbers)


def _numbers(difference: Difference) -> dict[str, Any]:
    return {
        "metric": difference.metric.name, "challenger": difference.challenger, "other": difference.other,
        "gain": difference.gain, "low": difference.low, "high": difference.high,
    }  # fmt: skip
