"""`cd4ml/` is the same in every project: no template expression, no answer, tidy text."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake
from tests.template.conftest import LIBRARY, text_files

EXPRESSION = re.compile(r"<<[^<].*>>|<%|%>|<#|#>|cookiecutter\.(?!main import|json)\w|^\s*#[%|]", re.MULTILINE)
FILES = text_files(LIBRARY)
ANSWERED = ("project_name", "description", "author", "github_owner")


def named(path: Path) -> str:
    return str(path.relative_to(LIBRARY))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_is_copied_as_it_lies_and_never_rendered(bake: Bake, template: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(template, tmp_path / "template") / "<<cookiecutter.project_slug>>/cd4ml"
    text = "<< cookiecutter.project_name >>\n#% if true\nyes\n#% endif\n"
    for name in ("new.py", "src/cd4ml/new.sh"):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "src/cd4ml/new.sh").chmod(0o755)

    project = bake(into=tmp_path / "baked", template=tmp_path / "template")

    for name in ("new.py", "src/cd4ml/new.sh"):
        assert (project / "cd4ml" / name).read_text(encoding="utf-8") == text
    assert os.access(project / "cd4ml/src/cd4ml/new.sh", os.X_OK)


def test_no_file_holds_a_template_expression() -> None:
    assert len(FILES) > 150
    assert [named(path) for path in FILES if EXPRESSION.search(read(path))] == []


def test_no_file_or_folder_is_named_by_a_template_expression() -> None:
    assert [named(path) for path in FILES if "<<" in named(path) or "cookiecutter" in named(path)] == []


def test_no_file_holds_an_answer() -> None:
    """What depends on answers is read from [tool.cd4ml]; a default that stands in the library would be a leftover."""
    questions = json.loads(read(ROOT / "cookiecutter.json"))
    words = [questions[name] for name in ANSWERED]
    words += ["flight-delays", "flight_delays"]  # the slug and the package made of the default name
    answer = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)

    assert answer.search("Flight Delays")
    assert [named(path) for path in FILES if answer.search(read(path))] == []


@pytest.mark.parametrize(
    "expression", ["<< cookiecutter.x >>", "a = <<x>>", "<% if x %>", "#% if x", "  #|", "<# x #>"]
)
def test_the_search_finds_an_expression(expression: str) -> None:
    assert EXPRESSION.search(f"first line\n{expression}\n")


def test_every_file_ends_with_one_newline_and_only_scripts_can_be_executed() -> None:
    for path in FILES:
        text = read(path)
        if path.name == "py.typed":
            assert text == ""
            continue
        assert text.endswith("\n"), named(path)
        assert not text.endswith("\n\n"), named(path)
        assert not text.startswith("\n"), named(path)
        assert "\r" not in text, named(path)
        assert os.access(path, os.X_OK) == text.startswith("#!"), named(path)


def test_its_readme_lists_every_package_in_the_order_in_which_they_may_import() -> None:
    contract = tomllib.loads(read(LIBRARY / "pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    layers = [name.removeprefix("cd4ml.") for name in reversed(contract["layers"])]
    laid_out = read(LIBRARY / "README.md").partition("| package | what it does |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `(\w+)` \|", laid_out, re.MULTILINE) == [name for name in layers if name != "__main__"]
