"""The example is data, a contract, parameters, features and its own tests: nothing else knows about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.fast.conftest import PROBLEMS, text_files

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


def belongs_to_the_example(path: str) -> bool:
    return (
        path in ("contract.yaml", "params.yaml", "src/barrel_tasting/features.py")
        or path.startswith("data/source/")
        or re.fullmatch(r"tests/\w+/test_example\w*\.py", path) is not None
    )


@pytest.mark.parametrize("problem", PROBLEMS)
def test_words_of_the_example_stay_in_its_own_files(bake: Bake, problem: str) -> None:
    project = bake(**ANSWERS, problem=problem)

    found = []
    for path in text_files(project):
        name = str(path.relative_to(project))
        if belongs_to_the_example(name):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if WORDS.search(line):
                found.append(f"{name}:{number}: {line.strip()}")
    assert found == []


def test_the_search_finds_what_it_looks_for(bake: Bake) -> None:
    contract: Path = bake(**ANSWERS) / "contract.yaml"

    assert len(WORDS.findall(contract.read_text(encoding="utf-8"))) > 5
