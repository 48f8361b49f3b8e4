"""Whatever is answered, the project holds exactly its files, fully rendered, formatted and parseable."""

from __future__ import annotations

import filecmp
import functools
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template.conftest import (
    COMBINATIONS,
    DEFAULT,
    LICENSES,
    PLATFORMS,
    PROBLEMS,
    TOOLS,
    files_of,
    parse_yaml,
    team_files,
)
from tests.template.expected_files import expected_files

UNRENDERED = re.compile(r"<<|<%|%>|<#|cookiecutter\.|^\s*#[%|]", re.MULTILINE)

MOST_FILES, MOST_LINES = 60, 3_730
"""What a team has to read at most: without the library, the lock file, the rows, and the license's legal text."""


def relative(project: Path, paths: list[Path]) -> list[str]:
    return [str(path.relative_to(project)) for path in paths]


parse_toml = functools.cache(tomllib.loads)


def test_holds_exactly_the_files_it_should(project: Path, template: Path) -> None:
    package = project.name.replace("-", "_")
    files = {
        str(path.relative_to(project))
        for path in project.rglob("*")
        if path.is_file() and path.relative_to(project).parts[0] != ".git"
    }

    (platform,) = {path.stem for path in (project / "docs").iterdir()} & set(PLATFORMS)
    registry = parse_toml((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["cd4ml"]["registry"]
    assert files == expected_files(package, platform, registry, template / "<<cookiecutter.project_slug>>/cd4ml")


def test_holds_the_library_as_the_template_has_it(project: Path, template: Path) -> None:
    source, copy = template / "<<cookiecutter.project_slug>>/cd4ml", project / "cd4ml"
    names = sorted(files_of(source))
    assert len(names) > 150

    assert [name for name in names if not filecmp.cmp(source / name, copy / name, shallow=False)] == []
    assert [name for name in names if (source / name).stat().st_mode != (copy / name).stat().st_mode] == []


def test_a_team_has_few_files_and_lines_of_its_own(project: Path) -> None:
    written_by_tools = ("uv.lock", "LICENSE", ".cd4ml.sums")
    files = [path for path in team_files(project) if path.name not in written_by_tools]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)

    assert len(files) <= MOST_FILES
    assert lines <= MOST_LINES


def test_has_no_empty_file_and_no_empty_folder(project: Path) -> None:
    empty = [
        path
        for path in project.rglob("*")
        if ".git" not in path.parts and (path.stat().st_size == 0 if path.is_file() else not any(path.iterdir()))
    ]

    assert relative(project, empty) == ["cd4ml/src/cd4ml/py.typed"]  # empty by definition: the package has types


def test_leaves_nothing_unrendered(project: Path) -> None:
    files = [path for path in team_files(project) if UNRENDERED.search(path.read_text(encoding="utf-8"))]

    assert relative(project, files) == []


def test_has_one_blank_line_at_most_and_ends_each_file_with_one_newline(project: Path) -> None:
    untidy = []
    for path in team_files(project):
        text = path.read_text(encoding="utf-8")
        doubled = "\n\n\n" in text and path.suffix != ".py" and path.name not in ("LICENSE", "uv.lock")
        ends = text.endswith("\n") and not text.endswith("\n\n")
        if doubled or text.startswith("\n") or not ends or "\r" in text:
            untidy.append(path)

    assert relative(project, untidy) == []


@pytest.mark.parametrize("command", [["format", "--check"], ["check"]], ids=" ".join)
def test_is_formatted_and_lint_clean_as_generated(project: Path, command: list[str]) -> None:
    result = subprocess.run(
        [TOOLS / "ruff", *command, "--no-cache", "."], cwd=project, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_file_parses(project: Path) -> None:
    for path in team_files(project):
        text = path.read_text(encoding="utf-8")
        match path.suffix:
            case ".py":
                compile(text, str(path), "exec", dont_inherit=True)
            case ".toml" | ".lock":
                parse_toml(text)
            case ".yaml" | ".yml":
                assert parse_yaml(text), path
            case ".json":
                json.loads(text)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_pyproject_tells_the_library_what_was_answered(combination: Callable[[str], Path], name: str) -> None:
    project = combination(name)
    content = parse_toml((project / "pyproject.toml").read_text(encoding="utf-8"))

    defaults = {"platform": "cloud-run", "credentials": "service-account", "registry": "cloud"}
    answers = {key: COMBINATIONS[name].get(key, value) for key, value in defaults.items()}
    assert content["tool"]["cd4ml"] == {
        "package": project.name.replace("-", "_"),
        "prediction_log": "off",
        **answers,
    }


@pytest.mark.parametrize("chosen", LICENSES)
def test_carries_the_license_that_was_chosen(combination: Callable[[str], Path], chosen: str) -> None:
    text = (combination(f"regression-{chosen}") / "LICENSE").read_text(encoding="utf-8")

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
    for problem, name in zip(PROBLEMS, (DEFAULT, "regression-MIT"), strict=True):
        contract = (combination(name) / "contract.yaml").read_text(encoding="utf-8")
        types[problem] = yaml.safe_load(contract)["target"]["type"]

    assert types == {"classification": "boolean", "regression": "number"}


def test_lock_file_locks_what_the_project_and_the_library_ask_for(project: Path) -> None:
    """What `uv lock --check` would say, without the network it may need."""
    lock = parse_toml((project / "uv.lock").read_text(encoding="utf-8"))
    for folder, name in ((project, project.name), (project / "cd4ml", "cd4ml")):
        content = parse_toml((folder / "pyproject.toml").read_text(encoding="utf-8"))
        locked = next(entry for entry in lock["package"] if entry["name"] == name)
        extras = content["project"].get("optional-dependencies", {})
        groups = content.get("dependency-groups", {})

        wanted = requirements(content["project"]["dependencies"])
        for extra, items in extras.items():
            wanted |= requirements(items, f"extra == '{extra}'")
        assert locked["version"] == content["project"]["version"]
        assert locked_requirements(locked["metadata"]["requires-dist"]) == wanted
        assert locked["metadata"].get("requires-dev", {}).keys() == groups.keys()
        for group, items in groups.items():
            assert locked_requirements(locked["metadata"]["requires-dev"][group]) == requirements(items), group


Requirement = tuple[str, frozenset[str], frozenset[str], str]
"""Name, extras, bounds of the version, marker."""


def requirements(items: list[str], marker: str = "") -> set[Requirement]:
    wanted = set()
    for item in items:
        parts = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[(.*)\])?([^;\[]*)", item)
        assert parts, item
        name, extras, bounds = parts.groups(default="")
        plain = re.sub("[-_.]+", "-", name).lower()
        wanted.add((plain, words(extras), words(bounds), marker))
    return wanted


def locked_requirements(entries: list[dict[str, Any]]) -> set[Requirement]:
    return {
        (
            entry["name"],
            frozenset(entry.get("extras", [])),
            words(entry.get("specifier", "")),
            entry.get("marker", ""),
        )
        for entry in entries
    }


def words(text: str) -> frozenset[str]:
    return frozenset(filter(None, (word.strip() for word in text.split(","))))
