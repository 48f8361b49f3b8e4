"""An update in repositories as there are: settings of git's, unusual files, clones of a workflow, work that goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cd4ml.update.alone import alone, uninterrupted
from cd4ml.update.generation import check_branch
from cd4ml.update.layout import layout_here
from cd4ml.update.merge import apply, check_ready, check_unchanged, check_untracked, conflicting_files, merge
from cd4ml.update.record import UpdateError
from cd4ml.update.template import Template
from cd4ml.update.trees import files_of, moved_files, project_files, tree_of, tree_of_folder
from trained_repository import run
from update_repository import commit, git, write

MAKEFILE = "help:\n\techo help\n\ntrain:\n\techo train\n"
FILES = {
    ".gitattributes": "* text=auto eol=lf\n",
    "Makefile": MAKEFILE,
    "docs/the gate.md": "# Gate\n",
    "docs/größe.md": "# Größe\n",
    "run.sh": "echo\n",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in its own repository, with no settings but these; it is the working directory."""
    (tmp_path / "gitconfig").write_text(
        "[user]\nname = Ada\nemail = ada@example.org\n[protocol.file]\nallow = always\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    folder = tmp_path / "project"
    write(folder, FILES)
    monkeypatch.chdir(folder)
    git("init", "--quiet", "--initial-branch=main")
    commit("a new project")
    return folder


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The project as a newer version of the template generates it."""
    folder = tmp_path / "newer"
    changes = {
        "Makefile": MAKEFILE.replace("echo help", "echo all help"),
        "docs/größe.md": "# Größer\n",
        "new.md": "# New\n",
    }
    write(folder, FILES | changes)
    (folder / "run.sh").chmod(0o755)
    return folder


def carry(newer: Path) -> list[str]:
    """Update the project in this folder to a newer generation; return the files in conflict, which are as foreseen."""
    check_ready()
    layout = layout_here()
    first = git("rev-list", "--max-parents=0", "HEAD").splitlines()[-1]
    base = tree_of(project_files(first, layout), layout)
    theirs = tree_of(files_of(tree_of_folder(newer)), layout)
    foreseen = merge(base, theirs)
    check_untracked(foreseen.tree)
    apply(base, theirs, "update")
    assert conflicting_files() == list(foreseen.conflicts)
    return conflicting_files()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"core.autocrlf": "true", "core.safecrlf": "true"},
        {"core.quotePath": "true", "status.relativePaths": "true", "status.showUntrackedFiles": "no"},
        {"merge.conflictStyle": "zdiff3", "diff.noprefix": "true", "diff.mnemonicPrefix": "true"},
        {"merge.renames": "false", "diff.renames": "copies"},
        {"core.fileMode": "false"},
        {"color.ui": "always", "core.pager": "false", "commit.verbose": "true"},
        {"commit.cleanup": "scissors", "core.commentChar": "u"},
        {"commit.template": "/nowhere", "core.editor": "false"},
        {"push.default": "nothing", "pull.rebase": "true", "advice.statusHints": "false"},
    ],
    ids=str,
)
def test_the_users_settings_of_git_change_nothing(settings: dict[str, str], newer: Path, project: Path) -> None:
    for name, value in settings.items():
        git("config", "--global", name, value)
    write(project, {"notes of ours.txt": "not in git\n"})

    assert carry(newer) == []

    assert "echo all help" in Path("Makefile").read_text(encoding="utf-8")
    assert Path("docs/größe.md").read_bytes() == "# Größer\n".encode()
    assert git("ls-tree", "HEAD", "run.sh").startswith("100755")
    assert git("log", "-1", "--format=%s") == "update"
    assert git("status", "--porcelain", "--untracked-files=all") == '?? "notes of ours.txt"'


def test_a_conflict_is_one_whatever_git_remembers_of_it(newer: Path) -> None:
    """With rerere, git resolves what it saw resolved before: a person looks at that again."""
    git("config", "--global", "rerere.enabled", "true")
    git("config", "--global", "rerere.autoUpdate", "true")
    Path("Makefile").write_text(MAKEFILE.replace("echo help", "echo our help"), encoding="utf-8")
    before = commit()
    assert carry(newer) == ["Makefile"]
    Path("Makefile").write_text(MAKEFILE.replace("echo help", "echo all our help"), encoding="utf-8")
    git("add", "--all")
    git("-c", "core.editor=true", "cherry-pick", "--continue")
    git("reset", "--quiet", "--hard", before)

    assert carry(newer) == ["Makefile"]


def test_a_commit_that_cannot_be_signed_leaves_everything_as_it_was(newer: Path) -> None:
    git("config", "--global", "commit.gpgSign", "true")
    git("config", "--global", "gpg.program", "false")
    before = git("rev-parse", "HEAD")

    with pytest.raises(UpdateError, match=r"^git cherry-pick: gpg failed to sign the data; nothing was changed$"):
        carry(newer)

    assert git("rev-parse", "HEAD") == before
    assert git("status", "--porcelain") == ""


def test_links_submodules_and_unusual_files_of_the_teams_stay(newer: Path, project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other, {"file": "x\n"})
    git("-C", str(other), "init", "--quiet")
    git("-C", str(other), "add", "--all")
    git("-C", str(other), "commit", "--quiet", "--message", "other")
    git("submodule", "--quiet", "add", str(other), "their code")
    write(project, {"windows.bat": "echo\r\n", "odd \n name": "x"})
    Path("latest").symlink_to("docs")
    Path("docs/the gate.md").rename("the gate.md")
    before = files_of(commit())
    write(project / "their code", {"untracked": "x\n"})  # what is in there is another repository's matter

    assert carry(newer) == []

    after = files_of("HEAD")
    changed = {"Makefile", "docs/größe.md", "new.md", "run.sh"}
    assert {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} == changed
    assert before["their code"].mode == "160000"
    assert Path("latest").is_symlink()
    assert moved_files(tree_of_folder(newer), "HEAD") == {"docs/the gate.md": "the gate.md"}


def test_in_a_shallow_clone_without_a_branch(newer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a workflow has it."""
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--depth=1", Path.cwd().as_uri(), str(clone))
    monkeypatch.chdir(clone)
    git("checkout", "--quiet", "--detach")

    assert carry(newer) == []

    assert git("branch", "--show-current") == ""
    assert git("rev-list", "--count", "HEAD") == "2"


def test_in_a_sparse_checkout(newer: Path) -> None:
    git("sparse-checkout", "set", "--no-cone", "/*", "!/docs")

    assert carry(newer) == []

    assert not Path("docs").exists()
    assert git("show", "HEAD:docs/größe.md") == "# Größer"


def test_in_another_work_tree_of_the_repository(newer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    monkeypatch.chdir(tmp_path / "side")

    assert carry(newer) == []

    assert git("rev-list", "--count", "side") == "2"
    assert git("rev-list", "--count", "main") == "1"


def test_what_is_under_way_is_named_with_how_to_end_it(newer: Path) -> None:
    Path("docs/größe.md").write_text("# ours\n", encoding="utf-8")
    with pytest.raises(UpdateError, match=r"changes are not committed \(docs/größe\.md\)"):
        check_ready()
    commit("one")
    Path("Makefile").write_text(MAKEFILE + "\nmore:\n", encoding="utf-8")
    commit("two")
    git("-c", "sequence.editor=echo break >", "rebase", "--quiet", "--interactive", "HEAD~2")
    with pytest.raises(UpdateError, match="finish it, or give it up by git rebase --abort"):
        check_ready()
    git("rebase", "--abort")
    check_ready()
    git("branch", "--quiet", "--move", "template")
    with pytest.raises(UpdateError, match="git switch to the one to update"):
        check_branch()


def test_a_project_that_changes_while_an_update_is_prepared_is_not_updated() -> None:
    before = git("rev-parse", "HEAD")
    check_unchanged(before)
    Path("Makefile").write_text("edited\n", encoding="utf-8")
    with pytest.raises(UpdateError, match="the project was changed meanwhile"):
        check_unchanged(before)
    commit()
    with pytest.raises(UpdateError, match="the project was changed meanwhile"):
        check_unchanged(before)


def test_two_updates_do_not_run_at_once_and_none_is_in_the_way_after_it_was_killed() -> None:
    program = "from cd4ml.update.alone import alone\nwith alone(): print('alone', flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "alone\n"
    with pytest.raises(UpdateError, match="another update of this repository is under way"), alone():
        pass

    other.kill()
    other.wait(30)

    with alone():
        assert git("status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_while_the_project_is_changed_nothing_stops_it_nor_what_it_starts(name: str) -> None:
    program = f"import os, signal\nfor one in (os.getpid(), os.getppid()): os.kill(one, signal.{name})\nprint('on')"
    stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in stopping]

    with uninterrupted():
        assert run(sys.executable, "-c", program) == "on"

    assert [signal.getsignal(number) for number in stopping] == handlers


def test_a_fork_with_a_standard_is_followed_on_its_branch_and_the_template_by_its_tags(project: Path) -> None:
    released = commit_tagged("v1.0.0")
    (project / "later.md").write_text("later")
    commit("not released yet")
    assert Template(project).newest() == released
    (project / "standard.toml").write_text('[answers]\nauthor = "Acme"\n')
    standard = commit("the company's standard")
    git("tag", "v2.0.0", released)  # as a fork has the template's tags

    assert Template(project).newest() == standard


def commit_tagged(tag: str) -> str:
    git("commit", "--quiet", "--allow-empty", "--no-gpg-sign", "--message", tag)
    git("tag", tag)
    return git("rev-parse", "HEAD")
