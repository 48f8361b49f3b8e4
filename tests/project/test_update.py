"""`make update` as a team meets it: a project of each released version, changed by its team, moves to this one."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project.baked import PATIENCE, Project, environment
from tests.project.linked_environment import link
from tests.updating import TemplateRepository, generate, git

OURS = "def test_ours():\n    assert True\n"
VERSIONS = tomllib.loads((ROOT / "update.toml").read_text(encoding="utf-8"))["versions"]


@pytest.fixture(scope="module")
def upstream(need: Callable[[str, object, str], None], uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository, as the one that a project's record names."""
    known = [commit for commit in VERSIONS.values() if git(ROOT, "cat-file", "-t", commit, check=False) == "commit"]
    need("history", known == list(VERSIONS.values()), "this clone has no history: git fetch --unshallow")
    folder = tmp_path_factory.mktemp("template") / "cookiecutter-cd4ml"
    git(ROOT, "clone", "--quiet", "--no-tags", str(ROOT), str(folder))
    return folder


def made_of(upstream: Path, version: str, into: Path, *answers: str) -> Project:
    """A project of an earlier version, in one commit."""
    checkout = into / "checkout"
    git(upstream, "worktree", "add", "--quiet", "--detach", str(checkout), VERSIONS[version])
    return Project(generate(checkout, into / "projects", *answers))


def grafted(upstream: Path, project: Project, *words: str) -> str:
    """Bring a project without a record to this version, by the template's own verb; return what it printed."""
    command = ["make", "-s", "update", f"PROJECT={project.folder}", *words]
    done = subprocess.run(
        command, cwd=upstream, env=as_ada(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sections(proposed: str) -> list[str]:
    """The sections of params.yaml that an update proposes, as a team copies them."""
    lines = [line.removeprefix("    ") for line in proposed.splitlines()]
    return re.split(r"\n\n(?=\S)", "\n".join(lines))


def as_ada() -> dict[str, str]:
    """A user's environment in which git knows who commits."""
    names = {"user.name": "Ada", "user.email": "ada@example.org"}
    pairs = [(f"GIT_CONFIG_KEY_{i}", name) for i, name in enumerate(names)]
    pairs += [(f"GIT_CONFIG_VALUE_{i}", value) for i, value in enumerate(names.values())]
    return environment(GIT_CONFIG_COUNT=str(len(names)), **dict(pairs))


def test_a_project_of_the_first_version_moves_to_this_one(upstream: Path, environment: Path, tmp_path: Path) -> None:
    project = made_of(upstream, "0.1.0", tmp_path, "author=O'Neil & Søns", "project_name=Delay *bold*")
    project.shorten()
    project.replace("src/delay_bold/model.py", "max_leaf_nodes: int = 31", "max_leaf_nodes: int = 7")
    with (project.folder / "src/delay_bold/table.py").open("a", encoding="utf-8") as file:
        file.write("\n# ours\n")
    (project.folder / "docs/connect-your-data.md").unlink()
    (project.folder / "tests/code/test_ours.py").write_text(OURS, encoding="utf-8")
    project.commit("ours")
    owned = {name: (project.folder / name).read_bytes() for name in ("contract.yaml", "params.yaml")}
    page = (ROOT / "docs/updating-projects.md").read_text(encoding="utf-8")
    plan, update = page.split("```sh\n")[1].split("\n```")[0].splitlines()
    assert plan == f"{update} DRY_RUN=1"
    assert update == "make update PROJECT=../my-project"

    before = project.state()
    planned = grafted(upstream, project, "DRY_RUN=1")
    assert "nothing was changed; without DRY_RUN this becomes one commit" in planned
    assert project.state() == before
    printed = grafted(upstream, project)

    assert "made from 0.1.0, classification: " in printed
    assert "src/delay_bold/table.py (edited here, and the template has dropped it)" in printed
    assert "docs/connect-your-data.md (deleted here)" in printed
    assert "src/delay_bold/model.py imports delay_bold.contract, now in cd4ml" in printed
    assert 'author = "O\'Neil & Søns"' in (project.folder / ".cd4ml.toml").read_text(encoding="utf-8")
    assert owned == {name: (project.folder / name).read_bytes() for name in owned}
    assert not (project.folder / "src/delay_bold/pipeline").exists()
    project.replace("src/delay_bold/model.py", "from .contract import Problem\n\n", "")  # as it was told
    project.replace("src/delay_bold/model.py", "problem: Problem", "problem: str")
    (project.folder / "src/delay_bold/table.py").unlink()
    assert "params.yaml lacks metrics, gate.accept: make train needs them" in printed
    new = printed.split("as the template has them:\n")[1].split("\ncommitted: ")[0]
    with (project.folder / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("".join(f"\n{section}\n" for section in sections(new) if section.startswith(("metrics:", "gate:"))))
    project.commit("the library is in cd4ml/")
    link(environment, project.folder)
    project.make("train")
    project.make("lint", "test")
    assert (project.folder / "tests/code/test_ours.py").exists()


def test_a_table_of_ones_own_moves_from_the_version_before(upstream: Path, environment: Path, tmp_path: Path) -> None:
    project = made_of(upstream, "0.2.0", tmp_path, "project_name=Houses", "platform=fargate", "registry=ghcr")
    link(environment, project.folder)
    rows = "\n".join(f"{i % 97},{'abc'[i % 3]},{(i % 97) * 3 + i % 7}" for i in range(900))
    (tmp_path / "houses.csv").write_text(f"size,quarter,price\n{rows}\n", encoding="utf-8")
    project.cd4ml("adopt", str(tmp_path / "houses.csv"), "--target", "price", "--yes")
    project.replace("cd4ml/src/cd4ml/gate/rules.py", '"""The rules', '# ours\n"""The rules')
    project.replace(".github/workflows/ci.yml", "timeout-minutes: 5\n", "timeout-minutes: 6\n")
    (project.folder / ".github/workflows/score.yml").rename(project.folder / ".github/workflows/batch.yml")
    (project.folder / "docs/canvas.md").unlink()
    project.commit("ours")
    owned = [*project.source.rglob("*.py"), *(project.folder / name for name in ("contract.yaml", "params.yaml"))]
    before = {path: path.read_bytes() for path in owned}

    printed = grafted(upstream, project)

    assert "made from 0.2.0" in printed
    assert {path: path.read_bytes() for path in owned} == before
    record = (project.folder / ".cd4ml.toml").read_text(encoding="utf-8")
    assert 'platform = "fargate"' in record
    assert 'registry = "ghcr"' in record
    assert "timeout-minutes: 6\n" in (project.folder / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert (project.folder / ".github/workflows/update.yml").exists()
    assert not (project.folder / ".github/workflows/score.yml").exists()
    assert not (project.folder / "docs/canvas.md").exists()
    assert (project.library / "gate/rules.py").read_text(encoding="utf-8").startswith("# ours\n")
    project.make("train")
    project.make("lint", "test")


def test_make_update_follows_the_template_from_here_on(upstream: Path, small: Project) -> None:
    """By the project's own verb, which fetches the template and its environment; DVC confirms what it says."""
    small.replace("cd4ml/src/cd4ml/gate/rules.py", '"""The rules', '# ours\n"""The rules')
    (small.folder / "docs/canvas.md").unlink()
    (small.folder / "tests/test_ours.py").write_text(OURS, encoding="utf-8")
    small.commit("ours")
    newer = TemplateRepository(upstream)
    git(upstream, "tag", f"v{newer.version}")
    with (newer.project / "cd4ml/src/cd4ml/evaluation/card.py").open("a", encoding="utf-8") as file:
        file.write("\n# newer\n")
    newer.replace("pyproject.toml", "description = ", "# moved\ndescription = ")
    git(upstream, "add", "--all")
    git(upstream, "commit", "--quiet", "--message", "another card")
    address = f"file://{upstream}"
    words = (f"SOURCE={address}", "REF=main")

    planned = small.make("update", *words, "DRY_RUN=1", settings=as_ada()).stdout
    printed = small.make("update", *words, settings=as_ada()).stdout

    assert "cd4ml/src/cd4ml/evaluation/card.py  updated" in planned
    assert f'source = "{address}"' in (small.folder / ".cd4ml.toml").read_text(encoding="utf-8")
    assert "retrains: no; of the pipeline, only evaluate runs again: make train" in printed
    assert "library: 1 modified: cd4ml/src/cd4ml/gate/rules.py" in small.cd4ml("status").stdout
    assert (small.library / "gate/rules.py").read_text(encoding="utf-8").startswith("# ours\n")
    assert not (small.folder / "docs/canvas.md").exists()
    trained = small.make("train").stdout
    assert "Stage 'package' didn't change" in trained
    assert "Running stage 'evaluate'" in trained
    small.make("lint", "test")
    small.commit("evaluated again")
    assert "nothing to update" in small.make("update", *words, settings=as_ada()).stdout
    released = small.make("update", f"SOURCE={address}", settings=as_ada()).stdout
    assert "nothing to update: the project has " in released, "it is ahead of the newest tag"
    refused = small.make("update", f"SOURCE={address}", "REF=v9.9.9", check=False, settings=as_ada()).stdout
    assert "update: the template has no v9.9.9; its versions: 0.1.0, 0.2.0, 0.3.0" in refused
    assert "Traceback" not in refused
