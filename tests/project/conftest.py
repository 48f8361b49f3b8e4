"""Projects that were baked, installed from their shipped lock and trained, once for all tests that use them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake, Once
from tests.engine import docker
from tests.project.baked import Project
from tests.project.linked_environment import link

HERE = Path(__file__).parent
LONGEST = (
    "test_readme.py",
    "test_generated_project.py",
    "test_tracking.py",
    "test_failures.py",
    "test_sources.py",
    "test_connect_your_data.py",
    "test_foreign_tables.py",
    "test_tune.py",
    "test_image.py",
)


def pytest_configure() -> None:
    """Let mypy remember what it has seen: else it looks for half a minute at what is installed, in each workspace."""
    os.environ.setdefault("MYPY_CACHE_DIR", str(ROOT / "build/mypy-of-projects"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as slow, and let the files that take longest begin first."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def uv(need: Callable[[str, object, str], None]) -> str:
    """The uv that the projects' Makefiles will find."""
    found = shutil.which("uv")
    need("uv", found, "uv is not on the PATH")
    return str(found)


@pytest.fixture(scope="session")
def environment(bake: Bake, once: Once, uv: str) -> Path:
    """An environment as `make setup` makes it. Not to be changed: projects link to it."""

    def make(into: Path) -> None:
        project = Project(bake(into=into))
        project.make("setup")

    (project,) = once("environment", make).iterdir()
    return project / ".venv"


@pytest.fixture(scope="session")
def every_driver(bake: Bake, once: Once, uv: str) -> Path:
    """The same with the drivers of all sources. Not to be changed: projects link to it."""

    def make(into: Path) -> None:
        project = Project(bake(into=into))
        project.replace("Makefile", "ALSO :=\n", "ALSO := s3 gs azure postgresql duckdb snowflake\n")
        project.make("setup")

    (project,) = once("every-driver", make).iterdir()
    return project / ".venv"


@pytest.fixture(scope="session")
def trained_project(
    bake: Bake, once: Once, environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Project]:
    """`trained_project("name", small=False, **answers)`: a copy of a project, trained and committed."""

    def copied(name: str, small: bool = False, **answers: str) -> Project:
        folder = once(f"trained-{name}", lambda into: _train(bake(into=into, **answers), environment, small))
        (project,) = folder.iterdir()
        return Project(project).copy(tmp_path_factory.mktemp(name))

    return copied


def _train(folder: Path, environment: Path, small: bool) -> Project:
    project = Project(folder)
    link(environment, folder)
    if small:
        project.shorten()
    project.commit("as generated")
    project.make("train")
    project.commit("trained")
    return project


@pytest.fixture(scope="session")
def classifier(trained_project: Callable[..., Project]) -> Project:
    """The default project, trained and committed. Not to be changed: copy it first."""
    return trained_project("classification", problem="classification")


@pytest.fixture(scope="session")
def regressor(trained_project: Callable[..., Project]) -> Project:
    """The same with minutes to predict. Not to be changed: copy it first."""
    return trained_project("regression", problem="regression")


@pytest.fixture
def project(classifier: Project, tmp_path: Path) -> Project:
    """A copy of the default project, trained and committed, to do anything with."""
    return classifier.copy(tmp_path)


@pytest.fixture(scope="session")
def quick(trained_project: Callable[..., Project]) -> Project:
    """The default project on two months with a tenth of the trees, trained and committed. Not to be changed."""
    return trained_project("quick", small=True)


@pytest.fixture
def small(quick: Project, tmp_path: Path) -> Project:
    """A copy of the small project, to do anything with."""
    return quick.copy(tmp_path)


@pytest.fixture(scope="module")
def image(engine: None, quick: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """A trained project and the name of its image."""
    project = quick.copy(tmp_path_factory.mktemp("image"))
    project.run("chmod", "-R", "go=", "models", "reports", "cd4ml", "pyproject.toml")  # as if the umask were 077
    name = f"{project.folder.name}:slow-{os.getpid()}"
    project.accept()
    project.make("image", f"IMAGE={name}")
    yield project, name
    docker("image", "rm", "--force", name, check=False)
