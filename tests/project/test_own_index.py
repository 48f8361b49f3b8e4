"""A project takes the library from a package index in place of the folder, as the library's README says."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.engine import DOCKER, docker
from tests.project.baked import Project
from tests.project.package_index import add_empty_wheel, list_wheels, served
from tests.updating import TemplateRepository, commit, git

README = ROOT / "<<cookiecutter.project_slug>>/cd4ml/README.md"
LOGIN = ("reader", "pa ss$1")
SIGNED_IN = {"UV_INDEX_OURS_USERNAME": LOGIN[0], "UV_INDEX_OURS_PASSWORD": LOGIN[1]}
ADA = {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org"}
INSTALL = re.compile(r"^    uv sync --locked .*\n", re.MULTILINE)
WITHOUT_A_DATA_REMOTE = {"ONLY": "lock"}
LEFT_OUT = ("uv run cd4ml pull", "make notebook", "uv run cd4ml lint-workflows")
"""Of ci's commands: there is no remote; the others take longest, and are run in test_notebook.py and test_checks.py."""


def documented(kind: str) -> str:
    """Return what the README's section shows of a kind: toml, for pyproject.toml, or dockerfile."""
    (shown,) = re.findall(rf"^ *```{kind}\n(.*?)```", section(), re.MULTILINE | re.DOTALL)
    return shown if kind == "dockerfile" else re.sub("^ +", "", shown, flags=re.MULTILINE)


def section() -> str:
    return README.read_text(encoding="utf-8").split("## From a package index of your own")[1]


def publish(project: Project, index: Path) -> None:
    """Build the library by the command of the README, and put it into an index."""
    (build,) = re.findall(r"^ *(uv build .*)$", section(), re.MULTILINE)
    project.run(*build.split())
    (index / "simple/cd4ml").mkdir(parents=True)
    (wheel,) = (project.folder / "build/cd4ml").glob("*.whl")
    shutil.copy(wheel, index / "simple/cd4ml")
    list_wheels(index)


def take_from(project: Project, address: str) -> None:
    """Let a project take the library from an index, and delete its folder."""
    pyproject = (project.folder / "pyproject.toml").read_text(encoding="utf-8")
    index = documented("toml").replace("https://packages.example.org", address)
    workspace, sources = (re.escape(f"[tool.uv.{name}]\n") + r".*?\n(?=\n)" for name in ("workspace", "sources"))
    pyproject = re.sub(sources, lambda _: index, re.sub(workspace, "", pyproject, flags=re.DOTALL), flags=re.DOTALL)
    (project.folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    shutil.rmtree(project.folder / "cd4ml")
    lines = (project.folder / "dvc.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith("- cd4ml/")]
    (project.folder / "dvc.yaml").write_text("".join(kept), encoding="utf-8")


def steps(project: Project, job: str) -> list[str]:
    """Return the commands of a job of ci, in order."""
    ci = yaml.safe_load((project.folder / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    return [step["run"] for step in ci["jobs"][job]["steps"] if "run" in step]


@pytest.fixture
def name() -> str:
    return f"own-index:slow-{os.getpid()}"


def engine_on_this_network(folder: Path) -> str:
    """Return a program in place of docker, whose builds reach what listens on this machine's loopback."""
    program = folder / "docker-here"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = build ] && shift && exec {DOCKER} build --network host "$@"\nexec {DOCKER} "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    return str(program)


def test_the_library_comes_from_an_index_once_its_folder_is_deleted(
    engine: None, small: Project, tmp_path: Path, name: str
) -> None:
    publish(small, tmp_path / "index")
    with served(tmp_path / "index", LOGIN) as address:
        take_from(small, address)
        assert small.run("uv", "lock", check=False).returncode != 0  # the index says nothing to strangers
        small.run("uv", "lock", settings=SIGNED_IN)
        small.make("setup", settings=SIGNED_IN)

        place = small.run(small.python, "-c", "import cd4ml; print(cd4ml.__file__)").stdout
        assert Path(place.strip()).is_relative_to(small.folder / ".venv/lib")
        trained = small.make("train").stdout
        assert "Stage 'validate' didn't change" in trained
        assert "Running stage 'train'" in trained  # since it depends on uv.lock
        assert "Data and pipelines are up to date" in small.make("train").stdout
        small.commit("the library comes from our index")
        small.accept()

        dockerfile = (small.folder / "Dockerfile").read_text(encoding="utf-8")
        assert len(INSTALL.findall(dockerfile)) == 1
        dockerfile = INSTALL.sub(lambda _: documented("dockerfile"), dockerfile)
        (small.folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        small.commit("the image, too")
        given = {"IMAGE": name, "DOCKER": engine_on_this_network(tmp_path), "UV_NO_SYNC": "1"}
        try:
            run_ci(small, given)
            history = docker("history", "--no-trunc", name).stdout + docker("image", "inspect", name).stdout
            inside = "import cd4ml, os; print(cd4ml.__file__, os.listdir('library'), sorted(os.environ))"
            found = docker("run", "--rm", name, "python", "-c", inside).stdout
        finally:
            docker("image", "rm", "--force", name, check=False)
    assert re.match(r"/app/\.venv/lib/.*/cd4ml/__init__\.py \[\] ", found)
    assert "UV_INDEX" not in found
    assert LOGIN[1] not in history


def test_an_update_locks_again_from_the_index_once_the_folder_is_deleted(small: Project, tmp_path: Path) -> None:
    template = TemplateRepository(tmp_path / "cookiecutter-cd4ml")
    git(ROOT, "clone", "--quiet", "--no-tags", str(ROOT), str(template.folder))
    git(template.folder, "tag", f"v{template.version}")
    template.append("docs/gate.md", "\nThe template's words.\n")
    commit(template.folder, "newer")
    words = ("update", f"SOURCE={template.folder}", f"REF={git(template.folder, 'rev-parse', 'HEAD')}", "DRY_RUN=1")
    publish(small, tmp_path / "index")
    with served(tmp_path / "index", LOGIN) as address:
        take_from(small, address)
        small.run("uv", "lock", settings=SIGNED_IN)
        small.make("setup", settings=SIGNED_IN)
        small.commit("the library comes from our index")

        planned = small.make(*words, settings=ADA | SIGNED_IN).stdout

    assert "uv.lock: the template's, locked again; " in planned
    assert "the library comes from a package index: " in planned
    assert re.search(r"^docs/gate\.md +updated", planned, re.MULTILINE)


def run_ci(project: Project, given: dict[str, str]) -> None:
    """Run the steps of ci that look at the code and at the model, each with what it gets in a workflow."""
    for command in dict.fromkeys((*steps(project, "code"), *steps(project, "model"))):
        if command in LEFT_OUT:
            continue
        secrets = SIGNED_IN if command.endswith("build-image") else {}
        printed = project.run("bash", "-c", command, settings=given | WITHOUT_A_DATA_REMOTE | secrets).stdout
        if command.endswith("smoke-image"):
            assert "all 10 are equal to the pipeline's" in printed


Locked = Callable[..., dict[str, str]]


@pytest.fixture
def locked(uv: str, tmp_path: Path) -> Locked:
    """`locked(pyproject)`: the versions that uv locks of cd4ml and of another package, which two indexes have.

    Ours has cd4ml 1.0 and, from somebody who may upload, other 66.0; the public one has other 1.0 and, from a stranger,
    cd4ml 99.0.
    """

    def lock(uv_table: str) -> dict[str, str]:
        folder, ours, public = tmp_path / "project", tmp_path / "ours", tmp_path / "public"
        folder.mkdir()
        for index, packages in ((ours, {"cd4ml": "1.0", "other": "66.0"}), (public, {"cd4ml": "99.0", "other": "1.0"})):
            for package, version in packages.items():
                add_empty_wheel(index, package, version)
        with served(ours) as our_address, served(public) as public_address:
            (folder / "pyproject.toml").write_text(
                '[project]\nname = "houses"\nversion = "0"\nrequires-python = ">=3.11"\n'
                'dependencies = ["cd4ml", "other"]\n\n' + uv_table.replace("https://packages.example.org", our_address),
                encoding="utf-8",
            )
            Project(folder).run(uv, "lock", "--no-cache", settings={"UV_DEFAULT_INDEX": f"{public_address}/simple"})
        packages = tomllib.loads((folder / "uv.lock").read_text(encoding="utf-8"))["package"]
        return {package["name"]: package["version"] for package in packages if package["name"] != "houses"}

    return lock


def test_as_documented_no_package_of_a_strangers_is_taken(locked: Locked) -> None:
    assert locked(documented("toml")) == {"cd4ml": "1.0", "other": "1.0"}


def test_an_index_that_is_not_named_lets_the_public_library_win(locked: Locked) -> None:
    unnamed = documented("toml").replace('cd4ml = { index = "ours" }\n', "")

    assert locked(unnamed)["cd4ml"] == "99.0"


def test_an_index_that_is_not_explicit_may_replace_any_package(locked: Locked) -> None:
    shared = documented("toml").replace("explicit = true\n", "")

    assert locked(shared) == {"cd4ml": "1.0", "other": "66.0"}
