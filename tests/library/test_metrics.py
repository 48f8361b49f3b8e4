"""Metrics are those of scikit-learn, for any weights; intervals are the bootstrap's."""

import math

import numpy as np
import pytest
from cd4ml.bundle.decision import Decision
from cd4ml.evaluation import intervals
from cd4ml.evaluation.baseline import baseline_metrics
from cd4ml.evaluation.intervals import interval, resampled
from cd4ml.evaluation.metrics import METRICS, main_metric, main_scorer, measured, scorer
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import results, significant
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve
from sklearn.preprocessing import label_binarize

CLASSES = ["low", "middle", "high"]


def some(problem: str, seed: int = 0, rows: int = 300, digits: int = 6) -> Predictions:
    """Return rows whose scores tell something of the target; with few digits, many scores are tied."""
    rng = np.random.default_rng(seed)
    if problem == "binary":
        scores = rng.random(rows).round(digits)
        return Predictions("binary", [False, True], (rng.random(rows) < scores).astype(np.int64), scores, 0.4)
    if problem == "regression":
        target = rng.normal(1000, 10, rows)
        return Predictions("regression", [], target, (target + rng.standard_t(3, rows)).round(digits), None)
    scores = rng.dirichlet([1, 1, 1], rows).round(digits)
    scores /= scores.sum(axis=1, keepdims=True)
    target = (scores.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(max=2)
    return Predictions("multiclass", CLASSES, target, scores, None)


def weighted(judged: Predictions, weights: np.ndarray) -> dict[str, float]:
    return {name: float(values[0]) for name, values in scorer(judged)(weights[None, :]).items()}


def weights_of(kind: str, rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = {"ones": np.ones(rows), "any": rng.random(rows), "counts": rng.multinomial(rows, np.full(rows, 1 / rows))}
    return drawn[kind].astype(np.float64)


cases = pytest.mark.parametrize(
    ("seed", "digits", "kind"), [(1, 6, "ones"), (2, 6, "any"), (3, 1, "any"), (4, 1, "counts"), (5, 0, "counts")]
)


@cases
def test_binary_metrics_are_those_of_scikit_learn(seed: int, digits: int, kind: str) -> None:
    judged = some("binary", seed, digits=digits)
    weights = weights_of(kind, judged.rows, seed)
    y, p, said, w = judged.target, judged.scores, judged.scores >= 0.4, {"sample_weight": weights}

    assert weighted(judged, weights) == pytest.approx(
        {
            "roc_auc": sklearn.roc_auc_score(y, p, **w),
            "average_precision": sklearn.average_precision_score(y, p, **w),
            "log_loss": sklearn.log_loss(y, p, **w),
            "brier": sklearn.brier_score_loss(y, p, **w),
            "calibration_error": expected_calibration_error(p, y, weights),
            "accuracy": sklearn.accuracy_score(y, said, **w),
            "balanced_accuracy": sklearn.balanced_accuracy_score(y, said, **w),
            "precision": sklearn.precision_score(y, said, **w),
            "recall": sklearn.recall_score(y, said, **w),
        },
        rel=1e-9,
    )


def expected_calibration_error(p: np.ndarray, happened: np.ndarray, weights: np.ndarray) -> float:
    """The definition, bin by bin."""
    edges = np.quantile(p, np.linspace(0, 1, 11)[1:-1])
    place = np.array([sum(edge < one for edge in np.unique(edges)) for one in p])
    error = 0.0
    for one in set(place):
        inside = weights * (place == one)
        if inside.sum():
            error += abs(inside @ p - inside @ happened) / weights.sum()
    return error


def test_calibration_error_is_the_distance_of_scikit_learns_calibration_curve() -> None:
    judged = some("binary", seed=7)

    true, said = calibration_curve(judged.target, judged.scores, n_bins=10, strategy="quantile")

    assert measured(judged)["calibration_error"] == pytest.approx(np.abs(true - said).mean())


@cases
def test_multiclass_metrics_are_those_of_scikit_learn(seed: int, digits: int, kind: str) -> None:
    judged = some("multiclass", seed, digits=max(digits, 1))
    weights = weights_of(kind, judged.rows, seed)
    y, p, said, w = judged.target, judged.scores, judged.scores.argmax(axis=1), {"sample_weight": weights}

    assert weighted(judged, weights) == pytest.approx(
        {
            "accuracy": sklearn.accuracy_score(y, said, **w),
            "balanced_accuracy": sklearn.balanced_accuracy_score(y, said, **w),
            "roc_auc": np.mean([sklearn.roc_auc_score(y == k, p[:, k], **w) for k in range(3)]),
            "average_precision": sklearn.average_precision_score(label_binarize(y, classes=[0, 1, 2]), p, **w),
            "log_loss": sklearn.log_loss(y, p, **w),
            "brier": np.average(((p - np.eye(3)[y]) ** 2).sum(axis=1), weights=weights),
            "calibration_error": expected_calibration_error(p.max(axis=1), said == y, weights),
        },
        rel=1e-9,
    )


@cases
def test_regression_metrics_are_those_of_scikit_learn(seed: int, digits: int, kind: str) -> None:
    judged = some("regression", seed, digits=digits)
    weights = weights_of(kind, judged.rows, seed)
    y, said, w = judged.target, judged.scores, {"sample_weight": weights}
    sizes = np.quantile(np.abs(said - y), [0.5, 0.9, 0.99], weights=weights, method="inverted_cdf")

    assert weighted(judged, weights) == pytest.approx(
        {
            "mae": sklearn.mean_absolute_error(y, said, **w),
            "rmse": sklearn.root_mean_squared_error(y, said, **w),
            "r2": sklearn.r2_score(y, said, **w),
            **dict(zip(("error_p50", "error_p90", "error_p99"), sizes, strict=True)),
            "bias": np.average(said - y, weights=weights),
        },
        rel=1e-9,
    )


@pytest.mark.parametrize("problem", METRICS)
def test_every_metric_is_measured_and_the_main_one_alone_is_the_same(problem: str) -> None:
    judged, weights = some(problem), np.vstack([weights_of("counts", 300, seed) for seed in range(3)])

    together = scorer(judged)(weights)

    assert list(together) == [metric.name for metric in METRICS[judged.task]]
    name = main_metric(judged.task).name
    assert main_scorer(judged)(weights)[name] == pytest.approx(together[name])


@pytest.mark.parametrize("happened", [0, 1])
def test_metrics_that_one_outcome_alone_does_not_define_are_null(happened: int) -> None:
    judged = some("binary").only(some("binary").target == happened)

    told = results(judged, {"shares": {"0": 0.5, "1": 0.5}}, rounds=100)

    assert told["roc_auc"] is None
    assert told["intervals"]["roc_auc"] is None
    assert told["balanced_accuracy"] is None
    assert told["log_loss"] > 0
    assert (told["average_precision"] is None) == (happened == 0)


def test_a_class_without_a_row_is_left_out_of_the_mean() -> None:
    judged = some("multiclass")
    two = judged.only(judged.target != 2)

    areas = [sklearn.roc_auc_score(two.target == k, two.scores[:, k]) for k in (0, 1)]
    assert measured(two)["roc_auc"] == pytest.approx(np.mean(areas))
    assert math.isnan(measured(judged.only(judged.target == 2))["roc_auc"])


def test_a_class_the_model_never_saw_counts_against_it() -> None:
    decision = Decision("multiclass", ["a", "b"], None)
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])

    judged = Predictions.of(np.array(["a", "b", "new"], dtype=object), scores, decision)

    assert judged.classes == ["a", "b", "new"]
    assert measured(judged)["accuracy"] == pytest.approx(2 / 3)
    assert measured(judged)["log_loss"] == pytest.approx(-(np.log(0.9) + np.log(0.8) + np.log(np.finfo(float).eps)) / 3)


def test_a_confident_mistake_is_punished_and_finite() -> None:
    assert 30 < measured(Predictions("binary", [False, True], np.array([0]), np.array([1.0]), 0.5))["log_loss"] < 40


def test_r2_of_a_target_that_is_one_number_is_undefined() -> None:
    assert math.isnan(measured(Predictions("regression", [], np.full(5, 0.1), np.arange(5.0), None))["r2"])
    values = np.random.default_rng(0).random(50)
    one_value_a_resample = 3 * np.eye(50)
    judged = Predictions("regression", [], values, np.arange(50.0), None)
    assert np.isnan(scorer(judged)(one_value_a_resample)["r2"]).all()


def test_a_resample_is_the_same_for_two_models_and_in_every_run() -> None:
    judged = some("binary")
    first, again = resampled([scorer(judged), scorer(judged)], judged.rows, 200)

    (later,) = resampled([scorer(judged)], judged.rows, 200)

    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert all(np.array_equal(first[name], later[name]) for name in first)


def test_intervals_do_not_depend_on_how_much_is_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = some("regression")
    (whole,) = resampled([scorer(judged)], judged.rows, 100)

    monkeypatch.setattr(intervals, "_CELLS", 7 * judged.rows)

    (parts,) = resampled([scorer(judged)], judged.rows, 100)
    assert all(whole[name] == pytest.approx(parts[name], rel=1e-12) for name in whole)


def test_the_interval_of_a_mean_is_two_standard_errors_to_either_side() -> None:
    judged = some("regression", rows=2000)
    error = judged.scores - judged.target

    (replicates,) = resampled([scorer(judged)], judged.rows, 2000)

    low, high = interval(replicates["bias"]) or (0, 0)
    assert (low + high) / 2 == pytest.approx(error.mean(), abs=0.01)
    assert high - low == pytest.approx(2 * 1.96 * error.std() / np.sqrt(2000), rel=0.1)


def test_a_metric_that_most_resamples_do_not_define_has_no_interval() -> None:
    assert interval(np.array([1.0, np.nan, np.nan])) is None
    assert interval(np.array([1.0, 1.0, np.nan])) == (1.0, 1.0)


def test_the_baseline_knows_the_shares_and_says_the_commonest() -> None:
    judged = some("binary")
    told = baseline_metrics(judged, {"shares": {"0": 0.8, "1": 0.2}})

    assert told["roc_auc"] == 0.5
    assert told["accuracy"] == pytest.approx(1 - judged.target.mean())
    assert told["log_loss"] == pytest.approx(sklearn.log_loss(judged.target, np.full(judged.rows, 0.2)))

    several = baseline_metrics(some("multiclass"), {"shares": {"high": 0.6, "low": 0.3, "middle": 0.1}})
    assert several["accuracy"] == pytest.approx((some("multiclass").target == 2).mean())


def test_the_baseline_of_a_number_is_the_median_for_absolute_and_the_mean_for_squared_errors() -> None:
    judged = some("regression")

    told = baseline_metrics(judged, {"mean": 1003.0, "median": 1001.0})

    assert told["mae"] == pytest.approx(np.abs(judged.target - 1001).mean())
    assert told["rmse"] == pytest.approx(np.sqrt(((judged.target - 1003) ** 2).mean()))
    assert told["bias"] == pytest.approx((1003 - judged.target).mean())


def test_numbers_carry_six_digits() -> None:
    assert significant(0.123456789) == 0.123457
    assert significant(123456.789) == 123457
    assert significant(math.nan) is None
    assert significant(math.inf) is None
