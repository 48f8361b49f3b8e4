"""What `make relock` changed becomes one pull request, with and without a GitHub App."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import propose
from tests.template.github_api import GitHub, served

WORKFLOW, OTHER = ".github/workflows/test.yml", "project/.github/workflows/ci.yml"


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with served() as found:
        for name, value in (("API_URL", found.url), ("REPOSITORY", "owner/name"), ("TOKEN", "t0ken")):
            monkeypatch.setenv(f"GITHUB_{name}", value)
        monkeypatch.delenv("BY_APP", raising=False)
        yield found


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh checkout of a repository in which an earlier job has changed two workflows and packed the changes."""
    origin, root = tmp_path / "origin.git", tmp_path / "checkout"
    git(tmp_path, "init", "--quiet", "--bare", "-b", "main", str(origin))
    git(tmp_path, "clone", "--quiet", str(origin), str(root))
    for name in (WORKFLOW, OTHER):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("uses: an/action@1\n", encoding="utf-8")
    (root / ".gitignore").write_text("build/\n", encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "first")
    git(root, "push", "--quiet", "origin", "HEAD:main")
    git(root, "switch", "--quiet", "-C", "main")
    monkeypatch.setattr(propose, "ROOT", root)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    for name in (WORKFLOW, OTHER):
        (root / name).write_text("uses: an/action@2\n", encoding="utf-8")
    run(monkeypatch, "pack")
    assert (tmp_path / "outputs").read_text(encoding="utf-8") == "changed=true\n"
    (root / "build/relock.md").write_text("| name | was | is |\n", encoding="utf-8")
    git(root, "checkout", "--quiet", ".")
    return root


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["propose.py", *words])
    try:
        propose.main()
    except SystemExit as stopped:
        return str(stopped.code)
    return ""


def changed(checkout: Path) -> set[str]:
    """The files that the branch changes."""
    return set(git(checkout.parent / "origin.git", "diff", "--name-only", "main", "relock").split())


def test_with_an_app_everything_is_proposed_and_checks_start_by_themselves(
    checkout: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BY_APP", "true")

    assert run(monkeypatch, "open") == ""

    assert changed(checkout) == {WORKFLOW, OTHER}
    (pull,) = github.pulls
    assert (pull["head"], pull["base"], pull["body"]) == ("relock", "main", "| name | was | is |\n")
    assert github.changes == ["POST /pulls"]


def test_without_one_workflows_are_left_out_and_checks_are_started_and_the_next_run_updates(
    checkout: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for opened in ("POST /pulls", "PATCH /pulls/7"):
        github.changes = []
        git(checkout, "switch", "--quiet", "main")

        assert run(monkeypatch, "open") == ""

        assert changed(checkout) == {OTHER}
        assert github.changes == [opened, "POST /actions/workflows/test.yml/dispatches"]
        assert "close and reopen it" in github.pulls[0]["body"]


def test_a_repository_in_which_workflows_may_open_none_gets_the_branch_and_a_warning(
    checkout: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    github.may_open_pulls = False

    assert run(monkeypatch, "open") == ""

    assert changed(checkout) == {OTHER}
    assert (
        "::warning::the branch relock is pushed, but workflows may not open pull requests here"
        in capsys.readouterr().out
    )


def test_only_workflows_are_no_pull_request_of_githubs_token(
    checkout: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / WORKFLOW).write_text("uses: an/action@2\n", encoding="utf-8")
    run(monkeypatch, "pack")
    git(checkout, "checkout", "--quiet", ".")

    assert run(monkeypatch, "open") == ""
    assert github.changes == []


@pytest.mark.parametrize("way", [("-m", "the workflows, too"), ("--amend", "--no-edit")], ids=str)
def test_what_somebody_has_pushed_to_the_branch_stays(
    way: tuple[str, ...],
    checkout: Path,
    github: GitHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As the text of the pull request asks for, if its workflows were left out."""
    origin, mine = checkout.parent / "origin.git", checkout.parent / "mine"
    run(monkeypatch, "open")
    git(mine.parent, "clone", "--quiet", "--branch", "relock", str(origin), str(mine))
    (mine / WORKFLOW).write_text("uses: an/action@2\n", encoding="utf-8")
    git(mine, "commit", "--quiet", "--all", *way)
    git(mine, "push", "--quiet", "--force", "origin", "relock")
    pushed = git(origin, "rev-parse", "relock")
    git(checkout, "switch", "--quiet", "main")

    assert run(monkeypatch, "open") == ""

    assert git(origin, "rev-parse", "relock") == pushed
    assert "::warning::relock has commits of somebody's, so it stays as it is: " in capsys.readouterr().out
    assert "PATCH /pulls/7" not in github.changes
    git(origin, "branch", "--quiet", "-D", "relock")
    assert run(monkeypatch, "open") == ""
    assert changed(checkout) == {OTHER}


def test_what_is_pushed_to_the_branch_at_the_same_time_stays(
    checkout: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propose, "tip", lambda *_: "")  # as it was a moment ago
    git(checkout, "push", "--quiet", "origin", "main:relock")

    assert run(monkeypatch, "open").startswith("propose: git push --quiet failed: ")

    assert changed(checkout) == set()


def test_a_refusal_and_a_patch_that_does_not_apply_are_told_in_a_line(
    checkout: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.fails = "POST /pulls"
    assert run(monkeypatch, "open") == f"propose: POST {github.url}/repos/owner/name/pulls answered 500: a fault"

    git(checkout, "switch", "--quiet", "main")
    (checkout / "build/relock.patch").write_text("nonsense\n", encoding="utf-8")
    assert run(monkeypatch, "open").startswith("propose: git apply --index failed: ")


def test_nothing_changed_is_told_to_the_workflow(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "pack")

    assert (checkout.parent / "outputs").read_text(encoding="utf-8").endswith("changed=false\n")
