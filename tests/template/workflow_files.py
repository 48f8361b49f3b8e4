"""The workflow files and actions of projects, and what is in them: for the tests of their text."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.template.conftest import DEFAULT, DEPLOYED, parse_yaml

OWN = "the template's own"


@pytest.fixture(scope="session")
def workflows_of(combination: Callable[[str], Path]) -> Callable[[str], list[Path]]:
    """The workflow files of a combination, or the template's own, by name."""

    def listed(name: str) -> list[Path]:
        project = ROOT if name == OWN else combination(name)
        files = sorted((project / ".github/workflows").glob("*.yml"))
        assert files
        return files

    return listed


@pytest.fixture(scope="session", params=[OWN, *DEPLOYED])
def workflows(request: pytest.FixtureRequest, workflows_of: Callable[[str], list[Path]]) -> list[Path]:
    """The workflow files of one project."""
    return workflows_of(request.param)


@pytest.fixture(scope="session")
def distinct(workflows_of: Callable[[str], list[Path]], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every workflow of every project, each text once, beside every action: what a tool reads in one run."""
    folder = tmp_path_factory.mktemp("workflows") / ".github"
    names: dict[str, str] = {}
    for project in (OWN, *DEPLOYED):
        label, files = project.replace("'s ", "-"), workflows_of(project)
        for path in files:
            names.setdefault(path.read_text(encoding="utf-8"), f"workflows/{label}-{path.name}")
        for path in actions(files):
            names.setdefault(path.read_text(encoding="utf-8"), f"actions/{label}-{path.parent.name}/action.yml")
    for text, name in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    shutil.copy(workflows_of(DEFAULT)[0].parents[1] / "zizmor.yml", folder)
    found = sorted(str(path) for path in (folder / "workflows").iterdir())
    assert len(found) > 50
    return found


@functools.cache
def parsed_text(text: str) -> dict[str, Any]:
    (document,) = parse_yaml(text)
    assert isinstance(document, dict)
    return document


def parsed(path: Path) -> dict[str, Any]:
    return parsed_text(path.read_text(encoding="utf-8"))


def jobs(workflows: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every job, with a name for messages; one that is another workflow here is looked at in that one."""
    for path in workflows:
        for name, job in parsed(path)["jobs"].items():
            if "uses" not in job:
                yield f"{path.name}: {name}", job


def actions(workflows: list[Path]) -> list[Path]:
    """The actions beside the workflows."""
    return sorted({path for file in workflows for path in file.parents[1].glob("actions/*/action.yml")})


def steps(workflows: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step of every job, then of every action, with a name for messages."""
    of_actions = [(f"{path.parent.name}/action.yml", parsed(path)["runs"]) for path in actions(workflows)]
    for name, job in [*jobs(workflows), *of_actions]:
        for number, step in enumerate(job["steps"], 1):
            yield f"{name}, step {number}", step


def is_local(step: dict[str, Any]) -> bool:
    """Whether a step uses an action of the repository itself."""
    return str(step.get("uses", "")).startswith("./")


def commands(workflows: list[Path]) -> Iterator[tuple[str, str]]:
    """Every command of every step, with a name for messages; comments are left out."""
    for name, step in steps(workflows):
        for line in commands_of(step):
            yield name, line


def commands_of(step: dict[str, Any]) -> list[str]:
    return [line for line in step.get("run", "").splitlines() if not line.startswith("#")]
