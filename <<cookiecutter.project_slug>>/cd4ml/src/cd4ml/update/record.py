"""What a project was generated from: `.cd4ml.toml`, and in `.cd4ml.sums` the checksums of the generated files."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cd4ml.errors import UserError

RECORD = ".cd4ml.toml"
REPORT = Path("build/update.md")
"""What the last update did, for a person."""
DETAILS = Path("build/update.json")
"""The same for a program."""


class UpdateError(UserError):
    """The project cannot be updated as asked; nothing was changed."""


@dataclass(frozen=True)
class Record:
    """The template and the answers that a project was generated from."""

    source: str
    """The address of the template's repository, as git takes it."""
    version: str
    commit: str
    """Of the template; empty if it was no git repository."""
    answers: Mapping[str, str]
    """By question."""

    @property
    def title(self) -> str:
        """The version for a person, with the commit."""
        return f"{self.version} ({self.commit[:7] or 'of no commit'})"


def parse_record(text: str) -> Record:
    """Return the record in the text of `.cd4ml.toml`.

    Raises:
        UpdateError: it is not TOML, or lacks a key.
    """
    try:
        content = tomllib.loads(text)
        template, answers = content["template"], content["answers"]
        return Record(
            str(template["source"]), str(template["version"]), str(template["commit"]),
            {str(name): str(answer) for name, answer in answers.items()},
        )  # fmt: skip
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UpdateError(
            f"{RECORD} is not as `make update` wrote it ({error}): git log -p {RECORD} shows how it was"
        ) from None
