"""dvc.yaml names every file that a stage's result depends on, so that nothing stale is ever taken for current."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import cd4ml as package

ROOT = Path(__file__).parents[2]
SOURCE = Path(package.__file__).parent
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]

# What these hold is said to a person, or says where a file lies; it does not change what a stage writes.
SPEAK_ONLY = {"__init__", "atomic", "errors", "paths", "progress"}


def imported(module: Path) -> set[Path]:
    """Return the package's modules that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = module.parents[node.level - 1]
            base = folder.joinpath(*(node.module or "").split(".")) if node.module else folder
            found |= {base / alias.name for alias in node.names} | {base}
    files = {path.with_suffix(".py") for path in found} | {path / "__init__.py" for path in found}
    return {path for path in files if path.exists()}


def closure(module: Path) -> set[Path]:
    """Return a module and all of the package's that it needs."""
    known: set[Path] = set()
    ahead = {module}
    while ahead:
        known |= ahead
        ahead = {needed for path in ahead for needed in imported(path)} - known
    return known


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_code_that_it_runs(stage):
    needed = {path for path in closure(SOURCE / f"pipeline/{stage}.py") if path.stem not in SPEAK_ONLY}
    if stage in ("train", "package"):
        needed.add(SOURCE / "features.py")

    declared = [ROOT / path for path in STAGES[stage]["deps"]]

    missing = {path for path in needed if not any(path == known or known in path.parents for known in declared)}
    assert sorted(path.relative_to(ROOT).as_posix() for path in missing) == []
    assert [path.as_posix() for path in declared if SOURCE in path.parents and not path.exists()] == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_failing_stage_leaves_what_was_there(stage):
    outs = STAGES[stage].get("outs", []) + STAGES[stage].get("metrics", []) + STAGES[stage].get("plots", [])

    assert all(settings["persist"] for out in outs for settings in out.values())
