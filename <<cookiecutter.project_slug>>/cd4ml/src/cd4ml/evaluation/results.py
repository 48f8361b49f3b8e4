"""The numbers of reports/metrics.json: the model's, how sure they are, and the trivial model's."""

import math
from typing import Any

from cd4ml.evaluation.baseline import baseline_metrics
from cd4ml.evaluation.intervals import interval, resampled
from cd4ml.evaluation.metrics import measured, scorer
from cd4ml.evaluation.predictions import Predictions

_DIGITS = 6  # where other machines begin to differ


def significant(value: float) -> float | None:
    """Return a number to six significant digits; None for NaN and infinities, which JSON has not."""
    return float(f"{value:.{_DIGITS - 1}e}") if math.isfinite(value) else None


def bounds(found: tuple[float, float] | None) -> dict[str, float | None] | None:
    """Return an interval as `{"low": .., "high": ..}`: named, so that `dvc metrics diff` shows both."""
    return None if found is None else {"low": significant(found[0]), "high": significant(found[1])}


def results(judged: Predictions, target: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Return `rows`, every metric by name, and the same names under `intervals` and `baseline`.

    Args:
        judged: the rows held out, beside the bundle's scores.
        target: how the training rows' target was distributed, as `reference.json` has it.
        rounds: of the bootstrap.
    """
    (replicates,) = resampled([scorer(judged)], judged.rows, rounds)
    return {
        "rows": judged.rows,
        **{name: significant(value) for name, value in measured(judged).items()},
        "intervals": {name: bounds(interval(values)) for name, values in replicates.items()},
        "baseline": {name: significant(value) for name, value in baseline_metrics(judged, target).items()},
    }
