"""Files that the template or the team moves: each gets its changes where it is, and takes no others with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from update_repository import commit, generation, git, page, start, update, write

ALL = {f"src/houses/{name}.py": page(name) for name in ("bundle", "columns", "contract", "features", "__init__")}
WORKFLOW, RULES = ".github/workflows/score.yml", "cd4ml/src/cd4ml/gate/rules.py"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for a project, which is the working directory; git has no settings but a name."""
    (tmp_path / "gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.mark.parametrize("setting", ["", "conflict", "true"])
def test_what_an_update_leaves_alone_stays_in_a_folder_whose_other_files_the_template_moves(
    setting: str, project: Path, tmp_path: Path
) -> None:
    start(project, ALL)
    moved = {path.replace("src/houses", "cd4ml/src/cd4ml"): text for path, text in ALL.items() if "_" not in path}
    kept = {path: ALL[path] for path in ("src/houses/features.py", "src/houses/__init__.py")}
    ours = {"src/houses/__init__.py": ALL["src/houses/__init__.py"] + "ours\n", "src/houses/own.py": "ours\n"}
    write(project, ours)
    commit()
    if setting:
        git("config", "merge.directoryRenames", setting)
    old, new = generation(tmp_path / "old", ALL), generation(tmp_path / "new", moved | kept)

    _, changes = update(old, new)

    assert "conflict" not in {change.kind for change in changes}
    assert {path.as_posix() for path in Path("src").rglob("*.py")} == {*kept, *ours}
    assert {name: Path(name).read_text(encoding="utf-8") for name in ours} == ours
    assert Path("cd4ml/src/cd4ml/bundle.py").is_file()
