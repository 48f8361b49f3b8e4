"""Print the findings on a terminal: the worst first, wrapped, and the next command."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cd4ml.monitoring.verdict import one_line, verdict

_NARROWEST = 60


def terminal_table(document: Mapping[str, Any], report: Path, width: int) -> str:
    """Return the verdict, a table of the findings with what to do about them, and where the report is.

    Args:
        document: the content of monitoring.json.
        report: the file to open.
        width: of the terminal, in characters.
    """
    model, findings = document["model"], document["findings"]
    checks = max(len(finding["check"]) for finding in findings)
    indent = " " * (2 + 10 + 2 + checks + 2)
    lines = [
        *_wrapped(f"{model['name']} {model['version']}, {document['day']}. {verdict(document)}", "", "", width),
        "",
    ]
    for finding in findings:
        first = f"  {finding['level']:<10}  {finding['check']:<{checks}}  "
        lines += _wrapped(finding["sentence"], first, indent, width)
        if finding["level"] in ("page", "warn") and finding["advice"]:
            lines += _wrapped(finding["advice"], f"{indent}-> ", f"{indent}   ", width)
    return "\n".join([*lines, "", f"next: open {report}"])


def _wrapped(text: str, first: str, later: str, width: int) -> list[str]:
    width = max(width, _NARROWEST)
    return textwrap.wrap(one_line(text), width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)
