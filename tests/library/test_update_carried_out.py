"""The moment in which an update changes the project: what is printed, and what is true if a part of it fails."""

from __future__ import annotations

import argparse
import errno
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cd4ml.files.git import GitError
from cd4ml.update import carry_out as carry_out_verb
from cd4ml.update.carry_out import carry_out
from cd4ml.update.generation import Generation, check_branch
from cd4ml.update.new_params import Proposal
from cd4ml.update.prepare import Prepared
from cd4ml.update.record import Record, UpdateError
from cd4ml.update.summary import Change, Summary
from cd4ml.update.template import Revision, Template
from cd4ml.update.trees import tree_of_folder
from trained_repository import run


def git(*arguments: str, fails: bool = False) -> str:
    return run("git", *arguments, fails=fails)


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    """An update of the project in the working directory, which changes its Makefile and brings a page."""
    (tmp_path / "gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    generations = []
    for name, files in {"project": {"Makefile": "old\n"}, "newer": {"Makefile": "new\n", "new.md": "# New\n"}}.items():
        (tmp_path / name).mkdir()
        for path, text in files.items():
            (tmp_path / name / path).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "project")
    Path(".gitignore").write_text("/build\n", encoding="utf-8")
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--no-gpg-sign", "--message", "a project")
    (tmp_path / "newer/.gitignore").write_text("/build\n", encoding="utf-8")
    generations = [Generation(tree_of_folder(tmp_path / name), name) for name in ("project", "newer")]
    told = Summary(
        before="1.0.0 (a)", after="1.1.0 (b)", version="1.1.0", commit="b" * 40, lock="the template's", retrains="no",
        changes=(Change("Makefile", "updated"),), proposal=Proposal("", ()), library=(), changelog="",
    )  # fmt: skip
    return Prepared(generations[0].tree, generations[1].tree, told, *generations)


def test_a_branch_below_the_name_that_updates_keep_is_named_before_anything_is_changed(prepared: Prepared) -> None:
    git("branch", "templates/other")
    check_branch()
    git("branch", "template/speed")

    with pytest.raises(UpdateError, match=r"^the branch template/speed is in the way .*: git branch -m template/speed"):
        check_branch()


def test_what_fails_after_the_commit_is_a_remark(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    git("branch", "template/speed")
    Path("build").write_text("a file where the folder is needed\n", encoding="utf-8")

    assert carry_out(prepared) is None

    lines = capsys.readouterr().out.splitlines()
    assert git("log", "-1", "--format=%s") == "update the template to 1.1.0 (b)"
    assert any(line.startswith("the branch template stays as it was, and the next update") for line in lines)
    assert "build/update.md cannot be written: File exists" in lines
    assert "committed: update the template to 1.1.0 (b); to undo: git revert HEAD" in lines


def test_what_git_cannot_take_back_is_said_with_what_to_do(prepared: Prepared) -> None:
    """As if git was killed: it leaves the lock of its index, and gives up nothing while that is there."""
    hook = Path(".git/hooks/prepare-commit-msg")
    hook.write_text("#!/bin/sh\ntouch .git/index.lock\necho fatal: killed >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    before = git("rev-parse", "HEAD")

    with pytest.raises(GitError, match=r"^git cherry-pick: killed; the project is not as it was\. .*: rm ") as failed:
        carry_out(prepared)

    assert not isinstance(failed.value, UpdateError), "which would say that nothing was changed"
    (advice,) = re.findall(r"rm .* [0-9a-f]{12}", str(failed.value))
    run("sh", "-c", advice)
    assert (git("rev-parse", "HEAD"), Path("Makefile").read_text(encoding="utf-8")) == (before, "old\n")
    assert git("status", "--porcelain") == ""


def test_a_lock_of_another_git_changes_nothing(prepared: Prepared) -> None:
    Path(".git/index.lock").touch()

    with pytest.raises(UpdateError, match=r"index\.lock': File exists; nothing was changed$"):
        carry_out(prepared)

    assert Path("Makefile").read_text(encoding="utf-8") == "old\n"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (
            OSError(errno.ENOSPC, "", "/tmp/x"),
            "update: the disk is full; free some space, then run this again (/tmp/x); ",
        ),
        (KeyboardInterrupt(), "update: stopped; nothing was changed"),
    ],
    ids=str,
)
def test_what_ends_an_update_is_one_line(
    failure: BaseException,
    expected: str,
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(carry_out_verb, "update", fail)

    assert carry_out_verb.run(Template(Path()), argparse.Namespace()) == 1

    assert capsys.readouterr().err.startswith(expected)


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_answer_that_the_project_has_changes_nothing(
    dry_run: bool, prepared: Prepared, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty commit would be made, and in the workflow a pull request of nothing."""

    class Known(Template):
        def revision(self, commit: str) -> Revision:
            return Revision(commit, "1.0.0")

        def questions(self, _: str) -> list[str]:
            return ["platform"]

    template, before = Known(Path()), git("rev-parse", "HEAD")
    monkeypatch.setattr(carry_out_verb, "with_knowledge", lambda *_: template)
    monkeypatch.setattr(carry_out_verb, "record_here", lambda: Record("", "1.0.0", "a" * 40, {"platform": "aci"}))
    monkeypatch.setattr(carry_out_verb, "prepare", lambda *_: replace(prepared, theirs=prepared.base))
    arguments = argparse.Namespace(target="a" * 40, set=["platform=aci"], moved=False, dry_run=dry_run, base="")

    assert carry_out_verb.run(template, arguments) == 0

    told = "nothing to update: the project has 1.0.0 (aaaaaaa) with platform=aci already\n"
    assert capsys.readouterr().out == told
    assert git("rev-parse", "HEAD") == before


def test_a_reader_that_has_ended_is_no_error(prepared: Prepared) -> None:
    program = (
        "import cd4ml.update.carry_out as verb\n"
        "verb.update = lambda *_: print('x' * 100_000) or print('y', flush=True)\n"
        "verb.main()"
    )
    command = f'{sys.executable} -c "$0" --template . --target HEAD | head -c 1; exit ${{PIPESTATUS[0]}}'

    done = subprocess.run(["bash", "-c", command, program], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (141, "x", "")
