"""Which workflows an event starts: the filters of `on:` as far as the generated project uses them."""

from __future__ import annotations

import re
from typing import Any

import yaml

PULL_REQUEST_TYPES = ["opened", "synchronize", "reopened"]
SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]")


class RefusedError(Exception):
    """What GitHub answers when a dispatch does not fit the workflow."""


def events_of(text: str) -> dict[str, dict[str, Any]]:
    """The events of a workflow with their filters."""
    document = yaml.safe_load(text)
    stated = document.get("on", document.get(True))  # YAML 1.1 reads a bare `on` as true
    if isinstance(stated, str):
        return {stated: {}}
    if isinstance(stated, list):
        return {str(name): {} for name in stated}
    return {str(name): filters if isinstance(filters, dict) else {} for name, filters in stated.items()}


def push_starts(text: str, ref: str, changed: list[str], message: str) -> bool:
    events = events_of(text)
    if "push" not in events or SKIP.search(message):
        return False
    filters = events["push"]
    kind, other = ("tags", "branches") if ref.startswith("refs/tags/") else ("branches", "tags")
    name = ref.split("/", 2)[2]
    if not (kind in filters or f"{kind}-ignore" in filters) and (other in filters or f"{other}-ignore" in filters):
        return False
    return _passes(filters, kind, [name]) and (kind == "tags" or _passes(filters, "paths", changed))


def pull_request_starts(text: str, action: str, base: str, changed: list[str], message: str) -> bool:
    events = events_of(text)
    if "pull_request" not in events or SKIP.search(message):
        return False
    filters = events["pull_request"]
    return (
        action in filters.get("types", PULL_REQUEST_TYPES)
        and _passes(filters, "branches", [base])
        and _passes(filters, "paths", changed)
    )


def repository_dispatch_starts(text: str, kind: str) -> bool:
    events = events_of(text)
    return "repository_dispatch" in events and kind in events["repository_dispatch"].get("types", [kind])


def dispatch_inputs(text: str, given: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a workflow_dispatch with their defaults.

    Raises:
        RefusedError: the workflow has no such trigger or input, a required one is missing, or a choice is unknown.
    """
    events = events_of(text)
    if "workflow_dispatch" not in events:
        raise RefusedError("Workflow does not have 'workflow_dispatch' trigger")
    declared = events["workflow_dispatch"].get("inputs") or {}
    if unknown := sorted(set(given) - set(declared)):
        raise RefusedError(f"Unexpected inputs provided: {unknown}")
    return {name: _input(name, about or {}, given) for name, about in declared.items()}


def _input(name: str, about: dict[str, Any], given: dict[str, Any]) -> Any:
    value = given.get(name, about.get("default"))
    if value in (None, "") and about.get("required"):
        raise RefusedError(f"Required input '{name}' not provided")
    if about.get("type") == "boolean":
        return str(value).lower() == "true"
    if about.get("type") == "choice" and value is not None and str(value) not in map(str, about["options"]):
        raise RefusedError(f"Provided value '{value}' for input '{name}' not in the list of allowed values")
    return "" if value is None else str(value)


def _passes(filters: dict[str, Any], key: str, values: list[str]) -> bool:
    """Whether any value passes `key` and any is left by `key`-ignore."""
    if key in filters:
        return any(_wanted(filters[key], value) for value in values)
    if f"{key}-ignore" in filters:
        return any(not _wanted(filters[f"{key}-ignore"], value) for value in values)
    return True


def _wanted(patterns: str | list[str], value: str) -> bool:
    wanted = False
    for pattern in [patterns] if isinstance(patterns, str) else patterns:  # the last pattern that fits decides
        if re.fullmatch(_expression(pattern.removeprefix("!")), value):
            wanted = not pattern.startswith("!")
    return wanted


def _expression(pattern: str) -> str:
    """`**` crosses slashes, `*` does not, `?` and `+` repeat what comes before, [] is a set."""
    parts = re.split(r"(\*\*/?|\*|\?|\+|\[[^]]*\])", pattern)
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}
    return "".join(meant.get(part, part if part.startswith("[") else re.escape(part)) for part in parts)
