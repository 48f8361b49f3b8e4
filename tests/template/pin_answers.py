"""Answers about versions, instead of GitHub, registries and package indexes.

They have the form that is documented: GitHub's REST API (releases, tags, commits), the OCI distribution specification
with the token of the distribution project, `npm view NAME time --json`, `uv pip compile`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scripts.pins.lookup import Answer, Lookup, NoAnswer
from scripts.pins.renew import Renewed, renewed

OLD, YOUNG, BEFORE = "2026-01-02T03:04:05Z", "2026-02-28T03:04:05Z", datetime(2026, 2, 22, tzinfo=UTC)
WAS, IS = "0a" * 20, "1b" * 20
SUM, DIGEST = "2c" * 32, f"sha256:{'3d' * 32}"
API = "https://api.github.com/repos"


class World:
    """What is asked, as answers by their addresses and commands; everything else does not answer."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.printed: dict[str, str] = {}
        self.locked: dict[str, str] = {}
        self.asked: list[str] = []

    def give(self, address: str, answer: Any, **headers: str) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.answers[address] = Answer(200, text, {name.replace("_", "-"): value for name, value in headers.items()})

    def release(self, repository: str, *tags: str, published: str = OLD, **more: bool) -> None:
        listed = [
            {"tag_name": tag, "draft": False, "prerelease": False, "published_at": published} | more for tag in tags
        ]
        address = f"{API}/{repository}/releases?per_page=50"
        known = json.loads(self.answers[address].text) if address in self.answers else []
        self.give(address, [*known, *listed])
        for tag in tags:
            self.give(f"{API}/{repository}/commits/tags/{tag}", {"sha": IS, "commit": {"committer": {"date": OLD}}})

    def ask(self, address: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append(address)
        return self.answers.get(address, Answer(404))

    def run(self, command: list[str], text: str) -> str:
        for words, printed in self.printed.items():
            if set(words.split()) <= {*command, text}:
                return printed
        raise NoAnswer(f"{command[0]} cannot be reached")

    @property
    def lookup(self) -> Lookup:
        return Lookup(self.ask, self.run, BEFORE, lambda: self.locked)

    def renew(self, **texts: str) -> Renewed:
        return renewed({name.replace("__", "/").replace("_", "."): text for name, text in texts.items()}, self.lookup)
