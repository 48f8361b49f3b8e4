"""What a stage says while it works: to the terminal, at once."""

from collections.abc import Sequence


def report(line: str) -> None:
    """Print one line of progress."""
    print(f"  {line}", flush=True)


def align(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of text as aligned columns, for a terminal; a column of numbers is set to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    numeric = [all(_is_number(row[i]) for row in rows[1:]) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells))
    return "\n".join(line.rstrip() for line in lines)


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("-", "").isdigit() or not text
