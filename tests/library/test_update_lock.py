"""uv.lock after an update, made by the real uv from an index of tiny packages in a folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from cd4ml.update.lock_file import Locked, Surroundings, locked, names_a_path, newer_here, versions_of
from cd4ml.update.record import UpdateError

PROJECT = '[project]\nname = "houses"\nversion = "0.1.0"\nrequires-python = ">=3.11"\ndependencies = [{}]\n'
GENERATED = PROJECT.format('"base"')
Lock = Callable[..., str]


def add_wheel(index: Path, name: str, version: str, *requires: str) -> None:
    """Put an empty package into an index."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    content = {
        "METADATA": "\n".join([*lines, *(f"Requires-Dist: {other}" for other in requires), ""]),
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with ZipFile(index / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, text in content.items():
            archive.writestr(f"{name}-{version}.dist-info/{file}", text)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    for version in ("1.0", "1.1", "2.0", "3.0"):
        add_wheel(folder, "base", version)
        add_wheel(folder, "extra", version)
    add_wheel(folder, "picky", "1.0", "base<3")
    add_wheel(folder, "picky", "2.0")
    return folder


@pytest.fixture
def lock(index: Path, tmp_path: Path, need: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Lock:
    """`lock(pyproject, "base==1.0")`: what uv locks for a pyproject.toml."""
    need("uv", shutil.which("uv"), "uv is not on the PATH")
    settings = tmp_path / "uv.toml"
    settings.write_text(f'[[index]]\nurl = "{index}"\nformat = "flat"\ndefault = true\n', encoding="utf-8")
    monkeypatch.setenv("UV_CONFIG_FILE", str(settings))
    monkeypatch.setenv("UV_PYTHON", sys.executable)  # looking for one takes uv longest

    def made(pyproject: str, *versions: str) -> str:
        folder = tmp_path / "locked"
        folder.mkdir(exist_ok=True)
        (folder / "uv.lock").unlink(missing_ok=True)
        (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
        words = [word for version in versions for word in ("--upgrade-package", version)]
        subprocess.run(["uv", "lock", "--quiet", "--project", str(folder), *words], check=True)
        return (folder / "uv.lock").read_text(encoding="utf-8")

    return made


def update(pyproject: str, ours: str | None, old: str, new: str) -> Locked:
    return locked({"pyproject.toml": pyproject}, {"pyproject.toml": GENERATED}, ours, old, new)


def test_without_changes_of_the_teams_it_is_the_templates(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = lock(GENERATED, "base==1.0"), lock(GENERATED, "base==2.0")
    monkeypatch.setenv("UV", "no-uv-is-needed")

    assert update(GENERATED, old, old, new) == Locked(new, "the template's")
    assert update(GENERATED, None, old, new).text == new, "the team has deleted its own"
    with_settings = GENERATED + '[tool.ruff]\nline-length = 99\n[project.urls]\nHome = "https://example.org"\n'
    assert update(with_settings, old, old, new).text == new, "uv locks by none of this"


def test_packages_of_the_teams_keep_their_versions_and_those_that_it_raised(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyproject = PROJECT.format('"base", "extra"')
    ours = lock(pyproject, "base==3.0", "extra==1.1")
    old, new = lock(GENERATED, "base==1.0"), lock(GENERATED, "base==2.0")
    monkeypatch.setenv("UV_FROZEN", "1")  # as a shell may have it

    result = update(pyproject, ours, old, new)

    assert versions_of(result.text) == {"base": "3.0", "extra": "1.1"}
    assert result.note == "the template's, locked again; 2 versions are the project's own"


def test_a_version_that_only_the_template_raised_is_the_templates(lock: Lock) -> None:
    pyproject = PROJECT.format('"base", "extra"')
    ours = lock(pyproject, "base==1.0", "extra==1.1")
    old, new = lock(GENERATED, "base==1.0"), lock(GENERATED, "base==2.0")

    assert versions_of(update(pyproject, ours, old, new).text) == {"base": "2.0", "extra": "1.1"}


def test_versions_that_do_not_fit_any_more_are_dropped_and_said(lock: Lock) -> None:
    pyproject = PROJECT.format('"base", "picky"')
    ours = lock(pyproject, "base==2.0", "picky==1.0")
    old, new = lock(GENERATED, "base==2.0"), lock(GENERATED, "base==3.0")
    pyproject = PROJECT.format('"base>=3", "picky"')  # as the template asks for it now

    result = update(pyproject, ours, old, new)

    assert versions_of(result.text) == {"base": "3.0", "picky": "2.0"}
    assert result.note == "the template's, locked again; not kept, as they do not fit any more: picky==1.0"


def test_after_a_conflict_in_pyproject_it_is_the_templates_and_what_to_do_is_said(lock: Lock) -> None:
    old, new = lock(GENERATED, "base==1.0"), lock(GENERATED, "base==2.0")
    conflict = GENERATED.replace("[project]", "<<<<<<< HEAD\n[project]\n=======\n>>>>>>> theirs")

    assert update(conflict, old, old, new) == Locked(
        new, "the template's; after the conflict in pyproject.toml: uv lock"
    )


def test_if_uv_finds_no_versions_the_update_is_refused_in_one_line(lock: Lock) -> None:
    old, new = lock(GENERATED, "base==1.0"), lock(GENERATED, "base==2.0")

    with pytest.raises(UpdateError) as refused:
        update(PROJECT.format('"base", "absent"'), old, old, new)

    assert "\n" not in str(refused.value)
    assert "absent" in str(refused.value)
    assert str(refused.value).endswith("; nothing was changed")


def test_a_package_in_another_folder_of_the_repository_is_found(
    lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a monorepo, whose models share code; and as an index that is a folder of the project."""
    root = tmp_path / "répo"
    (root / "shared lib").mkdir(parents=True)
    (root / "models/houses/wheels").mkdir(parents=True)
    (root / "shared lib/pyproject.toml").write_text(
        '[project]\nname = "shared"\nversion = "7"\nrequires-python = ">=3.11"\ndependencies = ["extra"]\n'
    )
    add_wheel(root / "models/houses/wheels", "ours", "5.0")
    pyproject = PROJECT.format('"base", "shared", "ours"')
    pyproject += '[tool.uv.sources]\nshared = { path = "../../shared lib" }\nours = { index = "wheels" }\n'
    pyproject += '[[tool.uv.index]]\nname = "wheels"\nurl = "wheels"\nformat = "flat"\nexplicit = true\n'
    (root / "models/houses/pyproject.toml").write_text(pyproject)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "--all"], check=True)
    tree = subprocess.run(["git", "-C", str(root), "write-tree"], check=True, capture_output=True, text=True).stdout
    old, new = lock(GENERATED, "base==1.0"), lock(GENERATED, "base==2.0")
    monkeypatch.chdir(root / "models/houses")

    around = Surroundings(tree.strip(), "models/houses/")
    result = locked({"pyproject.toml": pyproject}, {"pyproject.toml": GENERATED}, old, old, new, around)

    assert 'source = { directory = "../../shared lib" }' in result.text
    assert 'source = { registry = "wheels" }' in result.text


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", False),
        ('[tool.uv.workspace]\nmembers = ["cd4ml"]\n[tool.uv.sources]\ncd4ml = { workspace = true }', False),
        ('[tool.uv.workspace]\nmembers = ["cd4ml", "packages/*"]', True),
        ('[tool.uv.sources]\none = { path = "../one" }', True),
        ('[tool.uv.sources]\none = [{ path = "../one", marker = "sys_platform == \'linux\'" }]', True),
        ('[tool.uv.sources]\none = { git = "https://example.org/one" }', False),
        ('[[tool.uv.index]]\nname = "ours"\nurl = "https://example.org/simple"\nexplicit = true', False),
        ('[[tool.uv.index]]\nname = "ours"\nurl = "wheels"\nformat = "flat"', True),
        ('[tool.uv]\nfind-links = ["wheels"]', True),
        ('find-links = ["wheels"]', True),  # uv.toml
    ],
)
def test_it_is_known_whether_uv_reads_other_folders(lines: str, expected: bool) -> None:
    assert names_a_path(lines) is expected


@pytest.mark.parametrize(
    ("ours", "old", "new", "kept"),
    [
        ("2.0", "1.0", "1.5", True),
        ("2.0", "2.0", "1.5", False),  # the template lowered it, and has its reasons
        ("1.2", "1.0", "1.5", False),
        ("1.5", "1.0", "1.5", False),
        ("1.5.0", "1.0", "1.5", False),
        ("2.0rc1", "1.0", "2.0", False),  # a release is newer than what was tried before it
        ("2.0", "1.0", "2.0rc1", True),
        ("2.0.post1", "1.0", "2.0", True),
        ("2024.10", "1.0", "2024.9", True),
        ("1!1.0", "1.0", "2.0", True),
        ("9.0", None, None, True),
        ("9.0", "9.0", None, False),  # the template needs it no more
        ("9.0", None, "8.0", True),
        ("7.0", None, "8.0", False),
    ],
)
def test_which_versions_a_project_keeps(ours: str, old: str | None, new: str | None, kept: bool) -> None:
    templates = [{"one": version} if version else {} for version in (old, new)]

    assert newer_here({"one": ours}, *templates) == ({"one": ours} if kept else {})


def test_a_package_that_is_no_version_of_an_index_is_not_pinned() -> None:
    package = '[[package]]\nname = "{}"\nversion = "1"\nsource = {{ {} }}\n'
    sources = {"of-index": 'registry = "https://example.org"', "of-git": 'git = "https://example.org/x#1"'}
    sources |= {"cd4ml": 'editable = "cd4ml"', "houses": 'virtual = "."'}

    assert versions_of("".join(package.format(*source) for source in sources.items())) == {"of-index": "1"}


def test_what_is_not_toml_is_named_in_a_line() -> None:
    twice = GENERATED + "[tool.ours]\na = 1\n[tool.ours]\na = 2\n"

    merged = locked({"pyproject.toml": twice}, {"pyproject.toml": GENERATED}, None, "", "the template's\n")

    assert merged.text == "the template's\n"
    assert "pyproject.toml is not valid TOML after the merge (" in merged.note
    with pytest.raises(
        UpdateError, match=r"^uv\.lock: not valid TOML: .*; correct it and commit, then run this again$"
    ):
        locked({"pyproject.toml": GENERATED}, {"pyproject.toml": GENERATED}, "<<<<<<< HEAD\n", "", "")
