"""Draw the model card's pictures: small SVG files, the same bytes for the same points."""

import io
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from cd4ml.contract.contract import Target
from cd4ml.evaluation.curves import Curve, compute_curves, error_quantile_curve
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.slices import confusion_matrix

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#767676"  # also distinct for the colour-blind (Okabe & Ito)
_MAX_CLASSES = 12
_MAX_NAME_LENGTH = 24
_STYLE: Any = {
    "svg.hashsalt": "model-card",  # without it, ids in the file are random
    "svg.fonttype": "none",  # text stays text: a smaller file, in whatever script the reader has a font for
    "text.parse_math": False,  # a $ in a name is a $
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
}


def draw_pictures(predictions: Predictions, baseline: float, target: Target) -> dict[str, tuple[str, str]]:
    """Return `(SVG text, title)` by file name without suffix, in the order of the card.

    Args:
        predictions: the test set, with the bundle's scores.
        baseline: what the baseline predicts for every row: the positive class's share, or the median; unused for
            several classes.
        target: of the contract, for names and units.
    """
    curves = compute_curves(predictions)
    pictures: dict[str, tuple[str, str]] = {}
    if "roc" in curves:
        pictures["roc"] = _to_svg(lambda axes: _draw_roc(axes, curves["roc"])), "ROC curve"
        svg = _to_svg(lambda axes: _draw_precision_recall(axes, curves["precision-recall"], predictions))
        pictures["precision-recall"] = svg, "Precision-recall curve"
    if predictions.task == "multiclass" and len(predictions.classes) <= _MAX_CLASSES:
        pictures["confusion"] = _to_svg(lambda axes: _draw_confusion_matrix(axes, predictions)), "Confusion matrix"
    if predictions.task != "regression":
        svg = _to_svg(lambda axes: _draw_calibration(axes, curves["calibration"], predictions))
        pictures["calibration"] = svg, "Calibration"
        return pictures
    svg = _to_svg(lambda axes: _draw_actual_by_predicted(axes, curves["actual-by-predicted"], target))
    pictures["actual-by-predicted"] = svg, "Actual by predicted value"
    baseline_errors = error_quantile_curve(predictions.with_scores(np.full(predictions.rows, baseline)))
    svg = _to_svg(lambda axes: _draw_error_quantiles(axes, curves["error-quantiles"], baseline_errors, target))
    pictures["error-quantiles"] = svg, "Error quantiles"
    return pictures


def _to_svg(draw: Callable[[Any], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph")  # missing in the font for measuring, not the reader's
        figure = Figure(figsize=(4.2, 3.4), layout="constrained")
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _draw_roc(axes: Any, curve: Curve) -> None:
    axes.plot(curve.x, curve.y, color=BLUE, label="model")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="chance")
    axes.set(title="ROC curve", xlabel="false positive rate", ylabel="true positive rate")
    axes.legend(loc="lower right")


def _draw_precision_recall(axes: Any, curve: Curve, predictions: Predictions) -> None:
    axes.plot(curve.x, curve.y, color=BLUE, label="model")
    axes.axhline(float(predictions.target.mean()), color=GREY, linestyle="--", label="chance")
    axes.set(title="Precision-recall curve", xlabel="recall", ylabel="precision", ylim=(0, 1.03))
    axes.legend(loc="upper right")


def _draw_calibration(axes: Any, curve: Curve, predictions: Predictions) -> None:
    binary = predictions.task == "binary"
    upper = float(max(curve.x.max(), curve.y.max())) * 1.08
    lower = 0.0 if binary else float(min(curve.x.min(), curve.y.min())) * 0.92
    axes.plot([lower, upper], [lower, upper], color=GREY, linestyle="--", label="ideal")
    rows_per_bin = f"{curve.more['rows'].mean():,.0f}"
    axes.plot(curve.x, curve.y, color=BLUE, marker="o", markersize=4, label=f"model, {rows_per_bin} rows per point")
    xlabel = "predicted probability" if binary else "probability of the predicted class"
    ylabel = "observed share" if binary else "share of correct predictions"
    axes.set(title="Calibration", xlabel=xlabel, ylabel=ylabel, xlim=(lower, upper), ylim=(lower, upper))
    axes.legend(loc="upper left")


def _draw_confusion_matrix(axes: Any, predictions: Predictions) -> None:
    names = [_shortened(str(label)) for label in predictions.classes]
    counts = np.array([list(row.values()) for row in confusion_matrix(predictions).values()])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (actual, predicted), count in np.ndenumerate(counts):
        color = "white" if shares[actual, predicted] > 0.5 else "black"
        axes.text(predicted, actual, f"{count:,}", ha="center", va="center", color=color, fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    axes.set(title="Confusion matrix", xlabel="predicted class", ylabel="actual class")


def _draw_actual_by_predicted(axes: Any, curve: Curve, target: Target) -> None:
    axes.fill_between(curve.x, curve.more["low"], curve.more["high"], color=BLUE, alpha=0.15, label="80 % of rows")
    axes.plot(curve.x, curve.y, color=BLUE, marker="o", markersize=4, label="mean outcome")
    ends = [curve.x.min(), curve.x.max()]
    axes.plot(ends, ends, color=GREY, linestyle="--", label="ideal")
    name = _name_with_unit(target)
    axes.set(title="Actual by predicted value", xlabel=f"predicted {name}", ylabel=f"actual {name}")
    axes.legend(loc="upper left")


def _draw_error_quantiles(axes: Any, curve: Curve, baseline: Curve, target: Target) -> None:
    drawn = slice(0, 100)  # without the largest error, which would flatten the rest
    axes.plot(curve.x[drawn], curve.y[drawn], color=BLUE, label="model")
    axes.plot(baseline.x[drawn], baseline.y[drawn], color=ORANGE, linestyle="--", label="baseline (median)")
    unit = f" ({_shortened(target.unit)})" if target.unit else ""
    axes.set(title="Error quantiles", xlabel="share of rows", ylabel=f"absolute error at most{unit}", ylim=(0, None))
    axes.legend(loc="upper left")


def _name_with_unit(target: Target) -> str:
    return _shortened(target.name) + (f" ({_shortened(target.unit)})" if target.unit else "")


def _shortened(text: str) -> str:
    """Return a name on one line, short enough for an axis."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_NAME_LENGTH else line[: _MAX_NAME_LENGTH - 1] + "…"
