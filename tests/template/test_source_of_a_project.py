"""A project records where its template is, so that `make update` finds it again."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from tests.updating import commit, generate, git


@pytest.mark.parametrize(
    ("origin", "recorded"),
    [
        ("https://name:word@git.example.org/template.git", "https://git.example.org/template.git"),
        ("ssh://git@git.example.org/template.git", "ssh://git@git.example.org/template.git"),
        ("git@git.example.org:template.git", "git@git.example.org:template.git"),
    ],
)
def test_the_address_is_recorded_as_the_clone_has_it_without_a_password(
    origin: str, recorded: str, template: Path, tmp_path: Path
) -> None:
    """Without its name, ssh would sign in as the user of the machine."""
    clone = Path(shutil.copytree(template, tmp_path / "clone"))
    git(clone, "init", "--quiet", "--initial-branch=main")
    commit(clone, "the template")
    git(clone, "remote", "add", "origin", origin)
    git(clone, "config", "url.https://mirror.example.org/.insteadOf", "https://git.example.org/")  # as a user may have

    project = generate(clone, tmp_path / "projects")

    record = tomllib.loads((project / ".cd4ml.toml").read_text(encoding="utf-8"))
    assert record["template"]["source"] == recorded


def test_of_a_work_tree_the_clone_is_recorded_as_that_stays(template: Path, tmp_path: Path) -> None:
    """An update generates from a work tree, which it removes again."""
    clone = Path(shutil.copytree(template, tmp_path / "my clone"))
    git(clone, "init", "--quiet", "--initial-branch=main")
    commit(clone, "the template")
    git(clone, "worktree", "add", "--quiet", "--detach", str(tmp_path / "checkout"))

    project = generate(tmp_path / "checkout", tmp_path / "projects")

    record = tomllib.loads((project / ".cd4ml.toml").read_text(encoding="utf-8"))
    assert record["template"]["source"] == str(clone)
