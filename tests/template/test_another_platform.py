"""A project moves to another platform as docs/delivery.md says, and keeps what its owner has changed."""

from __future__ import annotations

import functools
import re
import shutil
import tomllib
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.moving import move, shell, template_here
from tests.template.conftest import DEPLOYED, PLATFORMS
from tests.updating import TemplateRepository, commit

SIGN_IN = ".github/actions/sign-in/action.yml"
PAIRS = list(permutations(PLATFORMS, 2))
AROUND = list(zip(PLATFORMS, (*PLATFORMS[1:], PLATFORMS[0]), strict=True))
"""Pairs in which each platform is left once, and reached once."""

RECORD = {".cd4ml.toml", ".cd4ml.sums"}
DIFFERING = re.compile(rf"README\.md|pyproject\.toml|docs/[a-z-]+\.md|\.github/workflows/[a-z]+\.yml|{SIGN_IN}")


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != ".git"
    }


content = functools.cache(files)
"""The same for a project that nobody changes."""


def pyproject(project: dict[str, bytes]) -> dict[str, Any]:
    return tomllib.loads(project["pyproject.toml"].decode())


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_only_settings_docs_and_workflows_differ_between_platforms(
    combination: Callable[[str], Path], old: str, new: str
) -> None:
    both = [name.removeprefix(f"{old}-") for name in DEPLOYED if name.startswith(f"{old}-")]
    for rest in (rest for rest in both if f"{new}-{rest}" in DEPLOYED):
        before, after = (content(combination(f"{platform}-{rest}")) for platform in (old, new))
        differing = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

        assert {name for name in differing if not DIFFERING.fullmatch(name)} == RECORD
        signs_in = {SIGN_IN} if "docker-host" in (old, new) else set()  # nothing signs in to a host
        assert before.keys() ^ after.keys() == {f"docs/{old}.md", f"docs/{new}.md"} | signs_in
        settings_before, settings_after = pyproject(before), pyproject(after)
        assert settings_before["tool"].pop("cd4ml") == {**settings_after["tool"].pop("cd4ml"), "platform": old}
        assert settings_before == settings_after


@pytest.fixture(scope="module")
def template_repository(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepository:
    return template_here(tmp_path_factory.mktemp("template") / "cookiecutter-cd4ml")


@pytest.mark.parametrize(("old", "new"), AROUND)
def test_the_command_of_the_docs_brings_the_files_and_keeps_what_was_changed(
    combination: Callable[[str], Path], template_repository: TemplateRepository, tmp_path: Path, old: str, new: str
) -> None:
    before, after = (combination(f"{platform}-service-account-ghcr") for platform in (old, new))
    project = Path(shutil.copytree(before, tmp_path / before.name))
    shell("printf '\\nOur own words.\\n' >> docs/delivery.md && printf 'ours\\n' > docs/ours.md", project)
    commit(project, "ours")
    edited = (project / "docs/delivery.md").read_bytes()

    printed = move(project, template_repository, new)

    left = RECORD | {"build/update.md", "build/update.json"}
    wanted = content(after) | {"docs/delivery.md": edited, "docs/ours.md": b"ours\n"}
    assert {name: text for name, text in files(project).items() if name not in left} == {
        name: text for name, text in wanted.items() if name not in left
    }
    assert "docs/delivery.md (edited here)" in printed
