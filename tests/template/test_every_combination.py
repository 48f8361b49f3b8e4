"""Whatever is answered, the project holds exactly its files, fully rendered, formatted and parseable."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.fast.conftest import LICENSES, PLATFORMS, PROBLEMS, text_files
from tests.fast.expected_files import expected_files

UNRENDERED = re.compile(r"<<|<%|%>|<#|cookiecutter\.|^\s*#[%|]", re.MULTILINE)


def relative(project: Path, paths: list[Path]) -> list[str]:
    return [str(path.relative_to(project)) for path in paths]


def test_holds_exactly_the_files_it_should(project: Path) -> None:
    package = project.name.replace("-", "_")
    found = {
        str(path.relative_to(project))
        for path in project.rglob("*")
        if path.is_file() and path.relative_to(project).parts[0] != ".git"
    }

    (platform,) = {path.stem for path in (project / "deploy").glob("*.sh")} & set(PLATFORMS)
    assert found == expected_files(package, platform)


def test_has_no_empty_file_and_no_empty_folder(project: Path) -> None:
    empty = [
        path
        for path in project.rglob("*")
        if ".git" not in path.parts and (path.stat().st_size == 0 if path.is_file() else not any(path.iterdir()))
    ]

    assert relative(project, empty) == []


def test_leaves_nothing_unrendered(project: Path) -> None:
    found = [path for path in text_files(project) if UNRENDERED.search(path.read_text(encoding="utf-8"))]

    assert relative(project, found) == []


def test_has_one_blank_line_at_most_and_ends_each_file_with_one_newline(project: Path) -> None:
    untidy = []
    for path in text_files(project):
        text = path.read_text(encoding="utf-8")
        doubled = "\n\n\n" in text and path.suffix != ".py" and path.name not in ("LICENSE", "uv.lock")
        ends = text.endswith("\n") and not text.endswith("\n\n")
        if doubled or text.startswith("\n") or not ends or "\r" in text:
            untidy.append(path)

    assert relative(project, untidy) == []


@pytest.mark.parametrize("command", [["format", "--check"], ["check"]], ids=" ".join)
def test_is_formatted_and_lint_clean_as_generated(project: Path, command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_file_parses(project: Path) -> None:
    for path in text_files(project):
        text = path.read_text(encoding="utf-8")
        match path.suffix:
            case ".py":
                compile(text, str(path), "exec", dont_inherit=True)
            case ".toml" | ".lock":
                tomllib.loads(text)
            case ".yaml" | ".yml":
                assert list(yaml.safe_load_all(text)), path
            case ".json":
                json.loads(text)


def test_makefile_parses_and_every_verb_expands(project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    verbs = re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE)
    assert {"train", "serve", "test", "lint", "predict", "undo", "image", "smoke"} <= set(verbs)

    result = subprocess.run(["make", "-n", *verbs], cwd=project, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("chosen", LICENSES)
def test_carries_the_license_that_was_chosen(combination: Callable[[str], Path], chosen: str) -> None:
    text = (combination(f"classification-{chosen}") / "LICENSE").read_text(encoding="utf-8")

    first = {
        "MIT": "MIT License",
        "Apache-2.0": "Apache License",
        "BSD-3-Clause": "BSD 3-Clause License",
        "Proprietary": "Copyright (c) Your Name",
    }
    assert text.splitlines()[0].strip() == first[chosen]
    assert ("All rights reserved" in text) == (chosen == "Proprietary")
    assert ("Your Name" in text) == (chosen != "Apache-2.0")  # Apache's text is kept word for word


def test_problem_chooses_the_target(combination: Callable[[str], Path]) -> None:
    types = {}
    for problem in PROBLEMS:
        contract = (combination(f"{problem}-MIT") / "contract.yaml").read_text(encoding="utf-8")
        types[problem] = yaml.safe_load(contract)["target"]["type"]

    assert types == {"classification": "boolean", "regression": "number"}


def test_lock_file_locks_what_pyproject_asks_for(project: Path) -> None:
    """What `uv lock --check` would say, without the network it may need."""
    asked = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    lock = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))
    own = next(entry for entry in lock["package"] if entry["name"] == project.name)

    def plain(requirement: str) -> tuple[str, frozenset[str]]:
        requirement = requirement.split(";")[0]
        name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        return re.sub("[-_.]+", "-", name).lower(), frozenset(re.findall(r"[<>=!~]=?[^,\]\s]+", requirement))

    def locked(entries: list[dict[str, str]]) -> set[tuple[str, frozenset[str]]]:
        bounds = [frozenset(filter(None, entry.get("specifier", "").split(","))) for entry in entries]
        return {(entry["name"], bound) for entry, bound in zip(entries, bounds, strict=True)}

    extras = [item for group in asked["project"].get("optional-dependencies", {}).values() for item in group]
    requires = locked(own["metadata"]["requires-dist"])
    assert requires == {plain(item) for item in [*asked["project"]["dependencies"], *extras]}
    for group, items in asked["dependency-groups"].items():
        assert locked(own["metadata"]["requires-dev"][group]) == {plain(item) for item in items}, group
