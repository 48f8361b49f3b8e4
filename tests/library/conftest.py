"""Fixtures: a project with a small table of houses, before and after its stages, and as a trained git repository."""

import copy
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cd4ml.cli import main
from github_server import REPOSITORY, GitHubServer
from house_project import LINEAR_FEATURES, LINEAR_MODEL, TARGETS, Project, houses
from trained_repository import make_repository, run

if TYPE_CHECKING:
    from browser import Visit
    from candidate_models import CandidateModels
    from cd4ml.bundle.bundle import Bundle
    from playwright.sync_api import Browser
    from tracked_project import TrackedProject


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A binary project, before its first stage. It is the working directory."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def tiny_projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project of each task, with a bundle, by task. Do not change them: make a copy."""
    projects = {task: Project(tmp_path_factory.mktemp(task), task) for task in TARGETS}
    for project in projects.values():
        project.run("ingest", "validate", "split", "train", "package")
    return projects


@pytest.fixture(scope="session")
def projects_with_reports(
    tiny_projects: dict[str, Project], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Project]:
    """A project of each task, with a bundle and its reports, by task. Do not change them: make a copy."""
    copies = {name: project.copy_to(tmp_path_factory.mktemp(name) / "copy") for name, project in tiny_projects.items()}
    for project in copies.values():
        project.run("evaluate")
    return copies


@pytest.fixture(scope="session")
def large_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A binary project with 3,000 houses and a bundle. Do not change it: make a copy."""
    project = Project(tmp_path_factory.mktemp("large"))
    project.table = houses(rows=3000)
    project.run("ingest", "validate", "split", "train", "package")
    return project


@pytest.fixture(scope="session")
def linear_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A binary project with a bundle, whose model is linear. Do not change it: make a copy."""
    project = Project(tmp_path_factory.mktemp("linear"))
    project.write("src/houses/features.py", LINEAR_FEATURES)
    project.write("src/houses/model.py", LINEAR_MODEL)
    project.run("ingest", "validate", "split", "train", "package")
    return project


@pytest.fixture(scope="session")
def tiny_bundles(tiny_projects: dict[str, Project]) -> dict[str, Path]:
    """The folder of a bundle of each task, by task. Do not change them."""
    return {task: project.bundle for task, project in tiny_projects.items()}


@pytest.fixture(scope="session")
def tiny_bundle(tiny_bundles: dict[str, Path]) -> Path:
    """The folder of a binary bundle. Do not change it."""
    return tiny_bundles["binary"]


@pytest.fixture(scope="session")
def evaluated_project(tiny_projects: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A binary project with a bundle, its reports and an empty MLflow database. Do not change it: make a copy."""
    import mlflow  # takes two seconds, which most tests do not need

    project = copy.copy(tiny_projects["binary"])
    project.folder = tmp_path_factory.mktemp("evaluated") / "project"
    shutil.copytree(tiny_projects["binary"].folder, project.folder)
    project.run("evaluate")
    mlflow.MlflowClient(f"sqlite:///{project.folder}/mlflow.db").search_experiments()
    return project


@pytest.fixture
def track(
    evaluated_project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> "TrackedProject":
    """A copy of the evaluated project, with the database in its folder; `track("--check")` runs the verb in it."""
    from tracked_project import TrackedProject

    folder = Path(shutil.copytree(evaluated_project.folder, tmp_path / "project"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")  # absolute: MLflow keeps engines by URI
    return TrackedProject(folder, capsys)


@pytest.fixture(scope="session")
def committed_project(large_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository on `main` with the large project's bundle committed. Do not change it: make a copy."""
    from committed_project import make_repository as commit_project

    folder = large_project.copy_to(tmp_path_factory.mktemp("committed") / "houses").folder
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        commit_project()
    return folder


@pytest.fixture(name="houses")
def _houses(committed_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that repository, which is the working directory."""
    folder = Path(shutil.copytree(committed_project, tmp_path / "houses", symlinks=True))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def candidates(large_project: Project, tmp_path_factory: pytest.TempPathFactory) -> "CandidateModels":
    """Models of the large project for the gate to judge."""
    from candidate_models import CandidateModels

    return CandidateModels(large_project.copy_to(tmp_path_factory.mktemp("candidates") / "copy"))


@pytest.fixture(scope="module")
def champion(candidates: "CandidateModels") -> "Bundle":
    """The bundle of a good model, to compare others with. Its folder holds another bundle by then."""
    bundle = candidates.bundle(candidates.good_model())
    bundle.folder = Path("overwritten")
    return bundle


@pytest.fixture
def with_metrics(tiny_projects: dict[str, Project], tmp_path: Path) -> Callable[..., Project]:
    """`with_metrics(text, main metric, task)`: a copy of a project with a bundle, with this metrics.py."""
    import own_metrics

    def make(text: str, metric: str = "auto", task: str = "binary") -> Project:
        return own_metrics.with_metrics(tiny_projects[task], tmp_path / "copy", text, metric)

    return make


@pytest.fixture
def small_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verb `tune` fits small decision trees, which takes milliseconds, and finds no MLflow server."""
    from tunable_project import use_small_tree

    use_small_tree(monkeypatch)


@pytest.fixture
def tunable_project(project: Project, small_tree: None) -> Project:
    """A project with a tree that is far too small, and a space of better values; its rows are split."""
    from tunable_project import make_tunable

    return make_tunable(project)


@pytest.fixture
def github_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    """A server with GitHub's API, to which the environment variables point, with a token for it."""
    server = GitHubServer()
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("GITHUB_TOKEN", "geheim")
    monkeypatch.setenv("GITHUB_API_URL", server.address)
    yield server
    server.close()


@pytest.fixture(scope="session")
def repository_and_origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `houses`, a repository with a trained model, and `origin.git`. Do not change them: copy them."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "houses").mkdir()
        patch.chdir(folder / "houses")
        make_repository(folder / "houses")
        run("git", "clone", "--quiet", "--bare", ".", str(folder / "origin.git"))
    return folder


@pytest.fixture
def origin(repository_and_origin: Path, tmp_path: Path) -> Path:
    """A copy of the trained repository's origin."""
    return Path(shutil.copytree(repository_and_origin / "origin.git", tmp_path / "origin.git"))


@pytest.fixture
def repository(repository_and_origin: Path, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained repository, which is the working directory."""
    folder = Path(shutil.copytree(repository_and_origin / "houses", tmp_path / "houses", symlinks=True))
    monkeypatch.chdir(folder)
    run("git", "remote", "add", "origin", str(origin))
    return folder


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """A function that runs a verb as a step of a workflow does, and returns the step's outputs."""

    def outputs(verb: str, *arguments: str, fails: bool = False, **settings: str) -> dict[str, str]:
        file = tmp_path / "outputs"
        file.write_text("", encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"GITHUB_OUTPUT": str(file), **settings}.items():
                patch.setenv(name, value)
            assert main([verb, *arguments]) == fails
        return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())

    return outputs


@pytest.fixture(scope="module")
def chromium(need: Callable[[str, object, str], None]) -> "Iterator[Browser]":
    """Chromium, started once."""
    need("chromium", find_spec("playwright"), "Playwright is not installed: uv sync --group slow")
    import browser

    need("chromium", browser.program(), "Chromium is not installed: apt-get install chromium")
    with browser.chromium() as started:
        yield started


@pytest.fixture
def visit(chromium: "Browser") -> "Iterator[Callable[..., Visit]]":
    """`visit(url, **settings of the context)`: the page of a service; nothing may come from elsewhere, or complain."""
    from browser import Visit

    visits: list[Visit] = []

    def make(url: str, **settings: object) -> Visit:
        visits.append(Visit(chromium, url, **settings))
        return visits[-1]

    yield make
    for each in visits:
        assert each.outside == []
        assert each.complaints == []
        each.context.close()


@pytest.fixture(scope="module")
def services(projects_with_reports: dict[str, Project]) -> Iterator[dict[str, str]]:
    """The URL of a service of each task, by task, started once."""
    from running_service import serving

    with ExitStack() as started:
        yield {
            task: started.enter_context(serving(project.bundle))[1] for task, project in projects_with_reports.items()
        }


@pytest.fixture(scope="session", autouse=True)
def _outside_a_workflow() -> Iterator[None]:
    """Remove the variables by which a workflow, or the user's shell, would change what the tests do."""
    prefixes = ("GITHUB_", "GCP_", "AWS_", "AZURE_", "SCORE_", "SERVICE_", "SET_")
    names = {
        "GH_TOKEN", "OBJECTS", "SIGNED_IN", "REASON", "FORCE", "HEAD_BRANCH", "RELEASE", "IMAGE",
        "ENVIRONMENT", "CAN_PUBLISH", "PULL_REQUEST", "MODEL_RESULT", "TESTS", "OPTUNA_STORAGE",
        "SLACK_WEBHOOK_URL", "TEAMS_WEBHOOK_URL", "PREDICTION_LOG", "MONITOR_RESULT", "SCHEDULES",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(prefixes) or name in names]:
            patch.delenv(name)
        yield


@pytest.fixture
def _variables() -> Iterator[None]:
    """Bring back the environment variables after a test: verbs set some, and MLflow others.

    It is set up before monkeypatch, and so ends after it: monkeypatch brings back what a variable was when it first
    changed it, which a verb or another fixture may have set in the same test.
    """
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(_variables: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working directory; git has no settings but a name."""
    (tmp_path / "gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    return tmp_path / "folder"
