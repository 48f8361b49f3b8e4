"""What is in the way of an update: commands that are under way, and files that git does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from cd4ml.update.merge import check_ready
from cd4ml.update.record import UpdateError
from trained_repository import run
from update_repository import commit, generation, git, page, start, update, write


@pytest.mark.parametrize("command", ["cherry-pick", "revert"])
def test_what_is_still_to_come_of_several_commits_is_named_with_how_to_give_it_up(command: str, folder: Path) -> None:
    """After a person committed the first one's conflict by hand, git's --abort takes that commit off the branch."""
    start(folder, {"f": "1\n"})
    first = git("rev-parse", "HEAD")
    picked = []
    for number in (2, 3, 4):
        write(folder, {"f": f"{number}\n", f"f{number}": "x\n"})
        picked.append(commit(f"commit {number}"))
    if command == "cherry-pick":
        git("switch", "--quiet", "--create", "other", first)
    write(folder, {"f": "other\n"})
    commit("other")
    git(command, *picked, fails=True, GIT_EDITOR="true")
    write(folder, {"f": "merged\n"})
    by_hand = commit("by hand")

    with pytest.raises(UpdateError, match=r"give it up by git cherry-pick --quit$") as refused:
        check_ready()

    run("sh", "-c", str(refused.value).rpartition(" by ")[2])
    assert git("rev-parse", "HEAD") == by_hand
    check_ready()


def test_files_in_conflict_have_their_names_in_the_repository_wherever_git_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conflict that `git diff` does not show would be taken for a failure, and given up."""
    workflow = "env:\n  PROJECT: models/a\n"
    old = {".github/workflows/cd.yml": workflow + "x: 1\n", "Makefile": page("make")}
    start(folder, {"models/a/Makefile": page("make"), ".github/workflows/cd.yml": workflow + "x: 2\n"})
    monkeypatch.chdir(folder / "models/a")
    git("config", "diff.relative", "true")
    new = old | {".github/workflows/cd.yml": workflow + "x: 3\n"}

    _, changes = update(generation(tmp_path / "old", old), generation(tmp_path / "new", new))

    assert [(change.kind, change.path) for change in changes] == [("conflict", ".github/workflows/cd.yml")]


@pytest.mark.parametrize("ignored", [".env\n/infra\n/tools\n/latest\n", ""], ids=["ignored", "untracked"])
@pytest.mark.parametrize(
    ("ours", "new"),
    [
        ("infra", "infra"),
        ("infra/a.env", "infra"),
        ("infra/deep/a.env", "infra"),
        ("tools", "tools/new.md"),
        ("tools", "tools/deep/new.md"),
        ("latest", "latest/new.md"),
    ],
)
def test_nothing_that_git_does_not_know_makes_room_for_what_the_template_brings(
    ours: str, new: str, ignored: str, folder: Path, tmp_path: Path
) -> None:
    old = {".gitignore": ignored}
    start(folder, old)
    if ours == "latest":
        (tmp_path / "elsewhere").mkdir()
        Path("latest").symlink_to(tmp_path / "elsewhere")
    else:
        write(folder, {ours: "precious\n"})

    with pytest.raises(UpdateError, match=rf"^{ours}: not in git, and the template brings a file there: move it"):
        update(generation(tmp_path / "old", old), generation(tmp_path / "new", old | {new: "new\n"}))

    assert Path("latest").is_symlink() if ours == "latest" else Path(ours).read_text(encoding="utf-8") == "precious\n"


def test_what_git_does_not_know_beside_a_new_file_is_in_no_ones_way(folder: Path, tmp_path: Path) -> None:
    old = {"tools/a.md": "a\n", ".gitignore": "__pycache__\n"}
    start(folder, old)
    write(folder, {"tools/__pycache__/x.pyc": "x\n", "tools/new.md.txt": "ours\n", "new": "ours\n"})
    new = old | {"tools/new.md": "new\n", "other/new": "new\n"}

    update(generation(tmp_path / "old", old), generation(tmp_path / "new", new))

    assert git("status", "--porcelain", "--untracked-files=all").splitlines() == ["?? new", "?? tools/new.md.txt"]
