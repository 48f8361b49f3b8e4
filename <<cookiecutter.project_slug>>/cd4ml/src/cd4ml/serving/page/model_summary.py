"""What the page says of the model: from the bundle, and from the reports beside it, if they are of this bundle."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.page.html_text import escape, inline_markdown

_QUALITY, _LIMITS = "Quality on the test set", "Limits"  # sections of evaluation/model_card.md.jinja


def model_summary(bundle: Bundle, profile: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return facts about the model as pairs of a name and HTML, and the limits of its use, as HTML.

    The quality and the limits come from reports/model-card.md. A card of another bundle, as after another training, is
    ignored, and so is a section that the team's own card leaves out.

    Args:
        bundle: the one that is served.
        profile: its training profile.
    """
    reports = bundle.folder.absolute().parent.parent / "reports"
    card = _text(reports / "model-card.md")
    sections = _sections(card) if bundle.manifest.digest in card else {}
    facts = [("Version", f"<code>{escape(bundle.version)}</code>"), ("Trained on", _training_set(profile))]
    facts += _quality_facts(sections.get(_QUALITY, []))
    rows = _test_rows(_text(reports / "metrics.json")) if sections else None
    facts += [("Tested on", f"{rows:,} rows that it was not trained on")] if rows else []
    return facts, [inline_markdown(line[2:]) for line in sections.get(_LIMITS, []) if line.startswith("- ")]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _sections(card: str) -> dict[str, list[str]]:
    """Return the lines of each section of the card that are not empty, by its title."""
    sections: dict[str, list[str]] = {}
    for part in re.split(r"(?m)^## ", card)[1:]:
        title, *lines = part.splitlines()
        sections[title.strip()] = [line for line in lines if line.strip()]
    return sections


def _training_set(profile: dict[str, Any]) -> str:
    rows, time = f"{profile['rows']:,} rows", profile["time"]
    if not time:
        return rows
    first, last = (f"<time>{escape(time[end][:10])}</time>" for end in ("first", "last"))
    return f"{rows}, {first} to {last}"


def _quality_facts(section: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the main metric, which the section's first sentence names, and this sentence's verdict."""
    summary = section[0] if section else ""
    named = re.search(r"(?:\*\* |: |\. )([^.:*]+?) is ", summary)
    main = named[1] if named else None
    for label, value, interval, baseline, *_ in _table(section):
        if main and (label == main or label.startswith(f"{main} (")):  # the table adds the target's unit
            yield label, inline_markdown(f"{value} (95 % interval {interval}; baseline {baseline})")
            break
    if verdict := re.match(r"\*\*(.+?)\.?\*\*", summary):
        yield "Verdict", inline_markdown(verdict[1])


def _table(section: list[str]) -> Iterator[list[str]]:
    """Yield the cells of the first table's rows, as the card's own template writes them."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section if line.startswith("|")]
    yield from ([cell.strip() for cell in row] for row in rows[2:] if len(row) >= 4)


def _test_rows(metrics: str) -> int | None:
    try:
        rows = json.loads(metrics)["rows"]
    except (ValueError, TypeError, KeyError):
        return None
    return rows if isinstance(rows, int) else None
