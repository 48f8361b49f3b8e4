"""Free text is kept as it was typed: quotes, markup, emoji and any script."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.conftest import Bake
from tests.template.conftest import COMBINATIONS, HOSTILE, team_files


@pytest.fixture(scope="module")
def hostile(combination: Callable[[str], Path]) -> Path:
    return combination("hostile")


def shown(markdown: str) -> list[tuple[str, str]]:
    """`(kind, text)` of every block, as a reader sees it once Markdown is rendered."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [
        (before.tag, "".join(child.content for child in token.children or []))
        for before, token in itertools.pairwise(tokens)
        if token.type == "inline"
    ]


def test_pyproject_holds_what_was_typed(hostile: Path) -> None:
    project = tomllib.loads((hostile / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["name"] == HOSTILE["project_slug"]
    assert project["description"] == HOSTILE["description"]
    assert project["authors"] == [{"name": HOSTILE["author"]}]


def test_readme_shows_the_name_and_the_description(hostile: Path) -> None:
    blocks = shown((hostile / "README.md").read_text(encoding="utf-8"))

    assert blocks[0] == ("h1", HOSTILE["project_name"])
    assert any(HOSTILE["description"].strip() in text for kind, text in blocks if kind == "p")


def test_license_names_the_author(hostile: Path) -> None:
    text = (hostile / "LICENSE").read_text(encoding="utf-8")

    assert f"Copyright (c) {HOSTILE['author']}\n" in text


def test_code_owner_is_the_github_owner(hostile: Path) -> None:
    lines = (hostile / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owners = {line.split()[0]: line.split()[1:] for line in lines if line and not line.startswith("#")}

    assert set(map(tuple, owners.values())) == {(f"@{HOSTILE['github_owner']}",)}
    assert next(iter(owners)) == "*"  # the last line that fits counts: the others are exceptions
    assert [name for name in owners if name != "*" and not (hostile / name.removeprefix("/")).exists()] == []


def test_free_text_stays_out_of_code_and_commands(hostile: Path, bake: Bake) -> None:
    """No quoting is right for every shell, Makefile and formatter: those files hold slug and package only."""
    answers = COMBINATIONS["hostile"]
    plain = bake(**{name: answers[name] for name in answers.keys() - {"project_name", "description", "author"}})

    differing = {
        str(path.relative_to(hostile))
        for path in team_files(hostile)
        if path.read_bytes() != (plain / path.relative_to(hostile)).read_bytes()
    }
    assert {Path(name).suffix for name in differing} <= {".md", ".toml", ".yaml", ".sums", ""}
    assert differing.isdisjoint({"Makefile", "Dockerfile", ".gitignore", ".dockerignore"})
