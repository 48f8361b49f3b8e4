"""Draw what a command printed as an SVG that looks like a terminal, without a font or a script from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

WIDTH, LINE, SIZE, MARGIN, BAR = 8.4, 19, 14, 20, 34  # of a character, of a line, of the font, around, above; pixels
INK, DIM, ACCENT, GOOD, PAPER = "#d6deeb", "#7f8c9d", "#82aaff", "#addb67", "#10161d"
HARD_SPACE = "\u00a0"
"""Some programs draw several plain ones as one."""
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

# What uv, DVC and the stages print between the lines that tell something.
_NOISE = re.compile(
    r" \+ |Updating lock|Generating lock|> cd4ml|Using |Creating |Resolved | *Building| *Built|Prepared|Running stage"
    r"|  (checking that|choosing the|exporting to|fitting |run  |model  |published|all results|publishing)"
    r"|  (reason|task|until|release|digest|runtime|made of|model|version|lineage|look at|change a|your own|a proj)\b"
    r"|next: make serve"
    r"|  [\d,]+ flights of|  roc_auc {20}|  (brier|accuracy|balanced|average_pr|precision|recall|log_loss|calibration)"
)


def shortened(text: str) -> list[str]:
    """Return the lines of a demo's output that tell something, with a blank line before each step."""
    kept: list[str] = []
    for line in text.splitlines():
        if line.strip() and not _NOISE.match(line):
            kept += [""] * (line.startswith("[") and bool(kept)) + [line.rstrip()]
    return kept


def draw(command: str, lines: Iterable[str], title: str) -> str:
    """Return the SVG of a terminal in which `command` printed `lines`; `title` is for those who cannot see it."""
    rows = [(f"$ {command}", ACCENT), *((line, _colour(line)) for line in lines)]
    columns = max(len(text) for text, _ in rows)
    width, height = round(columns * WIDTH) + 2 * MARGIN, len(rows) * LINE + BAR + MARGIN
    texts = "\n".join(
        f'<text x="{MARGIN}" y="{BAR + (number + 1) * LINE - 5}" fill="{colour}"'
        f' textLength="{len(row) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(row).replace(' ', HARD_SPACE)}</text>"
        for number, (row, colour) in enumerate(rows)
        if row
    )
    dots = "".join(
        f'<circle cx="{MARGIN + 18 * number}" cy="17" r="5.5" fill="{colour}"/>'
        for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{escape(title)}" font-family="{FONT}" font-size="{SIZE}">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>\n{dots}\n{texts}\n</svg>\n'
    )


def _colour(line: str) -> str:
    if line.startswith("["):
        return ACCENT
    if "Significantly better" in line or "proved equal" in line or "the same labels" in line:
        return GOOD
    return DIM if line.startswith("next:") or "left out" in line else INK
