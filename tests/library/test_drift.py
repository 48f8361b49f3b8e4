"""Effect sizes of drift: their known values, and that they do not grow with the number of rows."""

import numpy as np
import pytest
from cd4ml.evaluation.metrics import compute_metrics
from cd4ml.evaluation.predictions import Predictions
from cd4ml.monitoring.drift import chance_index, distance, stability_index
from cd4ml.monitoring.expected import expected_metrics

TENTHS = np.full(10, 0.1)


def test_the_index_of_a_textbook_example():
    expected, counts = np.array([0.25, 0.25, 0.25, 0.25]), np.array([40_000, 30_000, 20_000, 10_000])

    by_hand = sum((q - 0.25) * np.log(q / 0.25) for q in (0.4, 0.3, 0.2, 0.1))
    assert stability_index(expected, counts) == pytest.approx(by_hand, rel=1e-3)


def test_the_index_does_not_grow_with_the_rows():
    shifted = np.array([5, 8, 8, 9, 10, 10, 11, 12, 13, 14])

    assert stability_index(TENTHS, shifted * 100) == pytest.approx(stability_index(TENTHS, shifted * 10_000), abs=0.001)


@pytest.mark.parametrize("rows", [200, 2000])
def test_chance_reaches_its_index_in_one_case_of_twenty(rows):
    generator = np.random.default_rng(0)
    indices = []
    for _ in range(2000):
        before, now = (generator.multinomial(count, TENTHS) for count in (3000, rows))
        indices.append(stability_index(before / 3000, now))

    beyond = np.mean(np.array(indices) > chance_index(TENTHS, 3000, rows))
    assert 0.03 < beyond < 0.07


def test_bins_that_are_nearly_empty_do_not_make_an_index():
    expected = np.array([0.001, 0.9, 0.099, 0.0])

    assert stability_index(expected, np.array([6, 894, 95, 5])) < 0.01


def test_without_rows_there_is_no_index_and_no_distance():
    none, means = np.zeros(10), np.arange(10.0)

    assert np.isnan(stability_index(TENTHS, none))
    assert np.isnan(distance((means, TENTHS), (means, none)))


def test_the_distance_is_in_the_unit_of_the_values():
    generator = np.random.default_rng(0)
    before, now = generator.normal(100, 10, 20_000), generator.normal(107, 10, 20_000)
    edges = np.quantile(before, np.linspace(0, 1, 11))

    def histogram(values):
        bins = np.searchsorted(edges, values)
        counts = np.bincount(bins, minlength=12)
        return np.bincount(bins, values, minlength=12) / np.maximum(counts, 1), counts

    assert distance(histogram(before), histogram(now)) == pytest.approx(7, abs=0.1)


def test_probabilities_that_are_right_promise_the_metrics_that_come():
    generator = np.random.default_rng(0)
    probabilities = generator.beta(1, 2, 200_000)
    outcomes = (generator.random(200_000) < probabilities).astype(np.int64)
    predictions = Predictions("binary", [False, True], outcomes, probabilities, 0.4)
    exact = {name: {"predicted": [0, 1], "observed": [0, 1]} for name in ("False", "True")}

    expected, realised = expected_metrics(predictions, exact), compute_metrics(predictions)

    assert expected is not None
    for name in ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "balanced_accuracy", "recall"):
        assert expected[name] == pytest.approx(realised[name], abs=0.005), name


def test_the_calibration_of_the_test_set_corrects_what_is_promised():
    generator = np.random.default_rng(0)
    true = generator.beta(1, 2, 100_000)
    outcomes = (generator.random(100_000) < true).astype(np.int64)
    boasting = np.clip(true * 1.5, 0, 1)  # probabilities that are too high
    predictions = Predictions("binary", [False, True], outcomes, boasting, 0.5)
    bins = np.array_split(np.argsort(boasting), 10)
    learnt = {
        "predicted": [boasting[rows].mean() for rows in bins],
        "observed": [outcomes[rows].mean() for rows in bins],
    }

    expected, realised = expected_metrics(predictions, {"True": learnt, "False": learnt}), compute_metrics(predictions)

    assert expected is not None
    assert expected["accuracy"] == pytest.approx(realised["accuracy"], abs=0.01)
    assert expected["precision"] == pytest.approx(realised["precision"], abs=0.02)


def test_classes_are_promised_too_and_numbers_are_not():
    generator = np.random.default_rng(0)
    scores = generator.dirichlet([1, 1, 2], 50_000)
    outcomes = (generator.random((50_000, 1)) < scores.cumsum(axis=1)).argmax(axis=1)
    names = ["a", "b", "c"]
    exact = {name: {"predicted": [0, 1], "observed": [0, 1]} for name in names}

    predictions = Predictions("multiclass", names, outcomes, scores, None)
    expected, realised = expected_metrics(predictions, exact), compute_metrics(predictions)

    assert expected is not None
    assert expected["accuracy"] == pytest.approx(realised["accuracy"], abs=0.01)
    numbers = Predictions("regression", [], scores[:, 0], scores[:, 1], None)
    assert expected_metrics(numbers, {}) is None


def test_the_order_of_rows_beyond_the_outer_bins_is_kept():
    """Of a model whose probabilities are too near to one half, many rows are beyond the means of the outer bins."""
    generator = np.random.default_rng(0)
    log_odds = generator.normal(-1, 1.5, size=100_000)
    true, timid = 1 / (1 + np.exp(-log_odds)), 1 / (1 + np.exp(-0.5 * log_odds))
    outcomes = (generator.random(len(true)) < true).astype(np.int64)
    predictions = Predictions("binary", [False, True], outcomes, timid, 0.5)
    bins = np.array_split(np.argsort(timid), 10)
    learnt = {
        "predicted": [timid[rows].mean() for rows in bins],
        "observed": [outcomes[rows].mean() for rows in bins],
    }

    expected, realised = expected_metrics(predictions, {"True": learnt, "False": learnt}), compute_metrics(predictions)

    assert expected is not None
    assert expected["roc_auc"] == pytest.approx(realised["roc_auc"], abs=0.005)
    assert expected["log_loss"] == pytest.approx(realised["log_loss"], rel=0.2)
