"""What is known of the release besides its bundle: release.json, which lies beside the bundle's folder."""

import json
import re
from typing import Any

from cd4ml.bundle.bundle import Bundle


def release_of(bundle: Bundle) -> dict[str, Any] | None:
    """Return release.json; None where there is none, or it is of another bundle, as on a laptop that trained again."""
    try:
        told = json.loads(bundle.folder.absolute().with_name("release.json").read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and told.get("digest") == bundle.manifest.digest else None


def served_by(bundle: Bundle) -> dict[str, str]:
    """Return the headers that tell of every answer, a refusal too, which bundle gave it, and released from where."""
    commit = str((release_of(bundle) or {}).get("commit", ""))
    known = {"x-release-commit": commit} if re.fullmatch("[0-9a-f]{40,64}", commit) else {}
    return {"x-model-version": bundle.version} | known
