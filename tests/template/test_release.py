"""`make release`, and what release.yml does with it: versions that agree, and the same again if it runs again."""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from scripts import release
from scripts.release_archive import packed
from scripts.release_notes import NotesError, is_prerelease, notes, versions
from tests.conftest import ROOT
from tests.template.conftest import DEFAULT, files_of
from tests.template.github_api import GitHub, served

CHANGELOG = """# Changelog

About it.

## 1.1.0

What you gain:

- A point [that is](docs/it.md)
  longer than a line ([here](https://example.org)), and
  1. a part of it.
- Another.

```
make
demo
```

What you must do: nothing, or
much.

## 1.1.0rc1

To be tried.

## 1.0.0

The first one.
"""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    with served() as found:
        for name, value in (("API_URL", found.url), ("REPOSITORY", "owner/name"), ("TOKEN", "t0ken")):
            monkeypatch.setenv(f"GITHUB_{name}", value)
        yield found


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, combination: Callable[[str], Path]) -> Path:
    """A repository with version 1.1.0, whose template is the default project, generated already."""
    root = tmp_path / "template"
    for folder in (root, root / release.LIBRARY):
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text('[project]\nversion = "1.1.0"\n', encoding="utf-8")
        (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    monkeypatch.setattr(release, "ROOT", root)
    monkeypatch.setattr(release, "example", lambda *_: combination(DEFAULT))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return root


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Run the script, and return what it exits with; empty if all is well."""
    monkeypatch.setattr(sys, "argv", ["release.py", *words])
    try:
        release.main()
    except SystemExit as stopped:
        return str(stopped.code)
    return ""


def set_version(root: Path, version: str) -> None:
    for folder in (root, root / release.LIBRARY):
        (folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n', encoding="utf-8")
        (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## {version}\n\nIt is so.\n", encoding="utf-8")


def test_the_archive_unpacks_to_the_project_and_has_the_same_bytes_wherever_it_is_made(
    tmp_path: Path, combination: Callable[[str], Path]
) -> None:
    project = combination(DEFAULT)
    elsewhere = tmp_path / "elsewhere" / project.name
    shutil.copytree(project, elsewhere)
    (elsewhere / "Makefile").touch()
    (elsewhere / ".git/more").write_text("a commit", encoding="utf-8")

    data = packed(project, 1_700_000_000)

    assert packed(elsewhere, 1_700_000_000) == data
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {entry.mtime for entry in archive} == {1_700_000_000}
        assert {(entry.uid, entry.gid, entry.uname) for entry in archive} == {(0, 0, "")}
        archive.extractall(tmp_path / "unpacked", filter="data")
    unpacked = tmp_path / "unpacked" / project.name
    assert files_of(unpacked) == files_of(project)
    for name in sorted(files_of(project)):
        assert (unpacked / name).read_bytes() == (project / name).read_bytes(), name
        assert ((unpacked / name).stat().st_mode ^ (project / name).stat().st_mode) & 0o100 == 0, name
    assert not (unpacked / ".git").exists()


def test_prepared_are_the_archive_and_the_notes_of_that_version(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small / "build/release").mkdir(parents=True)
    (small / "build/release/flight-delays-1.0.0.tar.gz").write_bytes(b"an older one")

    assert run(monkeypatch, "prepare", "v1.1.0") == ""

    archive, text = sorted((small / "build/release").iterdir())
    assert archive.name == "flight-delays-1.1.0.tar.gz"
    said = text.read_text(encoding="utf-8")
    link = "[that is](https://github.com/OWNER/NAME/blob/v1.1.0/docs/it.md)"
    point = f"- A point {link} longer than a line ([here](https://example.org)), and"
    assert said.startswith(f"What you gain:\n\n{point}\n  1. a part of it.\n- Another.\n")
    assert "```\nmake\ndemo\n```\n\nWhat you must do: nothing, or much.\n" in said
    assert "To be tried" not in said
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in said


@pytest.mark.parametrize(
    ("tag", "path", "old", "new", "reason"),
    [
        ("1.1.0", "", "", "", '"1.1.0" is no tag of a release; write v1.2.3, or v1.2.3rc1'),
        ("v1.2.0", "", "", "", "the tag is v1.2.0, but pyproject.toml has 1.1.0, CHANGELOG.md has 1.1.0, "),
        ("v1.1.0", f"{release.LIBRARY}/pyproject.toml", "1.1.0", "1.0.9", "cd4ml/pyproject.toml has 1.0.9"),
        ("v1.1.0", f"{release.LIBRARY}/CHANGELOG.md", "## 1.1.0\n", "", "cd4ml/CHANGELOG.md has 1.1.0rc1"),
        ("v1.1.0", "CHANGELOG.md", "## 1.0.0", "## Unreleased", 'CHANGELOG.md: "## Unreleased" is not a version'),
        ("v1.1.0", "CHANGELOG.md", "## 1.0.0", "## 1.2.0", "1.2.0 stands below 1.1.0rc1, and is not older"),
    ],
)
def test_what_does_not_agree_is_not_released(
    small: Path, monkeypatch: pytest.MonkeyPatch, tag: str, path: str, old: str, new: str, reason: str
) -> None:
    if path:
        text = (small / path).read_text(encoding="utf-8")
        (small / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    said = run(monkeypatch, "prepare", tag)

    assert reason in said
    assert "\n" not in said
    assert not (small / "build").exists()


def test_versions_are_in_order_and_a_version_without_a_word_is_an_error() -> None:
    assert versions(CHANGELOG) == ["1.1.0", "1.1.0rc1", "1.0.0"]
    assert notes(CHANGELOG, "1.0.0") == "The first one.\n"
    with pytest.raises(NotesError, match=r"says nothing of 2\.0\.0"):
        notes(CHANGELOG.replace("## 1.1.0\n", "## 2.0.0\n\n## 1.1.0\n", 1), "2.0.0")
    assert [is_prerelease(each) for each in ("1.0.0", "1.0.0rc1", "1.0.0a2")] == [False, True, True]


def test_a_release_is_a_draft_until_it_has_its_archive_and_a_second_run_changes_no_file(
    small: Path, monkeypatch: pytest.MonkeyPatch, github: GitHub
) -> None:
    run(monkeypatch, "prepare", "v1.1.0")
    github.fails = "POST /releases/1/assets"
    assert "answered 500: a fault" in run(monkeypatch, "publish", "v1.1.0")
    assert [(each["tag_name"], each["draft"]) for each in github.releases] == [("v1.1.0", True)]

    github.fails = ""
    assert run(monkeypatch, "publish", "v1.1.0") == ""
    (published,) = github.releases
    assert (published["draft"], published["prerelease"], published["make_latest"]) == (False, False, "legacy")
    assert "--repo owner/name`" in published["body"]
    assert "(https://github.com/owner/name/blob/v1.1.0/docs/it.md)" in published["body"]
    (asset,) = published["assets"]

    github.changes = []
    assert run(monkeypatch, "publish", "v1.1.0") == ""
    assert github.changes == ["PATCH /releases/1"]

    (small / "build/release" / asset["name"]).write_bytes(b"another")
    assert run(monkeypatch, "publish", "v1.1.0") == ""
    assert [each["name"] for each in github.releases[0]["assets"]] == [asset["name"]]
    assert github.releases[0]["assets"][0]["digest"] != asset["digest"]


def test_a_pre_release_is_marked_as_one_and_is_not_the_latest(
    small: Path, monkeypatch: pytest.MonkeyPatch, github: GitHub
) -> None:
    set_version(small, "2.0.0rc1")

    assert run(monkeypatch, "prepare", "v2.0.0rc1") == ""
    assert run(monkeypatch, "publish", "v2.0.0rc1") == ""

    assert (github.releases[0]["prerelease"], github.releases[0]["make_latest"]) == (True, "false")


def test_what_is_not_prepared_or_no_workflow_is_told_in_a_line(
    small: Path, monkeypatch: pytest.MonkeyPatch, github: GitHub
) -> None:
    assert run(monkeypatch, "publish", "v1.1.0").endswith("prepare the release first: make release TAG=v1.1.0")
    monkeypatch.delenv("GITHUB_TOKEN")
    assert run(monkeypatch, "publish", "v1.1.0") == "release: GITHUB_TOKEN is not set; a workflow of GitHub calls this"
    assert run(monkeypatch, "prepare").startswith("usage: ")


def test_the_example_is_the_project_that_the_defaults_generate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: Path, combination: Callable[[str], Path]
) -> None:
    made = release.example(template, tmp_path)

    assert files_of(made) == files_of(combination(DEFAULT))
    assert release.moment(ROOT) > 1_700_000_000


@pytest.mark.parametrize(
    "address", ["git@host.example:o/r.git", "ssh://git@host.example/o/r", "https://host.example/o/r"]
)
def test_the_example_names_the_template_alike_however_it_was_cloned(address: str) -> None:
    record = f'[template]\nsource = "{address}"\nversion = "1.0.0"\n'

    assert '\nsource = "https://host.example/o/r.git"\nversion' in release.with_one_address(record)


def test_nothing_is_released_before_all_tests_and_all_drills_have_passed() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["jobs"]

    assert {jobs[name]["uses"] for name in jobs["attest"]["needs"]} == {
        "./.github/workflows/test.yml",
        "./.github/workflows/drills.yml",
    }
    assert jobs["publish"]["needs"] == "attest"
