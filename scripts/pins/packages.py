"""Look up packages: on the package index by uv, on npm's registry by npm, so that both are asked where they are set to;
and in the template's own lock file."""

from __future__ import annotations

import json
import re

from scripts.pins.lookup import Lookup, NoAnswer, not_after
from scripts.pins.versions import order, parsed


def on_index(lookup: Lookup, name: str) -> str:
    """Return the newest version of a Python package that is old enough."""
    command = ["uv", "pip", "compile", "-", "--quiet", "--no-deps", "--no-header", "--no-annotate", "--universal"]
    printed = lookup.run([*command, *not_after(lookup.before)], name)
    found = re.search(rf"^{re.escape(name)}==([\w.]+)", printed, re.MULTILINE)
    if not found:
        raise NoAnswer(f"uv found no version of {name}")
    return found[1]


def on_npm(lookup: Lookup, name: str) -> str:
    """Return the newest version of a node package that is old enough (`npm view NAME time`: version to time)."""
    times: dict[str, str] = json.loads(lookup.run(["npm", "view", name, "time", "--json"], ""))
    released = [
        version
        for version, released in times.items()
        if (known := parsed(version)) and known.is_release and lookup.is_old_enough(released)
    ]
    if not released:
        raise NoAnswer(f"npm has no version of {name} that is old enough")
    return max(released, key=order)


def in_lock(lookup: Lookup, name: str) -> str:
    """Return the version that the template's own uv.lock has, with which the tests run."""
    try:
        return lookup.locked()[name]
    except KeyError:
        raise NoAnswer(f"the template's uv.lock has no {name}") from None
