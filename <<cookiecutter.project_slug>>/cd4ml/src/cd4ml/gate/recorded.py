"""Read the verdict in reports/gate.json, for verbs that act on it without judging the bundle again."""

import json
from typing import Any

from cd4ml.files.git import file_at
from cd4ml.settings import paths


def recorded_verdict(revision: str = "") -> dict[str, Any]:
    """Return the content of reports/gate.json, here or at a commit; empty if there is none that can be read."""
    if revision:
        text = file_at(revision, paths.GATE.as_posix()) or ""
    else:
        text = paths.GATE.read_text(encoding="utf-8") if paths.GATE.exists() else ""
    try:
        verdict = json.loads(text)
    except ValueError:
        return {}
    return verdict if isinstance(verdict, dict) else {}


def has_looser_limits(verdict: dict[str, Any]) -> bool:
    """Return whether a verdict names limits of the gate that are looser than the champion's, or cannot be compared."""
    rules = (rule for rule in verdict.get("rules", ()) if rule.get("rule") == "limits")
    return any(rule.get("result") == "rejected" or rule.get("numbers", {}).get("changes") for rule in rules)
