"""What a project's pages name exists: verbs of make, verbs of the command line, files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.adoption.canvas import EXAMPLE
from cd4ml.terminal.verbs import VERBS

from tests.template.conftest import DEFAULT, PLAINEST, PLATFORMS

OF_MAKE = re.compile(r"(?:`|^)make ([a-z][a-z-]*)", re.MULTILINE)
OF_CD4ML = re.compile(r"(?:`|^|uv run )cd4ml ([a-z][a-z-]*)", re.MULTILINE)
POINT = re.compile(r"^- \*\*(.+?)\*\*", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#|reports/)([^)#]+)")  # reports/ is made by the first `make train`


@pytest.fixture(params=PLATFORMS)
def project(request: pytest.FixtureRequest, combination: Callable[[str], Path]) -> Path:
    return combination(PLAINEST[request.param])


def pages(project: Path) -> dict[Path, str]:
    library = [project / "cd4ml/README.md", *(project / "cd4ml/docs").glob("*.md")]
    paths = [project / "README.md", *(project / "docs").glob("*.md"), *library]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def test_the_canvas_answers_each_point_of_the_form_that_adopt_writes(combination: Callable[[str], Path]) -> None:
    for name in (DEFAULT, "regression-MIT"):
        project = combination(name)
        canvas = (project / "docs/canvas.md").read_text(encoding="utf-8")
        form = (project / "cd4ml/src/cd4ml/adoption/canvas_form.md").read_text(encoding="utf-8")

        assert EXAMPLE in canvas
        assert POINT.findall(canvas) == POINT.findall(form)
        assert len(POINT.findall(form)) == 11
        assert "?" not in canvas.split("\n- ", 1)[1].replace("**Is machine learning needed?**", "")


def test_every_verb_of_make_exists(project: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {(path.name, verb) for path, text in pages(project).items() for verb in OF_MAKE.findall(text)}

    assert len(named) > 20
    assert {(page, verb) for page, verb in named if verb not in targets} == set()


def test_every_verb_of_the_command_line_exists(project: Path) -> None:
    named = {(path.name, verb) for path, text in pages(project).items() for verb in OF_CD4ML.findall(text)}

    assert named
    assert {(page, verb) for page, verb in named if verb not in VERBS} == set()


def test_every_link_to_a_file_leads_to_one(project: Path) -> None:
    links = {(path, link) for path, text in pages(project).items() for link in LINK.findall(text)}

    assert links
    assert {(path.name, link) for path, link in links if not (path.parent / link).exists()} == set()
