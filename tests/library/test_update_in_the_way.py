"""An update in a repository that is not at rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from update_repository import generation, git, page, start, update


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for a project, which is the working directory; git has no settings but a name."""
    (tmp_path / "gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_files_in_conflict_have_their_names_in_the_repository_wherever_git_runs(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conflict that `git diff` does not show would be taken for a failure, and given up."""
    workflow = "env:\n  PROJECT: models/a\n"
    old = {".github/workflows/cd.yml": workflow + "x: 1\n", "Makefile": page("make")}
    start(project, {"models/a/Makefile": page("make"), ".github/workflows/cd.yml": workflow + "x: 2\n"})
    monkeypatch.chdir(project / "models/a")
    git("config", "diff.relative", "true")
    new = old | {".github/workflows/cd.yml": workflow + "x: 3\n"}

    _, changes = update(generation(tmp_path / "old", old), generation(tmp_path / "new", new))

    assert [(change.kind, change.path) for change in changes] == [("conflict", ".github/workflows/cd.yml")]
