"""Files that the template or the team moves: each gets its changes where it is, and takes no others with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from update_repository import commit, generation, git, page, start, update, write

ALL = {f"src/houses/{name}.py": page(name) for name in ("bundle", "columns", "contract", "features", "__init__")}
WORKFLOW, RULES = ".github/workflows/score.yml", "cd4ml/src/cd4ml/gate/rules.py"


@pytest.mark.parametrize("setting", ["", "conflict", "true"])
def test_what_an_update_leaves_alone_stays_in_a_folder_whose_other_files_the_template_moves(
    setting: str, folder: Path, tmp_path: Path
) -> None:
    start(folder, ALL)
    moved = {path.replace("src/houses", "cd4ml/src/cd4ml"): text for path, text in ALL.items() if "_" not in path}
    kept = {path: ALL[path] for path in ("src/houses/features.py", "src/houses/__init__.py")}
    ours = {"src/houses/__init__.py": ALL["src/houses/__init__.py"] + "ours\n", "src/houses/own.py": "ours\n"}
    write(folder, ours)
    commit()
    if setting:
        git("config", "merge.directoryRenames", setting)
    old, new = generation(tmp_path / "old", ALL), generation(tmp_path / "new", moved | kept)

    _, changes = update(old, new)

    assert "conflict" not in {change.kind for change in changes}
    assert {path.as_posix() for path in Path("src").rglob("*.py")} == {*kept, *ours}
    assert {name: Path(name).read_text(encoding="utf-8") for name in ours} == ours
    assert Path("cd4ml/src/cd4ml/bundle.py").is_file()


OURS = "# ours\n"
"""The first line of an edited file."""


@pytest.mark.parametrize(
    ("old", "new"),
    [(WORKFLOW, ".github/workflows/batch.yml"), (RULES, "cd4ml/src/cd4ml/judge/rules.py"), ("a.cfg", "etc/deep/a.cfg")],
)
def test_an_edited_file_that_the_template_moves_is_merged_where_it_is_now(
    old: str, new: str, folder: Path, tmp_path: Path
) -> None:
    start(folder, {old: page("x")})
    write(folder, {old: OURS + page("x")})
    commit()
    newer = generation(tmp_path / "new", {new: page("x") + "theirs\n"})

    plan, _ = update(generation(tmp_path / "old", {old: page("x")}), newer)

    assert plan.left == {}
    assert not Path(old).exists()
    assert Path(new).read_text(encoding="utf-8") == OURS + page("x") + "theirs\n"


@pytest.mark.parametrize("edit", ["", OURS])
def test_a_file_that_team_and_template_move_is_merged_where_the_team_has_it(
    edit: str, folder: Path, tmp_path: Path
) -> None:
    start(folder, {WORKFLOW: page("x")})
    Path(WORKFLOW).unlink()
    write(folder, {".github/workflows/ours.yml": edit + page("x")})
    commit()
    newer = generation(tmp_path / "new", {".github/workflows/batch.yml": page("x") + "theirs\n"})

    update(generation(tmp_path / "old", {WORKFLOW: page("x")}), newer)

    assert [path.name for path in Path(".github/workflows").iterdir()] == ["ours.yml"]
    assert Path(".github/workflows/ours.yml").read_text(encoding="utf-8") == edit + page("x") + "theirs\n"


@pytest.mark.parametrize("path", ["docs/a.md", "tests/test_a.py"])
def test_a_page_or_a_test_that_the_team_has_edited_stays_though_the_template_moves_it(
    path: str, folder: Path, tmp_path: Path
) -> None:
    start(folder, {path: page("x")})
    write(folder, {path: OURS + page("x")})
    commit()
    old, new = generation(tmp_path / "old", {path: page("x")}), generation(tmp_path / "new", {f"new/{path}": page("x")})

    plan, _ = update(old, new)

    assert plan.left == {path: "edited here, and the template has dropped it"}
    assert Path(path).read_text(encoding="utf-8").startswith(OURS)
    assert Path("new", path).is_file()


@pytest.mark.parametrize("path", ["tools/lint.cfg", "docs/a.md", RULES])
@pytest.mark.parametrize("edit", ["", OURS])
def test_a_file_that_the_team_moved_stays_though_the_template_drops_it(
    path: str, edit: str, folder: Path, tmp_path: Path
) -> None:
    """git would call that a conflict, in which no file has a marker."""
    start(folder, {path: page("x")})
    Path(path).unlink()
    write(folder, {"etc/ours": edit + page("x")})
    commit()

    plan, changes = update(generation(tmp_path / "old", {path: page("x")}), generation(tmp_path / "new", {}))

    assert plan.left == {path: f"{'edited' if edit else 'moved'} here, and the template has dropped it"}
    assert [change.kind for change in changes] == ["left alone"]
    assert Path("etc/ours").is_file()


def test_empty_files_are_not_taken_for_moved(folder: Path, tmp_path: Path) -> None:
    start(folder, {"tests/__init__.py": ""})
    Path("tests/__init__.py").unlink()
    write(folder, {"src/ours/__init__.py": ""})
    commit()

    plan, _ = update(generation(tmp_path / "old", {"tests/__init__.py": ""}), generation(tmp_path / "new", {}))

    assert plan.left == {"tests/__init__.py": "deleted here"}
    assert Path("src/ours/__init__.py").is_file()
