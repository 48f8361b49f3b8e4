"""dvc.yaml: a stage depends on exactly the packages of the library that it imports, and on the team's code it uses."""

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
TEAM = "src/<< cookiecutter.__package >>"
STAGES = yaml.safe_load((TEMPLATE / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PACKAGES = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))

PRINT_ONLY = {"errors.py", "terminal"}  # they change what a stage prints, not what it writes


def direct_imports(module: Path) -> set[Path]:
    """Return the library's modules that a module imports, anywhere in it."""
    candidates = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cd4ml"):
            base = LIBRARY.parent.joinpath(*str(node.module).split("."))
            candidates |= {base.with_suffix(".py")} | {base / f"{alias.name}.py" for alias in node.names}
    return {path for path in candidates if path.exists()}


def all_imports(module: Path) -> set[Path]:
    """Return a module and the library's modules that it imports, directly or through others."""
    modules: set[Path] = set()
    added = {module}
    while added:
        modules |= added
        added = {path for other in added for path in direct_imports(other)} - modules
    return modules


def expected_dependencies(stage: str) -> set[str]:
    """Return a stage's own module, and the packages that it imports."""
    parts = {path.relative_to(LIBRARY).parts[0] for path in all_imports(LIBRARY / f"pipeline/{stage}.py")}
    return (parts - PRINT_ONLY - {"pipeline"}) | {f"pipeline/{stage}.py"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_packages_that_it_imports(stage: str) -> None:
    declared = {path.removeprefix(PREFIX) for path in STAGES[stage]["deps"] if path.startswith(PREFIX)}

    assert declared == expected_dependencies(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_uses_the_teams_code_depends_on_it(stage: str) -> None:
    files = {path.removeprefix(TEAM) for path in STAGES[stage]["deps"] if path.startswith(TEAM)}

    both = {"/features.py", "/model.py"}
    assert files == {"train": both, "package": both, "split": {""}, "evaluate": {""}}.get(stage, set())


@pytest.mark.parametrize("stage", STAGES)
def test_a_failing_stage_keeps_the_outputs_of_the_last_run(stage: str) -> None:
    outs = STAGES[stage].get("outs", []) + STAGES[stage].get("metrics", []) + STAGES[stage].get("plots", [])

    assert all(settings["persist"] for out in outs for settings in out.values())


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the library, the team's package and the dependencies on them of dvc.yaml; all stages ran."""
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copytree(LIBRARY, folder / PREFIX, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(TEMPLATE / "src/<<cookiecutter.__package>>", folder / TEAM)
    for name in (".dvcignore", ".gitignore"):
        shutil.copyfile(TEMPLATE / name, folder / name)
    stages = {
        stage: {
            "cmd": f"echo {stage} > {stage}.txt",
            "deps": [path for path in STAGES[stage]["deps"] if path.startswith((PREFIX, TEAM))],
            "outs": [{f"{stage}.txt": {"persist": True}}],
        }
        for stage in STAGES
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    dvc(folder, "init", "--quiet")
    dvc(folder, "repro", "--quiet")
    return folder


def dvc(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
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

    names = {package, f"{package}/{module.name}"}
    assert stale == {stage for stage in STAGES if names & expected_dependencies(stage)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("features.py", {"train", "package", "split", "evaluate"}),
        ("model.py", {"train", "package", "split", "evaluate"}),
        ("metrics.py", {"split", "evaluate"}),
        ("split.py", {"split", "evaluate"}),
        ("model_card.md.jinja", {"split", "evaluate"}),
        ("__pycache__/split.cpython-311.pyc", set()),
    ],
)
def test_a_file_of_the_team_that_appears_changes_or_vanishes_makes_its_stages_stale(
    pipeline: Path, name: str, expected: set[str]
) -> None:
    file = pipeline / TEAM / name
    before = file.read_bytes() if file.exists() else None
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((before or b"") + b"# changed")
    try:
        stale = {stage for stage in STAGES if f"{stage}:" in dvc(pipeline, "status")}
    finally:
        file.unlink() if before is None else file.write_bytes(before)

    assert stale == expected
    assert not {stage for stage in STAGES if f"{stage}:" in dvc(pipeline, "status")}
