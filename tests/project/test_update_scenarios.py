"""A project follows its template: what an update changes, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.standard import HOOK_TEXT
from tests.updating import SLUG, Follower, TemplateRepository, commit, copy_of_the_template, generate, git

STANDARD = """
[answers]
author = "Acme"

[project]
runner = "acme-linux"
checks = ["make licences"]
"""
PACKAGE = "src/<<cookiecutter.__package>>"
MODULE = "src/flight_delays"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> TemplateRepository:
    """The template at version 1.0.0, and 1.1.0, which changes each kind of file."""
    template = copy_of_the_template(tmp_path_factory.mktemp("released") / "cookiecutter-cd4ml")
    template.release("1.0.0")
    for name in ("docs/gate.md", "docs/runbook.md", "docs/canvas.md", "README.md"):
        template.append(name, "\nThe template's words.\n")
    for name in (f"{PACKAGE}/features.py", f"{PACKAGE}/model.py", "cd4ml/src/cd4ml/gate/judge.py", "tests/conftest.py"):
        template.append(name, "\n# the template's line\n")
    template.replace(f"{SLUG}/cd4ml/src/cd4ml/gate/rules.py", '"""The rules:', '# the template\'s\n"""The rules:')
    template.append("params.yaml", "\nnew: # a new section\n  key: 1 # a new key\n")
    template.replace(f"{SLUG}/params.yaml", "  candidates: 24", "  patience: 3 # how long it waits\n  candidates: 24")
    template.replace(f"{SLUG}/.github/workflows/score.yml", "timeout-minutes: 300", "timeout-minutes: 301")
    template.replace(f"{SLUG}/Makefile", "list the verbs\n", "list all verbs\n")
    (template.project / "docs/new.md").write_text("# New\n", encoding="utf-8")
    (template.project / ".github/ISSUE_TEMPLATE/incident.yml").unlink()
    (template.project / ".github/ISSUE_TEMPLATE/model-change.yml").unlink()
    template.replace("CHANGELOG.md", "\n## 0.3.0", "\n## 1.1.0\n\nWhat is new.\n\n## 1.0.0\n\nOld.\n\n## 0.3.0")
    template.release("1.1.0")
    return template


@pytest.fixture(scope="module")
def generated(released: TemplateRepository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of version 1.0.0, in one commit."""
    folder = tmp_path_factory.mktemp("generated")
    git(released.folder, "worktree", "add", "--quiet", str(folder / "checkout"), "v1.0.0")
    return generate(folder / "checkout", folder / "projects")


@pytest.fixture
def follower(released: TemplateRepository, generated: Path, tmp_path: Path) -> Follower:
    return Follower(Path(shutil.copytree(generated, tmp_path / generated.name)), released)


def test_an_update_brings_what_changed_and_leaves_alone_what_is_the_teams(follower: Follower) -> None:
    follower.append(f"{MODULE}/features.py", "\n# ours\n")
    follower.append("docs/gate.md", "\nOur words.\n")
    follower.append("cd4ml/src/cd4ml/gate/rules.py", "\n# ours\n")
    follower.append(".github/ISSUE_TEMPLATE/incident.yml", "# ours\n")
    (follower.folder / "docs/canvas.md").unlink()
    (follower.folder / ".github/workflows/score.yml").rename(follower.folder / ".github/workflows/batch.yml")
    commit(follower.folder, "ours")
    (follower.folder / "notes.txt").write_text("not in git\n", encoding="utf-8")
    before = {name: follower.read(name) for name in ("params.yaml", f"{MODULE}/features.py", "docs/gate.md")}

    planned = follower.update("--dry-run")

    assert "nothing was changed; without DRY_RUN this becomes one commit\n" in planned
    assert git(follower.folder, "status", "--porcelain") == "?? notes.txt"
    printed = follower.update()
    assert {name: follower.read(name) for name in before} == before
    assert "The template's words." in follower.read("docs/runbook.md")
    assert "the template's line" in follower.read("cd4ml/src/cd4ml/gate/judge.py")
    assert "the template's line" in follower.read("tests/conftest.py")
    rules = follower.read("cd4ml/src/cd4ml/gate/rules.py")
    assert rules.startswith("# the template's\n")
    assert rules.endswith("# ours\n")
    assert "timeout-minutes: 301" in follower.read(".github/workflows/batch.yml"), "the change follows the file"
    assert not (follower.folder / ".github/workflows/score.yml").exists()
    assert not (follower.folder / "docs/canvas.md").exists(), "what is deleted stays deleted"
    assert not (follower.folder / ".github/ISSUE_TEMPLATE/model-change.yml").exists(), "what was dropped goes"
    assert "# ours" in follower.read(".github/ISSUE_TEMPLATE/incident.yml"), "unless it was edited"
    assert follower.read("docs/new.md") == "# New\n"
    assert 'version = "1.1.0"' in follower.read(".cd4ml.toml")
    assert git(follower.folder, "status", "--porcelain") == "?? notes.txt"
    assert git(follower.folder, "rev-list", "--count", "HEAD") == "3", "one commit"
    assert list(follower.folder.rglob("*.rej")) == []
    for told in (
        "docs/canvas.md (deleted here)",
        "docs/gate.md (edited here)",
        ".github/ISSUE_TEMPLATE/incident.yml (edited here, and the template has dropped it)",
        f"{MODULE}/features.py (yours)",
        "the library is edited here, so it was merged: cd4ml/src/cd4ml/gate/rules.py",
        "    new: # a new section\n      key: 1 # a new key",
        "    tune:\n      patience: 3 # how long it waits",
        "retrains: no model yet",
    ):
        assert told in printed
    assert "## 1.1.0\n\nWhat is new.\n" in follower.read("build/update.md")
    assert "Old." not in follower.read("build/update.md")
    assert git(follower.folder, "diff", "--stat", "HEAD", "template", "--", "docs/runbook.md") == ""
    assert "nothing to update" in follower.update()


def test_a_conflict_is_an_ordinary_one_and_stops_make_in_one_line(follower: Follower) -> None:
    follower.replace("Makefile", "list the verbs\n", "list our verbs\n")
    before = commit(follower.folder, "ours")

    planned = follower.update("--dry-run")
    printed = follower.update(check=False)

    assert "nothing was changed; without DRY_RUN this leaves 1 file in conflict\n" in planned
    assert "1 file in conflict, not committed: Makefile" in printed
    assert "git add -u && git cherry-pick --continue\n" in printed
    assert "git cherry-pick --abort" in printed
    assert "\ncommitted:" not in printed
    assert "<<<<<<< HEAD" in follower.read("Makefile")
    stopped = follower.run("make", "train", check=False)
    assert len(stopped.splitlines()) == 1
    assert "conflicts in Makefile" in stopped
    assert "a merge or its like is under way" in follower.update(check=False)
    git(follower.folder, "cherry-pick", "--abort")
    assert git(follower.folder, "rev-parse", "HEAD") == before
    assert git(follower.folder, "status", "--porcelain") == ""
    follower.update(check=False)
    follower.replace("Makefile", "<<<<<<< HEAD\nhelp: ## list our verbs\n=======\n", "")
    text = "".join(line for line in follower.read("Makefile").splitlines(True) if not line.startswith(">>>>>>>"))
    (follower.folder / "Makefile").write_text(text, encoding="utf-8")
    (follower.folder / "notes.txt").write_text("not in git\n", encoding="utf-8")
    git(follower.folder, "add", "-u")
    git(follower.folder, "-c", "core.editor=true", "cherry-pick", "--continue")
    assert git(follower.folder, "status", "--porcelain") == "?? notes.txt", "what is none of the update's stays out"
    (follower.folder / "notes.txt").unlink()
    assert "make help" in follower.run("make")
    assert "nothing to update" in follower.update()


def test_the_base_is_what_the_record_names_whatever_happened_to_the_commit(follower: Follower) -> None:
    follower.update()
    git(follower.folder, "revert", "--no-edit", "HEAD")
    assert 'version = "1.0.0"' in follower.read(".cd4ml.toml")

    follower.update()  # git's own history would say that it is merged already

    assert follower.read("docs/new.md") == "# New\n"
    git(follower.folder, "branch", "-D", "template")
    git(follower.folder, "reset", "--quiet", "--soft", "HEAD~3")
    commit(follower.folder, "squashed, and the branch is lost")
    printed = follower.update("--set", "author=Grace Hopper")
    assert "Grace Hopper" in follower.read("LICENSE")
    assert "1 Makefile" not in printed


def test_other_answers_change_what_depends_on_them(follower: Follower) -> None:
    follower.append("docs/delivery.md", "\nOur words.\n")
    commit(follower.folder, "ours")

    printed = follower.update("--set", "platform=fargate credentials=oidc", to="v1.0.0")

    assert 'platform = "fargate"' in follower.read("pyproject.toml")
    assert 'credentials = "oidc"' in follower.read(".cd4ml.toml")
    assert (follower.folder / "docs/fargate.md").exists()
    assert not (follower.folder / "docs/cloud-run.md").exists()
    assert "docs/delivery.md (edited here)" in printed
    assert "platform=fargate credentials=oidc" in git(follower.folder, "log", "-1", "--format=%s")
    assert 'version = "1.0.0"' in follower.read(".cd4ml.toml"), "one thing at a time"
    assert "with platform=fargate already\n" in follower.update("--set", "platform=fargate", to="v1.0.0")
    assert git(follower.folder, "rev-list", "--count", "HEAD") == "3"


@pytest.mark.parametrize(
    ("arrange", "words", "told"),
    [
        (lambda one: one.append("README.md", "x"), (), "changes are not committed (README.md)"),
        (lambda one: (one.folder / "docs/new.md").write_text("mine"), (), "docs/new.md: not in git, and the template"),
        (lambda one: None, ("--set", "platform=moon"), "the template rejects an answer: moon"),
        (lambda one: None, ("--set", "plattform=aci"), "SET names the question plattform"),
        (lambda one: None, ("--set", "aci"), 'SET="aci" is not question=answer'),
        (lambda one: None, ("--set", "project_slug=other"), "rename it by hand"),
        (lambda one: None, ("--set", "problem=regression"), "make adopt puts a table of another problem in its place"),
        (lambda one: None, ("--set", "platform=docker-host"), "a host of one's own has no registry"),
        (lambda one: git(one.folder, "branch", "template"), (), "the branch template is yours, and updates need the"),
        (lambda one: corrupt(one, ".cd4ml.toml"), (), ".cd4ml.toml is not as `make update` wrote it"),
        (lambda one: corrupt(one, "params.yaml"), (), "not valid YAML: "),
        (lambda one: corrupt(one, "pyproject.toml"), (), "pyproject.toml: not valid TOML: "),
    ],
)
def test_what_cannot_be_updated_is_refused_in_a_line_and_stays_as_it_was(
    follower: Follower, arrange: Callable[[Follower], object], words: tuple[str, ...], told: str
) -> None:
    arrange(follower)
    before = follower.state()

    printed = follower.update(*words, check=False)

    assert printed.splitlines()[-1].startswith("update: ")
    assert told in printed.splitlines()[-1]
    assert "Traceback" not in printed
    assert follower.state() == before


def corrupt(one: Follower, name: str) -> None:
    one.append(name, "[broken\n")
    commit(one.folder, "an edit with a mistake in it")


def test_a_template_that_has_moved_is_recorded_though_nothing_else_changes(follower: Follower, tmp_path: Path) -> None:
    follower.update()
    moved = tmp_path / "moved"
    git(tmp_path, "clone", "--quiet", str(follower.template.folder), str(moved))
    git(moved, "remote", "set-url", "origin", "https://token@git.example.org/fork.git")
    fork = Follower(follower.folder, TemplateRepository(moved))
    assert "nothing to update" in fork.update(), "nobody named it"

    printed = fork.update("--moved")

    assert "no file changes\n" in printed
    assert ".cd4ml.toml names the template at https://git.example.org/fork.git from now on\n" in printed
    assert git(follower.folder, "diff", "--name-only", "HEAD~1", "HEAD") == ".cd4ml.toml"
    assert 'source = "https://git.example.org/fork.git"' in follower.read(".cd4ml.toml")
    assert git(follower.folder, "log", "-1", "--format=%s").endswith("), from https://git.example.org/fork.git")


@pytest.mark.parametrize(
    ("words", "problem"), [((), "classification"), (("--set", "problem=regression"), "regression")]
)
def test_without_a_record_the_user_may_name_the_example(
    words: tuple[str, ...], problem: str, follower: Follower
) -> None:
    (follower.folder / ".cd4ml.toml").unlink()
    commit(follower.folder, "as before there were updates")

    assert f"made from 1.0.0, {problem}: " in follower.update("--base", "v1.0.0", "--dry-run", *words)


def test_an_older_version_is_refused(follower: Follower) -> None:
    follower.update()
    before = follower.state()

    assert "is older than 1.1.0" in follower.update(to="v1.0.0", check=False)
    assert follower.state() == before


def test_what_stops_an_update_leaves_the_project_as_it_was(follower: Follower) -> None:
    """Of all that takes time, nothing touches the project; what touches it is given up by git itself."""
    hook = follower.folder / ".git/hooks/prepare-commit-msg"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    before = follower.state()

    assert "nothing was changed" in follower.update(check=False)
    assert follower.state() == before


def test_a_project_in_a_larger_repository_is_updated_where_it_is(follower: Follower, tmp_path: Path) -> None:
    root = tmp_path / "larger"
    root.mkdir()
    shutil.copytree(follower.folder, root / "models/delays", ignore=shutil.ignore_patterns(".git"))
    git(root, "init", "--quiet", "--initial-branch=main")
    (root / "README.md").write_text("the whole\n", encoding="utf-8")
    inner = Follower(root / "models/delays", follower.template)
    commit(root, "all of it")
    inner.run("env", f"PYTHONPATH={inner.folder}/cd4ml/src", sys.executable, "-m", "cd4ml", "move-workflows")
    commit(root, "the workflows are at the root")

    printed = inner.update()

    assert "left alone" not in "".join(line for line in printed.splitlines() if ".github" in line)
    assert "timeout-minutes: 301" in (root / ".github/workflows/score.yml").read_text(encoding="utf-8")
    assert 'PROJECT: "models/delays"' in (root / ".github/workflows/score.yml").read_text(encoding="utf-8")
    assert (root / "models/delays/docs/new.md").exists()
    assert not (root / "models/delays/.github").exists()
    assert (root / "README.md").read_text(encoding="utf-8") == "the whole\n"
    assert git(root, "status", "--porcelain") == ""


def test_a_renamed_question_keeps_its_answer(follower: Follower, tmp_path: Path) -> None:
    template = TemplateRepository(tmp_path / "template")
    git(tmp_path, "clone", "--quiet", str(follower.template.folder), str(template.folder))
    text = (
        (template.folder / "cookiecutter.json").read_text(encoding="utf-8").replace('"author": "Your', '"owner": "Your')
    )
    (template.folder / "cookiecutter.json").write_text(
        text.replace('"author": "Who', '"owner": "Who'), encoding="utf-8"
    )
    for path in template.folder.rglob("*"):
        if path.is_file() and path.suffix in ("", ".toml", ".md", ".py") and ".git/" not in str(path):
            content = path.read_text(encoding="utf-8", errors="ignore")
            if "cookiecutter.author" in content:
                path.write_text(content.replace("cookiecutter.author", "cookiecutter.owner"), encoding="utf-8")
    template.replace("hooks/pre_gen_project.py", '("author", "Ada Lovelace")', '("owner", "Ada Lovelace")')
    with (template.folder / "update.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[renamed]]\nversion = "2.0.0"\nquestion = "author"\nto = "owner"\n')
    template.release("2.0.0")
    follower.update("--set", "author=Grace Hopper", to="v1.0.0")

    Follower(follower.folder, template).update()

    assert 'owner = "Grace Hopper"' in follower.read(".cd4ml.toml")
    assert "Grace Hopper" in follower.read("LICENSE")


def test_it_is_said_whether_an_update_retrains(follower: Follower) -> None:
    """By a lock of a model that nobody trained: DVC's own decision is shown on a real one, in tests/project."""
    (follower.folder / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n", encoding="utf-8")
    commit(follower.folder, "a model")

    printed = follower.update()

    assert "retrains: yes: train runs again (" in printed
    assert "next: make setup lint test train gate" in printed
    assert json.loads(follower.read("build/update.json"))["retrains"].startswith("yes")


def test_a_project_takes_what_its_companys_fork_sets(follower: Follower, tmp_path: Path) -> None:
    """The fork's standard.toml, as it is on its branch, is in the project after an update."""
    fork = TemplateRepository(tmp_path / "fork")
    git(tmp_path, "clone", "--quiet", str(follower.template.folder), str(fork.folder))
    git(fork.folder, "checkout", "--quiet", "-B", "main", "v1.1.0")
    (fork.folder / "standard.toml").write_text(STANDARD, encoding="utf-8")
    (fork.folder / "hooks/pre_prompt.py").write_text(HOOK_TEXT, encoding="utf-8")
    commit(fork.folder, "the company's standard")

    Follower(follower.folder, fork).update()

    assert "runs-on: ${{ vars.RUNNER || 'acme-linux' }}" in follower.read(".github/workflows/ci.yml")
    assert "run: make licences" in follower.read(".github/workflows/ci.yml")
    assert 'author = "Your Name"' in follower.read(".cd4ml.toml"), "an answer that was given is not the fork's default"
