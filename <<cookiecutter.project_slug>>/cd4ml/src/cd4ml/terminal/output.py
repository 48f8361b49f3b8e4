"""Print lines of progress, and align tables."""

from collections.abc import Sequence


def report(line: str) -> None:
    """Print one line of progress at once, even if the output goes to a file or a pipe."""
    print(f"  {line}", flush=True)


def align(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows as lines of aligned columns; a column is aligned to the right if all but its header are numbers."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    numeric = [all(_is_number(row[i]) for row in rows[1:]) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells))
    return "\n".join(line.rstrip() for line in lines)


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("-", "").isdigit() or not text
