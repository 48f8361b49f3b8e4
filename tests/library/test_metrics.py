"""Metrics equal those of scikit-learn, for any weights of the rows; the baseline is the best constant prediction."""

import math

import numpy as np
import pytest
from cd4ml.bundle.decision import Decision
from cd4ml.evaluation.baseline import baseline_metrics
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import METRICS
from cd4ml.evaluation.metrics import compute_metrics, make_quick_scorer, make_scorer
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import compute_results, round_significant
from random_predictions import random_predictions
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve
from sklearn.preprocessing import label_binarize


def weighted_metrics(predictions: Predictions, weights: np.ndarray) -> dict[str, float]:
    return {name: float(values[0]) for name, values in make_scorer(predictions)(weights[None, :]).items()}


def random_weights(kind: str, rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = {"ones": np.ones(rows), "any": rng.random(rows), "counts": rng.multinomial(rows, np.full(rows, 1 / rows))}
    return weights[kind].astype(np.float64)


CASES = pytest.mark.parametrize(
    ("seed", "digits", "kind"), [(1, 6, "ones"), (2, 6, "any"), (3, 1, "any"), (4, 1, "counts"), (5, 0, "counts")]
)


@CASES
def test_binary_metrics_are_those_of_scikit_learn(seed: int, digits: int, kind: str) -> None:
    predictions = random_predictions("binary", seed, digits=digits)
    weights = random_weights(kind, predictions.rows, seed)
    y, p, w = predictions.target, predictions.scores, {"sample_weight": weights}
    predicted = p >= 0.4

    assert weighted_metrics(predictions, weights) == pytest.approx(
        {
            "roc_auc": sklearn.roc_auc_score(y, p, **w),
            "average_precision": sklearn.average_precision_score(y, p, **w),
            "log_loss": sklearn.log_loss(y, p, **w),
            "brier": sklearn.brier_score_loss(y, p, **w),
            "calibration_error": expected_calibration_error(p, y, weights),
            "accuracy": sklearn.accuracy_score(y, predicted, **w),
            "balanced_accuracy": sklearn.balanced_accuracy_score(y, predicted, **w),
            "precision": sklearn.precision_score(y, predicted, **w),
            "recall": sklearn.recall_score(y, predicted, **w),
        },
        rel=1e-9,
    )


def expected_calibration_error(p: np.ndarray, outcomes: np.ndarray, weights: np.ndarray) -> float:
    """Return the calibration error by its definition, bin by bin."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, 11)[1:-1]))
    bin_of_row = np.array([sum(edge < value for edge in edges) for value in p])
    error = 0.0
    for number in set(bin_of_row):
        inside = weights * (bin_of_row == number)
        if inside.sum():
            error += abs(inside @ p - inside @ outcomes) / weights.sum()
    return error


def test_the_calibration_error_is_the_mean_distance_in_scikit_learns_calibration_curve() -> None:
    predictions = random_predictions("binary", seed=7)

    observed, predicted = calibration_curve(predictions.target, predictions.scores, n_bins=10, strategy="quantile")

    assert compute_metrics(predictions)["calibration_error"] == pytest.approx(np.abs(observed - predicted).mean())


@CASES
def test_multiclass_metrics_are_those_of_scikit_learn(seed: int, digits: int, kind: str) -> None:
    predictions = random_predictions("multiclass", seed, digits=max(digits, 1))
    weights = random_weights(kind, predictions.rows, seed)
    y, p, w = predictions.target, predictions.scores, {"sample_weight": weights}
    predicted = p.argmax(axis=1)

    assert weighted_metrics(predictions, weights) == pytest.approx(
        {
            "accuracy": sklearn.accuracy_score(y, predicted, **w),
            "balanced_accuracy": sklearn.balanced_accuracy_score(y, predicted, **w),
            "roc_auc": np.mean([sklearn.roc_auc_score(y == k, p[:, k], **w) for k in range(3)]),
            "average_precision": sklearn.average_precision_score(label_binarize(y, classes=[0, 1, 2]), p, **w),
            "log_loss": sklearn.log_loss(y, p, **w),
            "brier": np.average(((p - np.eye(3)[y]) ** 2).sum(axis=1), weights=weights),
            "calibration_error": expected_calibration_error(p.max(axis=1), predicted == y, weights),
        },
        rel=1e-9,
    )


@CASES
def test_regression_metrics_are_those_of_scikit_learn(seed: int, digits: int, kind: str) -> None:
    predictions = random_predictions("regression", seed, digits=digits)
    weights = random_weights(kind, predictions.rows, seed)
    y, predicted, w = predictions.target, predictions.scores, {"sample_weight": weights}
    quantiles = np.quantile(np.abs(predicted - y), [0.5, 0.9, 0.99], weights=weights, method="inverted_cdf")

    assert weighted_metrics(predictions, weights) == pytest.approx(
        {
            "mae": sklearn.mean_absolute_error(y, predicted, **w),
            "rmse": sklearn.root_mean_squared_error(y, predicted, **w),
            "r2": sklearn.r2_score(y, predicted, **w),
            **dict(zip(("error_p50", "error_p90", "error_p99"), quantiles, strict=True)),
            "bias": np.average(predicted - y, weights=weights),
        },
        rel=1e-9,
    )


@pytest.mark.parametrize("task", METRICS)
def test_every_metric_is_computed_and_has_the_same_value_alone(task: str) -> None:
    predictions, weights = (
        random_predictions(task),
        np.vstack([random_weights("counts", 300, seed) for seed in range(3)]),
    )

    metrics = make_scorer(predictions)(weights)

    assert list(metrics) == [metric.name for metric in METRICS[predictions.task]]
    for name in metrics:
        assert make_quick_scorer(predictions, name)(weights)[name] == pytest.approx(metrics[name], nan_ok=True)


@pytest.mark.parametrize("outcome", [0, 1])
def test_metrics_that_one_outcome_alone_does_not_define_are_null(outcome: int) -> None:
    predictions = random_predictions("binary").subset(random_predictions("binary").target == outcome)

    results = compute_results(predictions, {"shares": {"0": 0.5, "1": 0.5}}, 100, MetricSet(METRICS["binary"]))

    assert results["roc_auc"] is None
    assert results["intervals"]["roc_auc"] is None
    assert results["balanced_accuracy"] is None
    assert results["log_loss"] > 0
    assert (results["average_precision"] is None) == (outcome == 0)


def test_a_class_without_a_row_is_left_out_of_the_mean() -> None:
    predictions = random_predictions("multiclass")
    two = predictions.subset(predictions.target != 2)

    areas = [sklearn.roc_auc_score(two.target == k, two.scores[:, k]) for k in (0, 1)]
    assert compute_metrics(two)["roc_auc"] == pytest.approx(np.mean(areas))
    assert math.isnan(compute_metrics(predictions.subset(predictions.target == 2))["roc_auc"])


def test_rows_of_a_class_that_the_model_does_not_know_count_as_wrong() -> None:
    decision = Decision("multiclass", ["a", "b"], None)
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])

    predictions = Predictions.from_scores(np.array(["a", "b", "new"], dtype=object), scores, decision)

    assert predictions.classes == ["a", "b", "new"]
    metrics = compute_metrics(predictions)
    assert metrics["accuracy"] == pytest.approx(2 / 3)
    assert metrics["log_loss"] == pytest.approx(-np.log([0.9, 0.8, np.finfo(float).eps]).mean())


def test_the_log_loss_of_a_certain_and_wrong_prediction_is_large_and_finite() -> None:
    certain_and_wrong = Predictions("binary", [False, True], np.array([0]), np.array([1.0]), 0.5)

    assert 30 < compute_metrics(certain_and_wrong)["log_loss"] < 40


def test_r2_of_a_constant_target_is_undefined() -> None:
    assert math.isnan(compute_metrics(Predictions("regression", [], np.full(5, 0.1), np.arange(5.0), None))["r2"])
    values = np.random.default_rng(0).random(50)
    one_value_per_resample = 3 * np.eye(50)
    predictions = Predictions("regression", [], values, np.arange(50.0), None)
    assert np.isnan(make_scorer(predictions)(one_value_per_resample)["r2"]).all()


def test_the_baseline_of_classes_predicts_their_shares_and_the_most_common_class() -> None:
    predictions = random_predictions("binary")
    metrics = baseline_metrics(predictions, {"shares": {"0": 0.8, "1": 0.2}}, MetricSet(METRICS["binary"]))

    assert metrics["roc_auc"] == 0.5
    assert metrics["accuracy"] == pytest.approx(1 - predictions.target.mean())
    assert metrics["log_loss"] == pytest.approx(sklearn.log_loss(predictions.target, np.full(predictions.rows, 0.2)))

    of_three = random_predictions("multiclass")
    metrics = baseline_metrics(
        of_three, {"shares": {"high": 0.6, "low": 0.3, "middle": 0.1}}, MetricSet(METRICS["multiclass"])
    )
    assert metrics["accuracy"] == pytest.approx((of_three.target == 2).mean())


def test_the_baseline_of_numbers_is_the_median_for_absolute_and_the_mean_for_squared_errors() -> None:
    predictions = random_predictions("regression")

    metrics = baseline_metrics(predictions, {"mean": 1003.0, "median": 1001.0}, MetricSet(METRICS["regression"]))

    assert metrics["mae"] == pytest.approx(np.abs(predictions.target - 1001).mean())
    assert metrics["rmse"] == pytest.approx(np.sqrt(((predictions.target - 1003) ** 2).mean()))
    assert metrics["bias"] == pytest.approx((1003 - predictions.target).mean())


def test_numbers_are_rounded_to_six_digits() -> None:
    assert round_significant(0.123456789) == 0.123457
    assert round_significant(123456.789) == 123457
    assert round_significant(math.nan) is None
    assert round_significant(math.inf) is None
