"""The commands of README.md and docs/ do what these say, in a fresh clone, in the order in which they stand there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project.baked import Project, free_port, stop
from tests.waiting import wait_for

WHO = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def commands(page: str, heading: str) -> list[str]:
    """Return the lines of the shell blocks under a heading of a page."""
    section = re.split(r"^##? ", (ROOT / page).read_text(encoding="utf-8"), flags=re.M)
    text = next(part for part in section if part.startswith(heading))
    return [line for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S) for line in block.splitlines()]


def answered(project: Project, command: str) -> str:
    """Return what a command printed; nothing if it failed."""
    done = project.run("bash", "-euc", command, check=False)
    return "" if done.returncode else done.stdout


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


def test_the_command_that_readme_begins_with(clone: Project, uv: str) -> None:
    assert commands("README.md", "cookiecutter-cd4ml") == ["make demo"]

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


def test_start_a_project_by_its_page(clone: Project, uv: str, tmp_path: Path) -> None:
    page = "docs/start-a-project.md"
    generate, generate_another = commands(page, "1. Generate it")
    train, serve, predict, *keep = commands(page, "2. Train it")
    adopt, *commit_own = commands(page, "3. Use your own table")
    gate, *commit_verdict = commands(page, "4. Let it be judged")
    assert commands("README.md", "Start your own") == [generate, train, serve, predict]
    assert generate_another.startswith(f"{generate} --no-input ")
    here = f"git+file://{clone.folder}"

    Project(tmp_path).run("bash", "-c", generate_another.replace("gh:OWNER/cookiecutter-cd4ml", here))

    project = Project(tmp_path / "house-prices")
    assert (project.folder / "docs/fargate.md").exists()
    project.shorten()
    project.run("bash", "-euc", train)
    url = f"http://127.0.0.1:{free_port()}"
    service = project.start(*serve.split(), f"PORT={url.rpartition(':')[2]}", log=tmp_path / "service.log")
    try:
        asked = wait_for(lambda: answered(project, f"{predict} URL={url}"), (tmp_path / "service.log").read_text)
    finally:
        stop(service)
    assert "probabilities" in asked
    project.run("bash", "-euc", "\n".join(keep), settings=WHO)
    rows = "\n".join(f"{i % 97},{'abc'[i % 3]},{(i % 97) * 3 + i * 37 % 101}" for i in range(900))
    (project.folder / "houses.csv").write_text(f"size,quarter,price\n{rows}\n", encoding="utf-8")
    project.run("bash", "-euc", adopt)
    project.run("bash", "-euc", "\n".join(commit_own), settings=WHO)
    assert "may be released" in project.run("bash", "-euc", gate).stdout
    project.run("bash", "-euc", "\n".join(commit_verdict), settings=WHO)
    assert project.run("git", "status", "--porcelain").stdout == ""
