"""Text that others wrote, as Markdown that means just that text."""

import re
from collections.abc import Sequence

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ACTIVE = re.compile(r"([\\`*_\[\]<>|~#$&])")


def plain(text: object) -> str:
    """Return free text for a line or a table's cell: on one line, nothing in it read as Markdown or HTML."""
    return _ACTIVE.sub(r"\\\1", _one_line(text))


def code(text: object) -> str:
    """Return a name as code; as plain text where it holds a |, which code in a table's cell cannot."""
    line = _one_line(text)
    if "|" in line:
        return plain(line)
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return fence + space + line + space + fence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return a table of cells that are Markdown already; the columns in `right` are set to the right."""
    rule = ["---:" if column in right else "---" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def _one_line(text: object) -> str:
    return " ".join(_CONTROL.sub(" ", str(text)).split())
