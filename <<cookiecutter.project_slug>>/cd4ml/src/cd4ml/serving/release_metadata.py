"""Read release.json, which is beside the bundle's folder, and make the headers that name bundle and release."""

import json
import re
from typing import Any

from cd4ml.bundle.bundle import Bundle


def read_release(bundle: Bundle) -> dict[str, Any] | None:
    """Return release.json; None if it does not exist, or is of another bundle, as after another training."""
    try:
        release = json.loads(bundle.folder.absolute().with_name("release.json").read_bytes())
    except (OSError, ValueError):
        return None
    return release if isinstance(release, dict) and release.get("digest") == bundle.manifest.digest else None


def bundle_headers(bundle: Bundle) -> dict[str, str]:
    """Return the headers of every response, errors included: the bundle's version, and the commit of its release."""
    names = {"x-model-version": "version", "x-release-commit": "commit"}
    values = lineage(bundle)
    return {header: values[name] for header, name in names.items() if name in values}


def lineage(bundle: Bundle) -> dict[str, str]:
    """Return version and digest of the bundle, and the commit of its release if it has one."""
    commit = str((read_release(bundle) or {}).get("commit", ""))
    known = {"version": bundle.version, "digest": bundle.manifest.digest}
    return known | ({"commit": commit} if re.fullmatch("[0-9a-f]{40,64}", commit) else {})
