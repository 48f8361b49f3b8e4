"""What pages name exists: verbs of make, verbs of the command line, files, settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.adoption.canvas import EXAMPLE
from cd4ml.settings.params import Params
from cd4ml.terminal.verbs import VERBS

from tests.conftest import ROOT
from tests.template.conftest import DEFAULT, PLAINEST, PLATFORMS, TEMPLATE

OF_MAKE = re.compile(r"(?:`|^)make ([a-z][a-z-]*)", re.MULTILINE)
OF_CD4ML = re.compile(r"(?:`|^|uv run )cd4ml ([a-z][a-z-]*)", re.MULTILINE)
PATH = re.compile(r"`((?:[\w.-]+/)*[\w-]*\.?[\w-]+/?)`")
MADE_LATER = {".cd4ml.toml", ".env", "data/validated.json", "dvc.lock", "models/", "reports/"}
"""By generation, by who has secrets, by training."""
POINT = re.compile(r"^- \*\*(.+?)\*\*", re.MULTILINE)


@pytest.fixture(params=PLATFORMS)
def project(request: pytest.FixtureRequest, combination: Callable[[str], Path]) -> Path:
    return combination(PLAINEST[request.param])


def pages(project: Path) -> dict[Path, str]:
    library = [project / "cd4ml/README.md", *(project / "cd4ml/docs").glob("*.md")]
    paths = [project / "README.md", project / "AGENTS.md", *(project / "docs").glob("*.md"), *library]
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


def targets_of(folder: Path) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (folder / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_every_verb_of_make_exists_that_the_templates_pages_name() -> None:
    """Those of a changelog may be gone since."""
    ours = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {(page.name, verb) for page in ours for verb in OF_MAKE.findall(page.read_text(encoding="utf-8"))}

    assert len(named) > 20
    assert {(page, verb) for page, verb in named if verb not in targets_of(ROOT) | targets_of(TEMPLATE)} == set()


def test_every_verb_of_make_exists(project: Path) -> None:
    targets = targets_of(project)
    named = {(path.name, verb) for path, text in pages(project).items() for verb in OF_MAKE.findall(text)}

    assert len(named) > 20
    assert {(page, verb) for page, verb in named if verb not in targets} == set()


def test_every_verb_of_the_command_line_exists(project: Path) -> None:
    named = {(path.name, verb) for path, text in pages(project).items() for verb in OF_CD4ML.findall(text)}

    assert named
    assert {(page, verb) for page, verb in named if verb not in VERBS} == set()


def test_every_path_and_setting_that_agents_md_names_exists(project: Path) -> None:
    text = (project / "AGENTS.md").read_text(encoding="utf-8")
    named = {name for name in PATH.findall(text) if "/" in name or "." in name} | {"Makefile", "Dockerfile"}
    beside = {path.name for path in (project / "src").glob("*/*.py")}
    settings = {name for name in named - beside if name.partition(".")[0] in Params.model_fields}

    assert len(named - settings) > 20
    assert {name for name in named - settings - MADE_LATER - beside if not (project / name).exists()} == set()
    for section, _, key in (name.partition(".") for name in settings):
        fields = Params.model_fields[section].annotation
        assert key in getattr(fields, "model_fields", {}), f"{section}.{key}"
