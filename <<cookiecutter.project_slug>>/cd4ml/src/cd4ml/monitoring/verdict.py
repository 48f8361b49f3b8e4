"""Say in one sentence what the findings mean together: the first line of every report."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from cd4ml.monitoring.newest import finding_of, findings_at

WORDS = {"page": "act now", "warn": "look", "not judged": "not judged", "fine": "fine"}
"""What each level asks for."""
_HEADLINES = {
    "source": "the source cannot be read",
    "schema": "new rows of the source break the contract",
    "records": "the prediction log has records that cannot be used",
    "nulls": "{columns} lack{s} values",
    "categories": "{columns} {has} unknown categories",
    "range": "{columns} {is} out of range",
    "dates": "dates are in the future",
    "volume": "the number of predictions changed",
    "log": "the prediction log is old",
    "data": "the outcomes are old",
    "model": "the model is old",
    "loss": "the model got worse",
    "predictions": "the predictions moved",
}
_MOST_NAMES, _LONGEST = 3, 40  # names in a headline, and characters of each
_HIDDEN = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # they would reverse the text around them


def verdict(document: Mapping[str, Any]) -> str:
    """Return what is to be done, and why, in one sentence."""
    page, warn = findings_at(document, "page"), findings_at(document, "warn")
    if page:
        return f"Act now: {_joined(_headlines(page))}."
    if warn:
        return f"Nothing has to be done now; look when you have time: {_joined(_headlines(warn))}."
    if finding_of(document, "loss")["level"] == "fine":
        return "Nothing has to be done: no check is past its limit."
    return "Nothing has to be done as far as could be judged; how good the answers were is not known."


def headline(finding: Mapping[str, Any]) -> str:
    """Return what a finding that pages or warns is about, in a few words."""
    return _headlines([finding])[0]


def _headlines(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    columns: dict[str, list[str]] = {}
    for finding in findings:
        columns.setdefault(finding["check"], []).append(_shortened(one_line(finding["column"])))
    return [_headline(check, names) for check, names in columns.items()]


def _headline(check: str, names: list[str]) -> str:
    shown = [*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else names
    one = len(names) == 1
    words = {"s": "s" if one else "", "has": "has" if one else "have", "is": "is" if one else "are"}
    return _HEADLINES[check].format(columns=_joined(shown), **words)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _joined(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def one_line(text: str) -> str:
    """Return a text of unknown content on one line, without characters that control a terminal or a direction."""
    return " ".join(
        "".join(" " if unicodedata.category(each) == "Cc" else each for each in _HIDDEN.sub("", text)).split()
    )
