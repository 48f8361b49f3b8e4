"""Write Markdown tables, and escape text of unknown content so that Markdown shows it as it is."""

import re
from collections.abc import Sequence

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#$&])")


def escape(text: object) -> str:
    """Return text for a line or a table's cell: on one line, with nothing that Markdown or HTML would interpret."""
    return _SPECIAL.sub(r"\\\1", _one_line(text))


def quiet(text: object) -> str:
    """Return escaped text in which GitHub finds nobody to notify either."""
    return escape(text).replace("@", "@<!-- -->")


def code_span(text: object) -> str:
    """Return text as a code span; escaped text if it contains a |, which a code span in a table cannot contain."""
    line = _one_line(text)
    if "|" in line:
        return escape(line)
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return fence + space + line + space + fence


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return a table whose cells are Markdown already; the columns with the numbers in `right` are aligned right."""
    rule = ["---:" if column in right else "---" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def _one_line(text: object) -> str:
    return " ".join(_CONTROL.sub(" ", str(text)).split())
