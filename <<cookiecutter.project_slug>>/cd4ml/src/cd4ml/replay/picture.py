"""Draw the replay: the main metric of each policy by month, what monitoring said, and what was decided."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

from cd4ml.evaluation.formatting import format_number
from cd4ml.evaluation.pictures import BLUE, GREY, ORANGE
from cd4ml.replay.live_year import Step
from cd4ml.replay.months import name_of

_GREEN = "#009E73"
_LINES = {
    "best": ("the best in hindsight", GREY, ":"),
    "always": ("always the newest", _GREEN, "--"),
    "frozen": ("the first model", ORANGE, "-."),
    "live": ("live: what the gate passed", BLUE, "-"),
}
_LEVELS = {"page": "#D55E00", "warn": "#E69F00", "not judged": "#d0d0d0", "fine": _GREEN}
_STYLE: Any = {"svg.hashsalt": "replay", "svg.fonttype": "none", "text.parse_math": False, "font.size": 9}


def draw(steps: Sequence[Step], result: dict[str, Any], title: str) -> str:
    """Return the picture as SVG, the same bytes for the same replay."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph")
        figure = Figure(figsize=(8.4, 4.6), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1])
        _draw_metric(upper, steps, result, title)
        _draw_events(lower, steps)
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _draw_metric(axes: Any, steps: Sequence[Step], result: dict[str, Any], title: str) -> None:
    metric = result["metrics"][0]
    places = {name_of(step.month): place for place, step in enumerate(steps)}
    for policy, (label, colour, line) in _LINES.items():
        points = [(places[month["month"]], month["values"][policy][metric["name"]]) for month in result["months"]]
        mean = result["means"][policy][metric["name"]]
        x, y = zip(*points, strict=True)
        axes.plot(x, y, line, color=colour, marker="o", markersize=3.5, label=f"{label} (mean {format_number(mean)})")
    axes.set(title=title, ylabel=f"{metric['label']} ({metric['better']} is better)")
    axes.grid(color="#e4e4e4")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)


def _draw_events(axes: Any, steps: Sequence[Step]) -> None:
    for place, step in enumerate(steps):
        axes.scatter([place], [1], marker="s", s=70, color=_LEVELS[step.level])
        axes.text(place, 0.68, step.level, ha="center", va="top", fontsize=7)
        if step.decision is not None:
            word = "promoted" if step.decision.promoted else "refused"
            axes.scatter([place + 0.5], [0], marker="^" if step.decision.promoted else "x", s=45, color=BLUE)
            axes.text(place + 0.5, -0.32, word, ha="center", va="top", fontsize=7)
    axes.set(ylim=(-1, 1.5), yticks=[0, 1], yticklabels=["retraining", "monitoring"])
    axes.set_xticks(range(len(steps)), [name_of(step.month) for step in steps])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
