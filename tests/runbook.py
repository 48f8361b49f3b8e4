"""The commands of the runbook's pages, read from them: by section, as blocks that are pasted whole."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

_BLOCK = re.compile(r"^( *)```\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def pages(project: Path) -> dict[str, str]:
    """Return the text of both pages of a generated project: its own, and the library's."""
    names = ("docs/runbook.md", "cd4ml/docs/runbook.md")
    return {name: (project / name).read_text(encoding="utf-8") for name in names}


def blocks(page: str) -> dict[str, list[str]]:
    """Return the blocks of commands by the title of their section, each without its indent."""
    sections = (part.partition("\n") for part in page.split("\n## ")[1:])
    return {title: [_without_indent(*found) for found in _BLOCK.findall(text)] for title, _, text in sections}


def _without_indent(indent: str, text: str) -> str:
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))


def commands(page: str) -> list[list[str]]:
    """Return the words of each command of a page; those of a pipe, and of `NAME=$(...)`, are commands of their own."""
    lines = [line for parts in blocks(page).values() for part in parts for line in part.splitlines()]
    return [words for line in lines for words in _split(line)]


def _split(line: str) -> list[list[str]]:
    if inner := re.fullmatch(r"[A-Z]+=\$\((.*)\)", line):
        line = inner[1]
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if word in ("|", ";", "&&"):
            found.append([])
        elif found[-1] or not re.fullmatch(r"[A-Z_]+=.*", word):  # settings of this command alone come before it
            found[-1].append(word)
    return [words for words in found if words]


def dispatch(command: list[str]) -> tuple[str, dict[str, str]]:
    """Return the workflow and the inputs of a command `gh workflow run`."""
    assert command[:3] == ["gh", "workflow", "run"], command
    flags, values = command[4::2], command[5::2]
    assert len(flags) == len(values), command
    assert set(flags) <= {"-f"}, command
    return command[3], dict(value.split("=", 1) for value in values)


def rollback(project: Path, release: str) -> tuple[str, dict[str, str]]:
    """Return the workflow and the inputs by which the page goes back, with another release than its example's."""
    page = pages(project)["cd4ml/docs/runbook.md"]
    (asked,) = (words for words in commands(page) if words[:4] == ["gh", "workflow", "run", "rollback"])
    workflow, inputs = dispatch(asked)
    return workflow, inputs | {"release": release}
