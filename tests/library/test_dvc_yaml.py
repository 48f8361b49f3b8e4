"""dvc.yaml: a stage depends on the packages of the library that it imports, and on no other."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import cd4ml
import pytest
import yaml

TEMPLATE = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>"
LIBRARY = Path(cd4ml.__file__).parent
PREFIX = "cd4ml/src/cd4ml/"
STAGES = yaml.safe_load((TEMPLATE / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PACKAGES = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))

PRINT_ONLY = {"errors.py", "terminal"}  # what these hold is printed; it does not change what a stage writes


def imported(module: Path) -> set[Path]:
    """Return the library's modules that a module imports, wherever in it."""
    candidates = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cd4ml"):
            base = LIBRARY.parent.joinpath(*str(node.module).split("."))
            candidates |= {base.with_suffix(".py")} | {base / f"{alias.name}.py" for alias in node.names}
    return {path for path in candidates if path.exists()}


def closure(module: Path) -> set[Path]:
    """Return a module and all of the library's that it needs."""
    known: set[Path] = set()
    ahead = {module}
    while ahead:
        known |= ahead
        ahead = {needed for path in ahead for needed in imported(path)} - known
    return known


def needed(stage: str) -> set[str]:
    """Return what a stage imports: its own module, and packages."""
    parts = {path.relative_to(LIBRARY).parts[0] for path in closure(LIBRARY / f"pipeline/{stage}.py")}
    return (parts - PRINT_ONLY - {"pipeline"}) | {f"pipeline/{stage}.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_packages_that_it_imports(stage: str) -> None:
    declared = {path.removeprefix(PREFIX) for path in STAGES[stage]["deps"] if path.startswith(PREFIX)}

    assert declared == needed(stage)


@pytest.mark.parametrize("stage", ["train", "package"])
def test_what_uses_the_teams_code_depends_on_it(stage: str) -> None:
    files = {Path(path).name for path in STAGES[stage]["deps"] if path.startswith("src/")}

    assert files == {"features.py", "model.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_failing_stage_leaves_what_was_there(stage: str) -> None:
    outs = STAGES[stage].get("outs", []) + STAGES[stage].get("metrics", []) + STAGES[stage].get("plots", [])

    assert all(settings["persist"] for out in outs for settings in out.values())


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the library and dvc.yaml's own dependencies on it, each stage run: it writes its name."""
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copytree(LIBRARY, folder / PREFIX, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dvcignore", ".gitignore"):
        shutil.copyfile(TEMPLATE / name, folder / name)
    stages = {
        stage: {
            "cmd": f"echo {stage} > {stage}.txt",
            "deps": [path for path in STAGES[stage]["deps"] if path.startswith(PREFIX)],
            "outs": [{f"{stage}.txt": {"persist": True}}],
        }
        for stage in STAGES
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    dvc(folder, "init", "--quiet")
    dvc(folder, "repro", "--quiet")
    return folder


def dvc(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_a_change_in_a_package_makes_exactly_the_stages_stale_that_import_it(pipeline: Path, package: str) -> None:
    module = max((pipeline / PREFIX / package).glob("*.py"))
    before = module.read_bytes()
    module.write_bytes(before + b"# changed\n")
    try:
        stale = {name for name in STAGES if f"{name}:" in dvc(pipeline, "status")}
    finally:
        module.write_bytes(before)

    importers = {stage for stage in STAGES if package in needed(stage) or f"{package}/{module.name}" in needed(stage)}
    assert stale == importers
