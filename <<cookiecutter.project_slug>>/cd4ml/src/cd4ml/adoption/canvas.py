"""The canvas, `docs/canvas.md`: why the model exists. `adopt` puts an empty form in place of the example's."""

from pathlib import Path

from cd4ml.files.atomic import write_text
from cd4ml.terminal.output import report

CANVAS = Path("docs/canvas.md")
EXAMPLE = "This canvas is the example's."
"""A sentence of the page as it is generated."""
_FORM = Path(__file__).with_name("canvas_form.md")


def empty_canvas() -> None:
    """Write the empty form, if the canvas is the example's; keep one that a person wrote, or removed."""
    if CANVAS.exists() and EXAMPLE in CANVAS.read_text(encoding="utf-8"):
        write_text(CANVAS, _FORM.read_text(encoding="utf-8"))
        report(f"{CANVAS} is an empty form now: write down what the model is for")
