"""The README's commands do what it says, in a fresh clone, in the order in which they stand there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project.baked import Project


def commands(heading: str) -> list[str]:
    """Return the lines of the shell blocks under a heading of the README."""
    section = re.split(r"^## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M)
    text = next(part for part in section if part.startswith(heading))
    return [line for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S) for line in block.splitlines()]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A fresh clone of the template as it is here: every file that git tracks or would."""
    origin, folder = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            (origin / name).write_bytes((ROOT / name).read_bytes())
            (origin / name).chmod((ROOT / name).stat().st_mode)
    project = Project(origin)
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.commit("the template")
    project.run("git", "clone", "--quiet", str(origin), str(folder / "cookiecutter-cd4ml"))
    return Project(folder / "cookiecutter-cd4ml")


def test_two_commands(clone: Project, uv: str) -> None:
    assert commands("Two commands") == ["make demo", "make test"]

    demo = clone.make("demo").stdout
    print(demo)
    for word in ("probability", "roc_auc", "lineage", "the service is stopped", "start it again"):
        assert word in demo
    # `make test-all` begins with all of them, on all processors
    some = {"PYTEST_ADDOPTS": "-k 'test_versions or test_atomic'", "PYTEST_XDIST_AUTO_NUM_WORKERS": "0"}
    assert " passed" in clone.make("test", settings=some).stdout
    assert clone.run("git", "status", "--porcelain").stdout == ""


def test_the_demo_redoes_only_what_changed(clone: Project, uv: str) -> None:
    again = clone.make("demo").stdout
    clone.replace("<<cookiecutter.project_slug>>/params.yaml", "bootstrap_rounds: 1000", "bootstrap_rounds: 300")
    changed = clone.make("demo").stdout

    assert "Running stage" not in again
    assert re.findall(r"Running stage '(\w+)'", changed) == ["evaluate"]


def test_start_your_own(clone: Project, uv: str, tmp_path: Path) -> None:
    start, train, serve, predict = commands("Start your own")
    assert (train, serve, predict) == ("make train", "make serve", "make predict")
    here = Project(tmp_path)

    here.run("bash", "-c", start.replace("gh:OWNER/cookiecutter-cd4ml", f"git+file://{clone.folder}") + " --no-input")

    project = Project(tmp_path / "flight-delays")
    project.shorten()
    project.make("train")
    assert (project.folder / "models/bundle/bundle.json").exists()
