"""Projects that were baked, installed from their shipped lock and trained, once for all tests that use them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake
from tests.slow.baked import Project
from tests.slow.github import GitHub
from tests.slow.google.shop import images as images
from tests.slow.google.shop import live as live
from tests.slow.google.shop import shipped as shipped
from tests.slow.google.shop import shop as shop

SLOW = Path(__file__).parent
LONGEST = ("test_delivery.py", "test_delivery_failures.py", "test_first_day.py", "test_generated_project.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as slow, and let the files that take longest begin first."""
    for item in items:
        if SLOW in item.path.parents:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def uv(need: Callable[[str, object, str], None]) -> str:
    """The uv that the projects' Makefiles will find."""
    found = shutil.which("uv")
    need("uv", found, "uv is not on the PATH")
    return str(found)


def _trained(bake: Bake, folder: Path, problem: str, small: bool = False) -> Project:
    project = Project(bake(into=folder, problem=problem))
    if small:
        project.replace("params.yaml", "2013-07-31", "2013-02-28")
        project.replace("params.yaml", "iterations: 100", "iterations: 10")
        project.replace("params.yaml", "bootstrap_rounds: 1000", "bootstrap_rounds: 100")
    project.commit("as generated")
    project.make("train")
    project.commit("trained")
    return project


@pytest.fixture(scope="session")
def classifier(bake: Bake, tmp_path_factory: pytest.TempPathFactory, uv: str) -> Project:
    """The default project, trained and committed. Not to be changed: copy it first."""
    return _trained(bake, tmp_path_factory.mktemp("classification"), "classification")


@pytest.fixture(scope="session")
def regressor(bake: Bake, tmp_path_factory: pytest.TempPathFactory, uv: str) -> Project:
    """The same with minutes to predict. Not to be changed: copy it first."""
    return _trained(bake, tmp_path_factory.mktemp("regression"), "regression")


@pytest.fixture
def project(classifier: Project, tmp_path: Path) -> Project:
    """A copy of the default project, trained and committed, to do anything with."""
    return classifier.copy(tmp_path)


@pytest.fixture(scope="session")
def quick(bake: Bake, tmp_path_factory: pytest.TempPathFactory, uv: str) -> Project:
    """The default project on two months with a tenth of the trees, trained and committed. Not to be changed."""
    return _trained(bake, tmp_path_factory.mktemp("quick"), "classification", small=True)


@pytest.fixture
def small(quick: Project, tmp_path: Path) -> Project:
    """A copy of the small project, to do anything with."""
    return quick.copy(tmp_path)


@pytest.fixture(scope="session")
def need_runner(need: Callable[[str, object, str], None]) -> None:
    """What runs generated workflows is installed."""
    installed = shutil.which("node") and (ROOT / "build/workflow-runner/node_modules").is_dir()
    need("workflow-runner", installed, "the workflow runner is not installed: make workflow-runner")


@pytest.fixture
def github(need_runner: None, tmp_path: Path) -> Iterator[GitHub]:
    """An empty private repository on a GitHub of its own, which runs the workflows that are pushed to it."""
    with GitHub(tmp_path / "github") as github:
        yield github
