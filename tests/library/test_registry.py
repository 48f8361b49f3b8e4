"""A container registry instead of a DVC remote: the names of its repository and of its images."""

import os
from pathlib import Path

import pytest
from cd4ml.storage.registry import Registry, RegistryError, image_tag
from trained_repository import dvc, train


def test_the_tag_depends_on_the_files_that_dvc_caches(repository: Path) -> None:
    before = image_tag()
    Path("reports/model-card.md").write_text("other words, in a file that is in git", encoding="utf-8")
    dvc("commit", "--force", "evaluate")
    assert image_tag() == before

    Path("model.py").write_text("two", encoding="utf-8")
    train("2024-02-29.bbbbbbb")
    assert image_tag() != before
    assert image_tag("HEAD") == before


@pytest.mark.parametrize(
    "name", ["", "houses", "ghcr.io", "--help", "ghcr.io/a b", "ghcr.io/ada/houses:tag", "ghcr.io/../x"]
)
def test_a_name_that_is_not_a_repository_is_rejected(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECTS", name)

    with pytest.raises(RegistryError, match="OBJECTS is not a repository in a registry"):
        Registry.from_environment()


def test_capital_letters_of_a_github_repository_become_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBJECTS", "ghcr.io/Ada/Houses-objects")

    assert Registry.from_environment().name == "ghcr.io/ada/houses-objects"


@pytest.mark.parametrize(
    ("answer", "advice"),
    [("denied: permission_denied: write_package", "it was first pushed by hand"), ("unauthorized", "")],
)
def test_a_package_that_was_pushed_by_hand_is_named_as_the_reason(
    answer: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub's registry cannot run here: skopeo is a program that fails as its answer makes it fail."""
    program = tmp_path / "skopeo"
    program.write_text(f'#!/bin/sh\necho \'time="x" level=fatal msg="{answer}"\' >&2\nexit 1\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("OBJECTS", "ghcr.io/ada/houses-objects")

    with pytest.raises(RegistryError) as error:
        Registry.from_environment().push("tag", tmp_path)

    assert answer in str(error.value)
    assert ("first pushed by hand" in str(error.value)) == bool(advice)
