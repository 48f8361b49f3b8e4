"""The example is data, a contract, parameters, features and its own tests: nothing else knows about it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Bake, Once
from tests.template.conftest import LIBRARY, PROBLEMS, team_files, text_files

WORDS = re.compile(
    r"(?<![a-z])(flights?|nycflights\d*|carriers?|departures?|airlines?|airports?|planes?|winds?|gusts?|weather)(?![a-z])",
    re.IGNORECASE,
)
ANSWERS = {
    "project_name": "Barrel Tasting",
    "project_slug": "barrel-tasting",
    "description": "Which barrel is it from?",
    "author": "Ada",
    "github_owner": "ada",
}


@pytest.fixture(scope="module")
def barrels(bake: Bake, once: Once) -> Callable[[str], Path]:
    """The project of people who have never heard of flights, by problem."""

    @functools.cache
    def baked(problem: str) -> Path:
        (project,) = once(f"barrels-{problem}", lambda into: bake(into=into, **ANSWERS, problem=problem)).iterdir()
        return project

    return baked


def belongs_to_the_example(path: str) -> bool:
    return (
        path
        in (
            ".cd4ml.sums",  # which names all files
            "contract.yaml",
            "params.yaml",
            "docs/canvas.md",
            "src/barrel_tasting/features.py",
            "tests/test_features.py",
        )
        or path.startswith("data/source/")
        or re.fullmatch(r"tests/\w+/test_example\w*\.py", path) is not None
    )


def mentions(folder: Path, files: list[Path]) -> list[str]:
    """The lines that name something of the example."""
    return [
        f"{path.relative_to(folder)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WORDS.search(line)
    ]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_words_of_the_example_stay_in_its_own_files(barrels: Callable[[str], Path], problem: str) -> None:
    project = barrels(problem)
    files = [path for path in team_files(project) if not belongs_to_the_example(str(path.relative_to(project)))]

    assert mentions(project, files) == []


def test_the_library_has_no_word_of_the_example() -> None:
    assert mentions(LIBRARY, text_files(LIBRARY)) == []


def test_the_search_finds_what_it_looks_for(barrels: Callable[[str], Path]) -> None:
    project = barrels(PROBLEMS[0])

    assert len(mentions(project, [project / "contract.yaml"])) > 5


@pytest.mark.parametrize(
    ("problem", "asks"), [("classification", "Will this flight"), ("regression", "How many minutes late")]
)
def test_the_default_description_is_about_the_chosen_problem(bake: Bake, problem: str, asks: str) -> None:
    assert asks in (bake(problem=problem) / "README.md").read_text(encoding="utf-8").splitlines()[2]
