"""The card's pictures: small SVG files, the same bytes for the same points."""

import io
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from cd4ml.contract.contract import Target
from cd4ml.evaluation.curves import Curve, curves, error_quantiles
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.slices import confusion

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#767676"  # told apart by the colour-blind too (Okabe & Ito)
_MOST_CLASSES = 12
_STYLE: Any = {
    "svg.hashsalt": "model-card",  # names inside the file would be random else
    "svg.fonttype": "none",  # text stays text: smaller, and any script shows that the reader has a font for
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


def pictures(judged: Predictions, guess: float, target: Target) -> dict[str, tuple[str, str]]:
    """Return `(SVG text, what it shows)` by name, in the order to look at them.

    Args:
        judged: the rows held out, beside the bundle's scores.
        guess: what the trivial model always answers: the positive class's share, or the median; unused for classes.
        target: the contract's, for names and units.
    """
    points = curves(judged)
    found: dict[str, tuple[str, str]] = {}
    if "roc" in points:
        found["roc"] = _svg(lambda axes: _roc(axes, points["roc"])), "ROC curve"
        drawn = _svg(lambda axes: _precision_recall(axes, points["precision-recall"], judged))
        found["precision-recall"] = drawn, "Precision by recall"
    if judged.task == "multiclass" and len(judged.classes) <= _MOST_CLASSES:
        found["confusion"] = _svg(lambda axes: _confusion(axes, judged)), "Answers by actual class"
    if judged.task != "regression":
        found["calibration"] = _svg(lambda axes: _calibration(axes, points["calibration"], judged)), "Calibration"
        return found
    constant = error_quantiles(judged.answered_by(np.full(judged.rows, guess)))
    found["actual-by-predicted"] = (
        _svg(lambda axes: _actual(axes, points["actual-by-predicted"], target)), "Actual by predicted",
    )  # fmt: skip
    found["error-quantiles"] = (
        _svg(lambda axes: _errors(axes, points["error-quantiles"], constant, target)), "Error by share of rows",
    )  # fmt: skip
    return found


def _svg(draw: Callable[[Any], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph")  # the measuring font lacks it; the reader's may not
        figure = Figure(figsize=(4.2, 3.4), layout="constrained")
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _roc(axes: Any, curve: Curve) -> None:
    axes.plot(curve.x, curve.y, color=BLUE, label="model")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="guessing")
    axes.set(title="ROC curve", xlabel="false positive rate", ylabel="true positive rate")
    axes.legend(loc="lower right")


def _precision_recall(axes: Any, curve: Curve, judged: Predictions) -> None:
    axes.plot(curve.x, curve.y, color=BLUE, label="model")
    share = float(judged.target.mean())
    axes.axhline(share, color=GREY, linestyle="--", label="guessing")
    axes.set(title="Precision by recall", xlabel="recall", ylabel="precision", ylim=(0, 1.03))
    axes.legend(loc="upper right")


def _calibration(axes: Any, curve: Curve, judged: Predictions) -> None:
    top = float(max(curve.x.max(), curve.y.max())) * 1.08
    least = 0.0 if judged.task == "binary" else float(min(curve.x.min(), curve.y.min())) * 0.92
    axes.plot([least, top], [least, top], color=GREY, linestyle="--", label="ideal")
    axes.plot(
        curve.x,
        curve.y,
        color=BLUE,
        marker="o",
        markersize=4,
        label=f"model, about {curve.more['rows'].mean():,.0f} rows a point",
    )
    came_true = "share that came true" if judged.task == "binary" else "share of right answers"
    said = "probability" if judged.task == "binary" else "probability of the answer"
    axes.set(title="Calibration", xlabel=said, ylabel=came_true, xlim=(least, top), ylim=(least, top))
    axes.legend(loc="upper left")


def _confusion(axes: Any, judged: Predictions) -> None:
    names = [_short(str(label)) for label in judged.classes]
    counts = np.array([list(row.values()) for row in confusion(judged).values()])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (actual, answered), count in np.ndenumerate(counts):
        ink = "white" if shares[actual, answered] > 0.5 else "black"
        axes.text(answered, actual, f"{count:,}", ha="center", va="center", color=ink, fontsize=8)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    axes.set(title="Answers by actual class", xlabel="answered", ylabel="actual")


def _actual(axes: Any, curve: Curve, target: Target) -> None:
    axes.fill_between(curve.x, curve.more["low"], curve.more["high"], color=BLUE, alpha=0.15, label="80 % of rows")
    axes.plot(curve.x, curve.y, color=BLUE, marker="o", markersize=4, label="mean outcome")
    ends = [curve.x.min(), curve.x.max()]
    axes.plot(ends, ends, color=GREY, linestyle="--", label="ideal")
    axes.set(title="Actual by predicted", xlabel=f"predicted {_named(target)}", ylabel=f"actual {_named(target)}")
    axes.legend(loc="upper left")


def _errors(axes: Any, curve: Curve, constant: Curve, target: Target) -> None:
    shown = slice(0, 100)  # the largest error of all would flatten the rest
    axes.plot(curve.x[shown], curve.y[shown], color=BLUE, label="model")
    axes.plot(constant.x[shown], constant.y[shown], color=ORANGE, linestyle="--", label="always the median")
    unit = f" ({_short(target.unit)})" if target.unit else ""
    axes.set(title="Error by share of rows", xlabel="share of rows", ylabel=f"error at most{unit}", ylim=(0, None))
    axes.legend(loc="upper left")


def _named(target: Target) -> str:
    return _short(target.name) + (f" ({_short(target.unit)})" if target.unit else "")


def _short(text: str) -> str:
    """Return a name that fits an axis, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 24 else line[:23] + "…"
