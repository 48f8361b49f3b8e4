"""Draw a picture with matplotlib as SVG to put into a page: its colours follow the page's, in light and in dark.

A figure is drawn in pixels: an inch is 72 of them, so that text has the size of the page's, whatever the picture's.
"""

import html
import io
import logging
import re
import warnings
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from cd4ml.evaluation.pictures import BLUE, GREY, ORANGE

TEXT, GRID, PALE, PAPER = "#111111", "#e4e4e4", "#c3c8ce", "#fdfdfd"
_VARIABLES = {
    BLUE: "--blue",
    ORANGE: "--orange",
    GREY: "--soft",
    TEXT: "--text",
    GRID: "--thin",
    PALE: "--pale",
    PAPER: "--back",
}
_STYLE: Any = {
    "svg.hashsalt": "monitoring",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "text.color": TEXT,
    "axes.labelcolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


def inline_svg(draw: Callable[[Any], None], size: tuple[int, int], label: str, number: int, name: str = "") -> Markup:
    """Return a picture as an element of a page.

    Args:
        draw: draws it into the axes that it is given.
        size: width and height, in pixels.
        label: what a screen reader says in place of it.
        number: of the picture in the page: ids in it begin with that.
        name: of a class for the page's style.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Glyph")
        figure = Figure(
            figsize=(size[0] / 72, size[1] / 72), layout=ConstrainedLayoutEngine(w_pad=2 / 72, h_pad=2 / 72)
        )
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Markup(_as_element(text.getvalue(), label, number, name))  # noqa: S704 - matplotlib escapes its texts


def _as_element(svg: str, label: str, number: int, name: str) -> str:
    """Return the element in matplotlib's file, without what a page does not need."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    (box,) = re.findall(r'viewBox="([^"]*)"', svg)
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", lambda tag: _rewritten(tag[0], number), body)  # a < or > in a text is escaped
    body = re.sub(r"\s*\n\s*", "\n", body)
    return (
        f'<svg class="{name}" role="img" aria-label="{html.escape(label)}" viewBox="{box}" '
        f'style="max-width:{1.3 * float(box.split()[2]):.0f}px">{body}'
    )


def _rewritten(tag: str, number: int) -> str:
    """Return a tag with the page's colours and font, and with an id that no other picture has."""
    tag = re.sub(r'<g id="[^"]*"', "<g", tag)
    tag = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>p{number}-", tag)
    tag = re.sub(r"font-family:[^;]*; ?", "", tag)
    tag = re.sub(r"font: (\S+)[^;]*", r"font-size: \1", tag)
    tag = re.sub(r"(\.\d)\d+", r"\1", tag)  # a tenth of a pixel is enough
    for color, variable in _VARIABLES.items():
        tag = tag.replace(color.lower(), f"var({variable})")
    return tag.replace("\n", " ")
