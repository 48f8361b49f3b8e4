"""Whose the workflows at the root of a larger repository are."""

from __future__ import annotations

from pathlib import Path

import pytest
from cd4ml.update.layout import layout_here
from update_repository import git, write


@pytest.fixture(autouse=True)
def repository(folder: Path) -> None:
    git("init", "--quiet", str(folder))


@pytest.mark.parametrize(
    ("name", "workflow", "at_root"),
    [
        ("models/a", "env:\n  PROJECT: models/a # here\n", True),
        ("models/a", 'env:\n  PROJECT: "models/a"\n', True),
        ("models/größe & co", 'env:\n  PROJECT: "models/größe & co"\n', True),
        ("models/a", "env:\n  PROJECT: models/ab\n", False),
        ("models/a", "env:\n  PROJECT: .\n", False),
        ("models/a", "jobs: {}\n", False),
        ("models/a", "<<<<<<< HEAD\nenv:\n", False),
        ("models/a", None, False),
    ],
)
def test_whose_the_workflows_of_a_larger_repository_are(
    name: str, workflow: str | None, at_root: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {f"{name}/Makefile": "help:\n"} | ({".github/workflows/cd.yml": workflow} if workflow else {}))
    monkeypatch.chdir(folder / name)

    layout = layout_here()

    assert (layout.prefix, layout.workflows_at_root) == (f"{name}/", at_root)


@pytest.mark.parametrize(
    ("at_root", "here", "expected"),
    [
        ({"ci.yml": "models/a"}, {}, True),  # cd.yml is deleted
        ({"deliver.yaml": "models/a", "ours.yml": None}, {}, True),
        ({"ci.yml": "models/b", "cd.yml": "models/a"}, {}, True),
        ({"ci.yml": "models/b"}, {}, False),
        ({"ci.yml": "models/a"}, {"ci.yml": "."}, False),
        ({"ci.yml": "models/a"}, {"ours.yml": None}, True),
    ],
    ids=str,
)
def test_any_workflow_at_the_root_that_names_the_folder_is_the_projects(
    at_root: dict[str, str | None],
    here: dict[str, str | None],
    expected: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for where, workflows in ((folder, at_root), (folder / "models/a", here)):
        texts = {name: f"env: {{PROJECT: {named}}}\n" if named else "on: push\n" for name, named in workflows.items()}
        write(where, {f".github/workflows/{name}": text for name, text in texts.items()} | {"Makefile": "help:\n"})
    monkeypatch.chdir(folder / "models/a")

    assert layout_here().workflows_at_root is expected
