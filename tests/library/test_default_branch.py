"""The default branch: set, asked of the remote, or the usual name that exists; never taken for absent."""

from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.files.git import GitError
from cd4ml.gate.branches import branches, default_branch
from trained_repository import run


def rename(origin: Path, name: str) -> None:
    """Call the default branch of the origin, and of this clone, `name`."""
    run("git", "branch", "--quiet", "--move", "main", name)
    run("git", "-C", str(origin), "branch", "--quiet", "--move", "main", name)
    run("git", "-C", str(origin), "symbolic-ref", "HEAD", f"refs/heads/{name}")


@pytest.mark.parametrize("name", ["main", "master", "trunk", "release/next"])
def test_the_remote_says_which_branch_is_the_default(name: str, repository: Path, origin: Path) -> None:
    if name != "main":
        rename(origin, name)
    run("git", "switch", "--quiet", "--create", "mine")

    assert default_branch() == name
    assert [branch for branch, _ in branches()] == [name]


@pytest.mark.parametrize("name", ["master", "trunk"])
def test_without_a_remote_it_is_the_usual_name_that_exists(name: str, repository: Path) -> None:
    run("git", "remote", "remove", "origin")
    run("git", "branch", "--move", "main", name)
    run("git", "switch", "--quiet", "--create", "mine")

    assert default_branch() == name


def test_the_setting_wins(repository: Path) -> None:
    run("git", "push", "--quiet", "origin", "HEAD:develop")
    with Path("pyproject.toml").open("a", encoding="utf-8") as project:
        project.write('default_branch = "develop"\n')

    assert default_branch() == "develop"


def test_a_remote_that_does_not_say_is_asked_for_its_branches(
    repository: Path, origin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("git", "-C", str(origin), "symbolic-ref", "HEAD", "refs/heads/absent")
    assert default_branch() == "main"

    run("git", "push", "--quiet", "origin", "HEAD:master")
    with pytest.raises(GitError, match="does not say which of main, master is its default branch; name it"):
        default_branch()
    assert main(["status"]) == 1
    assert "default_branch" in capsys.readouterr().err
