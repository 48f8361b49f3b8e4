"""How versions are looked up: over the web, by a command, in a lock file; and from which day on they are too young."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_TIMEOUT = 60.0  # seconds without an answer


class NoAnswer(Exception):  # noqa: N818 - it is not always an error: the pin stays as it is
    """What a version has to be looked up from did not answer, or has none to offer."""


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in small letters."""

    def json(self) -> Any:
        """The answer as JSON.

        Raises:
            NoAnswer: it is something else, as a proxy's page would be.
        """
        try:
            return json.loads(self.text)
        except ValueError:
            raise NoAnswer(f"no JSON but {self.text[:40]!r}") from None


def not_after(before: datetime) -> list[str]:
    """Return what uv is called with, so that it takes nothing that was uploaded later.

    That is nothing if everything is old enough, as some indexes do not know when a file was uploaded.
    """
    return ["--exclude-newer", before.isoformat()] if before < datetime.now(UTC) else []


Ask = Callable[[str, Mapping[str, str]], Answer]
"""An address and headers to an answer, whatever its status."""
Run = Callable[[list[str], str], str]
"""A command and its standard input to what it prints."""


@dataclass(frozen=True)
class Lookup:
    """All that is needed to look a version up."""

    ask: Ask
    run: Run
    before: datetime
    """What was released later is too young."""
    locked: Callable[[], Mapping[str, str]]
    """The versions in the template's own uv.lock."""

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Return what is at an address.

        Raises:
            NoAnswer: nobody answers, or the status is not 200.
        """
        answer = self.ask(address, headers or {})
        if answer.status != 200:
            raise NoAnswer(f"{address} answered {answer.status}")
        return answer

    def is_old_enough(self, released: str) -> bool:
        """Whether a release, by its time in ISO 8601, has stood the time that we wait."""
        moment = datetime.fromisoformat(released)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= self.before


@functools.cache
def _asked(address: str, headers: tuple[tuple[str, str], ...]) -> Answer:
    request = urllib.request.Request(address, headers={"User-Agent": "cookiecutter-cd4ml"})
    for name, value in headers:
        request.add_unredirected_header(name, value)  # a token is not for the host that we are sent on to
    token = os.environ.get("GITHUB_TOKEN", "")
    if token and address.startswith("https://api.github.com/"):
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            return Answer(answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.headers.items()})
    except urllib.error.HTTPError as error:
        return Answer(error.code, "", {name.lower(): value for name, value in error.headers.items()})
    except (OSError, ValueError) as error:  # ValueError: what is no UTF-8
        raise NoAnswer(f"{address}: {getattr(error, 'reason', error)}") from None


def ask(address: str, headers: Mapping[str, str]) -> Answer:
    """Ask over HTTPS, each address once.

    Raises:
        NoAnswer: nobody answers.
    """
    return _asked(address, tuple(sorted(headers.items())))


def run(command: list[str], text: str) -> str:
    """Run a command, and return what it prints.

    Raises:
        NoAnswer: it is not installed, or fails.
    """
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoAnswer(f"{command[0]}: {error}") from None
    if done.returncode:
        told = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoAnswer(f"{' '.join(command[:3])}: {told[:150]}")
    return done.stdout
