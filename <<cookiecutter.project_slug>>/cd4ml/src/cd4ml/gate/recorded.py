"""What reports/gate.json says of a bundle: for those who act on a verdict without judging again."""

import json
from typing import Any

from cd4ml.files.git import file_at
from cd4ml.settings import paths


def recorded_verdict(revision: str = "") -> dict[str, Any]:
    """Return what reports/gate.json says, here or at a commit; empty where it says nothing that can be read."""
    if revision:
        text = file_at(revision, paths.GATE.as_posix()) or ""
    else:
        text = paths.GATE.read_text(encoding="utf-8") if paths.GATE.exists() else ""
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
