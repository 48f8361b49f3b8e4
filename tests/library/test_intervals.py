"""Intervals: percentile intervals of the bootstrap, with the same resamples for every model and in every run."""

import numpy as np
import pytest
from cd4ml.evaluation import intervals
from cd4ml.evaluation.intervals import bootstrap, percentile_interval
from cd4ml.evaluation.metrics import make_quick_scorer, make_scorer
from cd4ml.evaluation.predictions import Predictions
from random_predictions import random_predictions


def test_the_resamples_are_the_same_for_two_models_and_in_every_run() -> None:
    predictions = random_predictions("binary")
    first, second = bootstrap([make_scorer(predictions), make_scorer(predictions)], predictions.rows, 200)

    (later,) = bootstrap([make_scorer(predictions)], predictions.rows, 200)

    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert all(np.array_equal(first[name], later[name]) for name in first)


def test_the_result_does_not_depend_on_the_size_of_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    predictions = random_predictions("regression")
    (at_once,) = bootstrap([make_scorer(predictions)], predictions.rows, 100)

    monkeypatch.setattr(intervals, "_CELLS", 7 * predictions.rows)

    (in_chunks,) = bootstrap([make_scorer(predictions)], predictions.rows, 100)
    assert all(at_once[name] == pytest.approx(in_chunks[name], rel=1e-12) for name in at_once)


def test_the_interval_of_a_mean_is_two_standard_errors_to_either_side() -> None:
    predictions = random_predictions("regression", rows=2000)
    error = predictions.scores - predictions.target

    (replicates,) = bootstrap([make_scorer(predictions)], predictions.rows, 2000)

    low, high = percentile_interval(replicates["bias"], 2000) or (0, 0)
    assert (low + high) / 2 == pytest.approx(error.mean(), abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * error.std() / np.sqrt(2000), rel=0.1)


def test_a_metric_that_most_resamples_do_not_define_has_no_interval() -> None:
    assert percentile_interval(np.array([1.0, np.nan, np.nan]), 100) is None
    assert percentile_interval(np.array([1.0, 1.0, np.nan]), 100) == (1.0, 1.0)


@pytest.mark.parametrize("positives", [1, 2, 3, 5, 10, 30])
def test_noise_is_rarely_significantly_better_than_chance_however_few_positives_there_are(positives: int) -> None:
    rng, draws = np.random.default_rng(0), 400
    target = (np.arange(300) < positives).astype(np.int64)
    better = 0
    for _ in range(draws):
        noise = Predictions("binary", [False, True], target, rng.random(300), 0.5)
        (replicates,) = bootstrap([make_quick_scorer(noise, "roc_auc")], noise.rows, 200)
        interval = percentile_interval(replicates["roc_auc"], noise.deciding_rows)
        better += interval is not None and interval[0] > 0.5

    assert better / draws < 0.045  # 0.025 is nominal, and this is 2.5 standard errors above; without the rule 0.4


def test_few_rows_of_a_number_are_no_evidence_and_five_have_a_wide_interval() -> None:
    values = np.random.default_rng(0).normal(size=5000)

    low, high = percentile_interval(values, 5) or (0, 0)

    assert percentile_interval(values, 4) is None
    assert -low == pytest.approx(high, rel=0.15)
    assert high == pytest.approx(2.78 * np.sqrt(5 / 4), rel=0.1)  # Student's quantile with four degrees of freedom


def test_the_rows_that_decide_are_those_without_the_most_frequent_class() -> None:
    several = random_predictions("multiclass")
    counts = np.bincount(several.target)

    assert several.deciding_rows == several.rows - counts.max()
    assert random_predictions("regression").deciding_rows == 300
    assert random_predictions("binary").subset(np.zeros(300, dtype=bool)).deciding_rows == 0
