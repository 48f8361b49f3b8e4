"""Tokens that say themselves what their holder may do; only tests and the workflow runner make them."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field

LEVELS = ("none", "read", "write")
PREFIXES = ("ghs_", "ghp_")


@dataclass(frozen=True)
class Holder:
    """Who calls: a job (`workflow`), the configured `app`, a `person`, or a job that asks for its `identity`."""

    kind: str
    actor: str
    permissions: dict[str, str] = field(default_factory=dict)
    repository: str = ""
    run: str = ""
    job: str = ""
    ref: str = ""
    environment: str | None = None

    def may(self, scope: str, level: str) -> bool:
        """Whether the holder has a right; a person has all of them."""
        held = "write" if self.kind == "person" else self.permissions.get(scope, "none")
        return LEVELS.index(held) >= LEVELS.index(level)

    @property
    def starts_runs(self) -> bool:
        """What a job does with its own token starts nothing, dispatches excepted."""
        return self.kind != "workflow"


def mint(holder: Holder) -> str:
    text = json.dumps(asdict(holder)).encode()
    return ("ghp_" if holder.kind == "person" else "ghs_") + base64.urlsafe_b64encode(text).decode().rstrip("=")


def read(token: str) -> Holder | None:
    """Return the holder of a token, None when it is not one."""
    if not token.startswith(PREFIXES):
        return None
    try:
        text = base64.urlsafe_b64decode(token[4:] + "=" * (-len(token[4:]) % 4))
        known = {name: value for name, value in json.loads(text).items() if name in Holder.__dataclass_fields__}
        return Holder(**known)
    except (ValueError, TypeError):
        return None


def from_header(header: str) -> str:
    """Return the token of an Authorization header: bearer, token, or the password of basic."""
    kind, _, value = header.partition(" ")
    if kind.lower() in ("bearer", "token"):
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""
