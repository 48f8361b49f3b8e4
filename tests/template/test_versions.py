"""What is said in two places is the same in both: the version, and what the two lock files hold."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from scripts.locks import disagreeing
from scripts.release_notes import notes, versions
from tests.conftest import ROOT
from tests.template.conftest import LIBRARY, TEMPLATE


def parsed(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_the_library_has_the_templates_version_and_the_changelog_an_entry_for_it() -> None:
    version = parsed(ROOT / "pyproject.toml")["project"]["version"]

    assert parsed(LIBRARY / "pyproject.toml")["project"]["version"] == version
    for folder in (ROOT, LIBRARY):
        changelog = (folder / "CHANGELOG.md").read_text(encoding="utf-8")
        assert versions(changelog)[0] == version  # which raises for a heading that is no version, or out of order
        assert all(notes(changelog, each) for each in versions(changelog))


def test_both_lock_files_have_the_same_versions_of_what_the_library_asks_for() -> None:
    """So that its tests here show what a generated project runs."""
    assert disagreeing(TEMPLATE / "uv.lock", ROOT / "uv.lock") == []


def test_a_difference_between_the_lock_files_would_be_seen(tmp_path: Path) -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    version = next(entry["version"] for entry in parsed(ROOT / "uv.lock")["package"] if entry["name"] == "fastapi")
    other = tmp_path / "uv.lock"
    other.write_text(
        lock.replace(f'"fastapi"\nversion = "{version}"', '"fastapi"\nversion = "0.0.1"'), encoding="utf-8"
    )

    assert disagreeing(TEMPLATE / "uv.lock", other) == ["fastapi"]


def test_the_lock_file_here_has_the_version_of_the_template_and_of_the_library() -> None:
    locked = {entry["name"]: entry["version"] for entry in parsed(ROOT / "uv.lock")["package"]}

    for folder in (ROOT, LIBRARY):
        project = parsed(folder / "pyproject.toml")["project"]
        assert locked[project["name"]] == project["version"]


def test_generated_project_locks_the_formatter_that_checks_it_here() -> None:
    def ruff(lock: Path) -> str:
        return next(str(entry["version"]) for entry in parsed(lock)["package"] if entry["name"] == "ruff")

    assert ruff(TEMPLATE / "uv.lock") == ruff(ROOT / "uv.lock")
