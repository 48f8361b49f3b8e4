"""A small table of houses, and what the pipeline makes of it: the code is tested without your data and features."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cd4ml.cli import main
from github_server import REPOSITORY, GitHubServer
from trained_repository import make, run

TARGETS = {
    "binary": "{name: sold_fast, type: boolean}",
    "multiclass": "{name: kind, type: category}",
    "regression": "{name: price, type: number, unit: thousand}",
}

CONTRACT = """\
name: houses
description: Houses that were sold
id: house_id
time: sold_on
target: TARGET
columns:
  size: {type: number, min: 0, max: 500, unit: m², example: 120.5}
  rooms: {type: integer, min: 1, max: 30}
  heated: {type: boolean, nullable: true}
  district: {type: category, values: [north, south, east]}
  street: {type: category, nullable: true}
  built: {type: timestamp, nullable: true}
"""

PARAMS = """\
data:
  source: houses.csv
  until: "2024-06-30"
split:
  holdout_days: 60
model:
  iterations: 10
"""

PYPROJECT = """\
[project]
name = "houses"
urls = { Repository = "https://github.com/octo-org/houses" }

[tool.cd4ml]
package = "houses"
platform = "cloud-run"
credentials = "service-account"
registry = "cloud"
"""

TEAM = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/src/<<cookiecutter.__package>>"
MODEL = (TEAM / "model.py").read_text(encoding="utf-8")  # the example's: nothing in it knows of flights

FEATURES = '''\
"""The age of a house, in years, beside its columns."""

import numpy as np


def derive(columns):
    features = dict(columns)
    features["age"] = (np.datetime64("2024-07-01") - features.pop("built")) / np.timedelta64(365, "D")
    return features
'''


def houses(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return a table of houses that keeps the contract, with nulls where it allows them."""
    rng = np.random.default_rng(seed)
    streets = pd.Series(rng.choice(["High Street", "Mill Lane", "Elm Road"], rows))
    size, rooms = rng.uniform(20, 300, rows).round(1), rng.integers(1, 12, rows)
    heated = rng.choice(["true", "false", None], rows, p=[0.6, 0.3, 0.1])
    built = pd.Series(pd.Timestamp("1900-01-01") + pd.to_timedelta(rng.integers(0, 43_000, rows), "D"))
    score = size / 100 + (heated == "true") + rng.normal(0, 0.5, rows)
    return pd.DataFrame(
        {
            "house_id": [f"house-{number}" for number in range(rows)],
            "sold_on": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) % 182, "D"),
            "size": size,
            "rooms": rooms,
            "heated": heated,
            "district": rng.choice(["north", "south", "east"], rows),
            "street": streets.mask(rng.random(rows) < 0.1),
            "built": built.mask(rng.random(rows) < 0.1),
            "sold_fast": score > 2,
            "kind": pd.cut(score, [-9, 1.5, 2.5, 9], labels=["flat", "terrace", "villa"]).astype(object),
            "price": score * 100 + 300,
        }
    )


class Project:
    """A folder with a contract, parameters, features and a table, and the pipeline's stages to run in it."""

    def __init__(self, folder: Path, problem: str = "binary") -> None:
        self.folder = folder
        self.write("contract.yaml", CONTRACT.replace("TARGET", TARGETS[problem]))
        self.write("params.yaml", PARAMS)
        self.write("pyproject.toml", PYPROJECT)
        for name, text in (("__init__.py", '"""Houses."""\n'), ("features.py", FEATURES), ("model.py", MODEL)):
            self.write(f"src/houses/{name}", text)
        self.write("uv.lock", "version = 1\n")
        self.table = houses()

    @property
    def table(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "houses.csv")

    @table.setter
    def table(self, table: pd.DataFrame) -> None:
        table.to_csv(self.folder / "houses.csv", index=False)

    @property
    def bundle(self) -> Path:
        return self.folder / "models/bundle"

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def read_json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def run(self, *stages: str) -> None:
        """Run stages as the command line does."""
        with self.inside():
            for stage in stages:
                import_module(f"cd4ml.pipeline.{stage}").run()

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Work in the project's folder, and forget its package afterwards: other projects have one of this name."""
        before = [*sys.path]
        try:
            with contextlib.chdir(self.folder):
                yield
        finally:
            sys.path[:] = before
            for name in [name for name in sys.modules if name.partition(".")[0] == "houses"]:
                del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose problem is binary, before its first stage."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def tiny_projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project of each problem, run up to its bundle. Not to be changed: copy it first."""
    made = {}
    for problem in TARGETS:
        made[problem] = Project(tmp_path_factory.mktemp(problem), problem)
        made[problem].run("ingest", "validate", "split", "train", "package")
    return made


@pytest.fixture(scope="session")
def large_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose problem is binary and that has 3,000 houses, run up to its bundle. Not to be changed."""
    made = Project(tmp_path_factory.mktemp("large"))
    made.table = houses(rows=3000)
    made.run("ingest", "validate", "split", "train", "package")
    return made


@pytest.fixture(scope="session")
def tiny_bundles(tiny_projects: dict[str, Project]) -> dict[str, Path]:
    """The folder of a bundle of each problem. Not to be changed."""
    return {problem: project.bundle for problem, project in tiny_projects.items()}


@pytest.fixture(scope="session")
def tiny_bundle(tiny_bundles: dict[str, Path]) -> Path:
    """The folder of a binary problem's bundle. Not to be changed."""
    return tiny_bundles["binary"]


@pytest.fixture
def github_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    """A GitHub, which the environment names, and a token for it."""
    server = GitHubServer()
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("GITHUB_TOKEN", "geheim")
    monkeypatch.setenv("GITHUB_API_URL", server.address)
    yield server
    server.close()


@pytest.fixture(scope="session")
def made_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a trained model, `houses`, and its origin, which has main. Not to be changed: copy them."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "houses").mkdir()
        patch.chdir(folder / "houses")
        make(folder / "houses")
        run("git", "clone", "--quiet", "--bare", ".", str(folder / "origin.git"))
    return folder


@pytest.fixture
def origin(made_repository: Path, tmp_path: Path) -> Path:
    """A copy of the trained repository's origin."""
    return Path(shutil.copytree(made_repository / "origin.git", tmp_path / "origin.git"))


@pytest.fixture
def repository(made_repository: Path, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained repository, which is the working directory."""
    folder = Path(shutil.copytree(made_repository / "houses", tmp_path / "houses", symlinks=True))
    monkeypatch.chdir(folder)
    run("git", "remote", "add", "origin", str(origin))
    return folder


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Run a verb as a workflow's step does; return its outputs."""

    def outputs(verb: str, *, fails: bool = False, **settings: str) -> dict[str, str]:
        file = tmp_path / "outputs"
        file.write_text("", encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"GITHUB_OUTPUT": str(file), **settings}.items():
                patch.setenv(name, value)
            assert main([verb]) == fails
        return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())

    return outputs


@pytest.fixture(scope="session", autouse=True)
def _no_workflow() -> Iterator[None]:
    """Let tests say nothing to a workflow that they run in, and know nothing of what it, or a shell, has set."""
    told = ("GITHUB_", "GCP_", "AWS_", "AZURE_", "SERVICE_", "SET_")
    named = {
        "GH_TOKEN", "OBJECTS", "SIGNED_IN", "REASON", "FORCE", "HEAD_BRANCH", "RELEASE", "IMAGE",
        "ENVIRONMENT", "CAN_PUBLISH", "PULL_REQUEST", "MODEL_RESULT", "TESTS",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(told) or name in named]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _in_a_clean_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
