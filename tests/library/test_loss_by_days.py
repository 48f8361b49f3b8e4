"""When a loss is one: the interval of a period, in which rows of one day are alike, and what is compared with what."""

import numpy as np
import pytest
from cd4ml.evaluation.intervals import bootstrap
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import METRICS
from cd4ml.evaluation.predictions import Predictions
from cd4ml.monitoring.findings import check_loss
from cd4ml.monitoring.performance import MOST_ROWS, main_interval
from cd4ml.settings.monitor_params import MonitorParams

ERRORS = MetricSet((next(metric for metric in METRICS["regression"] if metric.name == "mae"),))


def errors_of(days: int, rows: int, generator: np.random.Generator, spread: float) -> tuple[Predictions, np.ndarray]:
    """Return predictions that are wrong by 10 on average; by how much more or less, is a matter of the day."""
    day = np.repeat(np.arange(days), rows)
    errors = 10 + spread * generator.normal(size=days)[day] + generator.normal(size=days * rows)
    return Predictions("regression", [], np.zeros(days * rows), errors, None), day


@pytest.mark.parametrize(("days", "least"), [(7, 0.88), (35, 0.88)])
def test_the_interval_holds_the_true_value_if_days_differ(days, least):
    generator, inside, inside_by_rows = np.random.default_rng(0), [], []
    for _ in range(150):
        predictions, day = errors_of(days, 40, generator, spread=1.0)
        low, high = main_interval(predictions, ERRORS, day)
        inside.append(low <= 10 <= high)
        low, high = main_interval(predictions, ERRORS)
        inside_by_rows.append(low <= 10 <= high)

    assert np.mean(inside) > least
    assert np.mean(inside_by_rows) < 0.6  # what rows alone would promise


def test_fewer_than_five_days_tell_nothing_of_days():
    predictions, day = errors_of(4, 50, np.random.default_rng(0), spread=1.0)

    assert main_interval(predictions, ERRORS, day) == main_interval(predictions, ERRORS)


def test_whole_groups_are_drawn():
    groups = np.array([0, 0, 0, 1, 1, 2])

    (drawn,) = bootstrap([lambda weights: {"weights": weights}], 6, 50, groups)

    weights = drawn["weights"]
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, [0, 3, 5]].sum(axis=1) == 3).all()


def test_the_interval_of_more_rows_than_are_drawn_from_is_as_narrow_as_theirs():
    generator = np.random.default_rng(0)
    errors = generator.exponential(10, size=4 * MOST_ROWS)
    predictions = Predictions("regression", [], np.zeros(len(errors)), errors, None)

    low, high = main_interval(predictions, ERRORS)

    assert (high - low) / 2 == pytest.approx(1.96 * 10 / np.sqrt(len(errors)), rel=0.15)


ROC_AUC = MetricSet(METRICS["binary"])
TESTED = {"roc_auc": 0.75, "intervals": {"roc_auc": {"low": 0.73, "high": 0.77}}}


def answers(value: float, half: float, rows: int) -> dict[str, object]:
    interval = {"low": value - half, "high": value + half}
    return {"rows": rows, "metrics": {"roc_auc": value}, "interval": interval}


@pytest.mark.parametrize(
    ("newest", "together", "level", "rows"),
    [
        (answers(0.69, 0.05, 700), None, "fine", "on 700 outcomes"),  # a loss of 0.06: one week cannot tell
        (answers(0.69, 0.05, 700), answers(0.69, 0.02, 3_500), "page", "on 3,500 outcomes"),  # five together can
        (answers(0.60, 0.05, 700), answers(0.72, 0.02, 3_500), "page", "on 700 outcomes"),  # a large one, since a week
        (answers(0.72, 0.05, 700), answers(0.72, 0.02, 3_500), "fine", "on 700 outcomes"),
        (answers(0.715, 0.001, 300_000), None, "fine", "on 300,000 outcomes"),  # the test set may have been lucky
    ],
)
def test_a_large_loss_shows_in_the_newest_period_and_a_small_one_in_all_together(newest, together, level, rows):
    finding = check_loss(newest, together, TESTED, ROC_AUC, MonitorParams())

    assert finding.level == level
    assert rows in finding.sentence


def test_without_an_interval_of_the_test_set_its_value_is_taken_as_exact():
    newest = answers(0.715, 0.001, 300_000)

    assert check_loss(newest, None, {"roc_auc": 0.75}, ROC_AUC, MonitorParams()).level == "page"
