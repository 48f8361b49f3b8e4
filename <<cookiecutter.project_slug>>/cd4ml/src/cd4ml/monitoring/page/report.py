"""Fill in the template of the page, which escapes texts of unknown content, such as names and categories."""

from collections.abc import Mapping
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cd4ml.evaluation.formatting import NO_VALUE, format_interval, format_number, format_percent
from cd4ml.monitoring.newest import finding_of, findings_at, whole
from cd4ml.monitoring.page.by_day import outcome_facts, tile_facts, volume_facts
from cd4ml.monitoring.page.distributions import column_facts, prediction_facts
from cd4ml.monitoring.page.quality import quality_facts, slice_facts
from cd4ml.monitoring.verdict import WORDS, headline, one_line, verdict

_HERE = Path(__file__).parent


def report_page(document: Mapping[str, Any]) -> str:
    """Return the page of a document, which is the content of monitoring.json; the same document gives the same page."""
    numbers = count(1)  # of the pictures
    columns = column_facts(document, numbers)
    drawn = {column["name"]: column["anchor"] for column in columns["drawn"]}
    newest = document["periods"][-1]
    facts = {
        "style": Markup((_HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - the library's own file
        "model": document["model"],
        **_banner(document),
        "verdict": verdict(document),
        "days": days_in_words(newest["first"], newest["last"]),
        "tiles": tile_facts(document),
        "findings": [_finding_facts(each, drawn) for each in findings_at(document, "page", "warn")],
        "fine": findings_at(document, "fine"),
        "not_judged": findings_at(document, "not judged"),
        "quality": quality_facts(document, numbers),
        "slices": slice_facts(document),
        "predictions": prediction_facts(document, numbers),
        "columns": columns,
        "outcomes": outcome_facts(document, numbers),
        "volume": volume_facts(document, numbers),
    }
    return _environment().get_template("report.html.jinja").render(facts)


def _banner(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the look of the verdict, and the word beside it: that a limit is not set is no reason to doubt."""
    level = document["level"]
    if level in ("page", "warn"):
        return {"look": level, "badge": WORDS[level]}
    fine = finding_of(document, "loss")["level"] == "fine"
    return {"look": "fine", "badge": "no alarm"} if fine else {"look": "not-judged", "badge": WORDS["not judged"]}


def days_in_words(first: str, last: str) -> str:
    """Return the days of a period, such as 28 August to 3 September 2013."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    if start == end:
        return f"{end.day} {end:%B %Y}"
    year, month = (
        f" {start:%Y}" * (start.year != end.year),
        f" {start:%B}" * ((start.year, start.month) != (end.year, end.month)),
    )
    return f"{start.day}{month}{year} to {end.day} {end:%B %Y}"


def _finding_facts(finding: Mapping[str, Any], drawn: Mapping[str, str]) -> dict[str, Any]:
    title = headline(finding)
    return {
        **finding,
        "title": title[:1].upper() + title[1:] if not finding["column"] else title,
        "word": WORDS[finding["level"]],
        "anchor": drawn.get(finding["column"], ""),
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": lambda number: f"{number:,}",
        "interval": lambda interval: format_interval(whole(interval)),
        "number": format_number,
        "percent": lambda share: NO_VALUE if share is None else format_percent(share),
    }
    return environment


def _shown(value: Any) -> Any:
    """Return what the page shows of a value: a text on one line, without characters that turn others around."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return one_line(value)
    return NO_VALUE if value is None else value
