"""Intervals: percentile intervals of the bootstrap, with the same resamples for every model and in every run."""

import numpy as np
import pytest
from cd4ml.evaluation import intervals
from cd4ml.evaluation.intervals import bootstrap, percentile_interval
from cd4ml.evaluation.metrics import make_scorer
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

    low, high = percentile_interval(replicates["bias"]) or (0, 0)
    assert (low + high) / 2 == pytest.approx(error.mean(), abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * error.std() / np.sqrt(2000), rel=0.1)


def test_a_metric_that_most_resamples_do_not_define_has_no_interval() -> None:
    assert percentile_interval(np.array([1.0, np.nan, np.nan])) is None
    assert percentile_interval(np.array([1.0, 1.0, np.nan])) == (1.0, 1.0)
