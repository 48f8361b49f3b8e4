"""propose-update: the commit of an update becomes a pull request or an issue; and what status says of the library."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from cd4ml.delivery.library_files import library_files
from cd4ml.delivery.model_commit import BOT_ADDRESS
from cd4ml.update import propose_update, write_update
from github_server import GitHubServer
from trained_repository import PYPROJECT, run

REPORT = "The template from 1.0.0 (a) to 1.1.0 (b).\n\n**retrains:** no\n\n## 1.1.0\n\nWhat is new.\n"


def git(*arguments: str, fails: bool = False) -> str:
    return run("git", *arguments, fails=fails)


@pytest.fixture
def origin(tmp_path: Path, github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The origin of a small project on GitHub, whose clone is the working directory."""
    folder = tmp_path / "origin.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(folder))
    git("clone", "--quiet", str(folder), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    git("switch", "--quiet", "--create", "main")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git("config", name, value)
    Path("pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    Path(".gitignore").write_text("/build\n", encoding="utf-8")
    Path("Makefile").write_text("old\n", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "a project")
    git("push", "--quiet", "origin", "main")
    github_server.fixed[""] = {"default_branch": "main"}
    return folder


def at(origin: Path, branch: str) -> str:
    return git("-C", str(origin), "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")


def make_update(
    text: str = "new\n", to: str = "1.1.0", conflicts: tuple[str, ...] = (), committer: str = BOT_ADDRESS
) -> None:
    """Leave in build/ what the first job of the workflow does: a commit that the branch here does not have."""
    before = git("rev-parse", "HEAD")
    Path("Makefile").write_text(text, encoding="utf-8")
    message = f"update the template to {to}\n\nIt was 1.0.0. Retrains: no."
    run("git", "commit", "--quiet", "--all", "--message", message, GIT_COMMITTER_EMAIL=BOT_ADDRESS)
    kept = git("ls-remote", "origin", "refs/heads/template").split()[:1]
    parents = [word for commit in kept for word in ("-p", commit)]
    git(
        "branch", "template", git("commit-tree", "HEAD^{tree}", *parents, "-m", f"generated from the template {to} (b)")
    )
    Path("build").mkdir(exist_ok=True)
    git("bundle", "create", "--quiet", str(write_update.BUNDLE), "HEAD", "template", f"^{before}")
    git("reset", "--quiet", "--hard", before)
    git("branch", "--quiet", "-D", "template")
    details = {"after": f"{to} (b)", "version": to, "commit": "b" * 40, "conflicts": list(conflicts)}
    Path("build/update.json").write_text(json.dumps(details), encoding="utf-8")
    Path("build/update.md").write_text(REPORT, encoding="utf-8")


def propose(capsys: pytest.CaptureFixture[str]) -> str:
    propose_update.main([])
    return capsys.readouterr().out


def test_one_issue_is_updated_and_closed_when_there_is_nothing_more_to_update(
    origin: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    make_update()
    assert propose(capsys).startswith("opened issue")
    make_update(to="1.2.0", conflicts=("Makefile",))
    assert propose(capsys).startswith("updated issue")

    (issue,) = github_server.lists["issues"]
    assert "make update REF=bbbbbbbbbbbb\n" in issue["body"]
    assert "What is new." in issue["body"]
    assert "this branch" not in issue["body"], "there is none"
    assert at(origin, "update/template") == at(origin, "template") == ""
    write_update.BUNDLE.unlink()
    assert propose(capsys).startswith("closed issue")
    assert issue["state"] == "closed"
    assert propose(capsys) == "nothing to update\n"


def test_it_is_no_error_if_issues_are_disabled(
    origin: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    github_server.disable_issues()
    assert propose(capsys) == "nothing to update\n"

    make_update()

    assert propose(capsys).startswith("issues are disabled in this repository")
    assert "make update REF=bbbbbbbbbbbb\n" in (tmp_path / "summary").read_text(encoding="utf-8")


def test_the_issue_stays_open_if_no_pull_request_may_be_opened(
    origin: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_update()
    propose(capsys)
    monkeypatch.setenv("BY_APP", "true")
    github_server.rejections["POST pulls"] = [(403, "Resource not accessible by integration")]

    assert "compare/main...update/template" in propose(capsys)

    assert at(origin, "update/template")
    (issue,) = github_server.lists["issues"]
    assert issue["state"] == "open"
    propose(capsys)
    assert issue["state"] == "closed"


def test_one_pull_request_is_updated_and_what_is_the_same_is_not_pushed_again(
    origin: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BY_APP", "true")
    make_update("<<<<<<< HEAD\nold\n=======\nnew\n>>>>>>> 1234567\n", conflicts=("Makefile", "Dockerfile"))
    address = propose(capsys)
    first = at(origin, "update/template")
    make_update("<<<<<<< HEAD\nold\n=======\nnew\n>>>>>>> 89abcde\n", conflicts=("Makefile",))  # git names each anew

    assert propose(capsys) == address

    assert at(origin, "update/template") == first
    (pull,) = github_server.lists["pulls"]
    assert pull["title"] == "Update the template to 1.1.0 (b): 1 file in conflict"
    assert pull["body"] == f"1 file of this branch with markers of conflicts: resolve them in it.\n\n{REPORT}"
    make_update("newer\n", to="1.2.0")
    propose(capsys)
    assert git("-C", str(origin), "show", "update/template:Makefile") == "newer"
    assert git("-C", str(origin), "show", "template:Makefile") == "newer"
    assert (pull["title"], pull["body"]) == ("Update the template to 1.2.0 (b)", REPORT)
    assert len(github_server.lists["pulls"]) == 1


def test_a_text_that_is_too_long_for_github_names_where_the_rest_is(
    origin: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BY_APP", "true")
    make_update()
    Path("build/update.md").write_text("a line of the changelog\n" * 3000, encoding="utf-8")

    propose(capsys)

    (pull,) = github_server.lists["pulls"]
    assert pull["body"].endswith("changelog\n\n… the rest is in update.md of the run's artifact `update`\n")
    assert len(pull["body"]) < 65_536


@pytest.mark.parametrize("way", [("--message", "resolve"), ("--amend", "--no-edit")], ids=str)
def test_conflicts_that_a_person_has_resolved_are_not_overwritten(
    way: tuple[str, ...],
    origin: Path,
    github_server: GitHubServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BY_APP", "true")
    make_update("<<<<<<<\n", conflicts=("Makefile",))
    propose(capsys)
    git("fetch", "--quiet", "origin", "update/template")
    git("switch", "--quiet", "--create", "mine", "FETCH_HEAD")
    Path("Makefile").write_text("resolved\n", encoding="utf-8")
    git("commit", "--quiet", "--all", *way)
    git("push", "--quiet", "--force", "origin", "mine:update/template")
    git("switch", "--quiet", "main")
    make_update("newer\n", to="1.2.0")

    assert "update/template has commits of somebody's" in propose(capsys)

    assert git("-C", str(origin), "show", "update/template:Makefile") == "resolved"
    assert github_server.lists["pulls"][0]["title"].startswith("Update the template to 1.1.0")


@pytest.mark.parametrize(("in_workflow", "expected"), [("true", BOT_ADDRESS), ("", "ada@example.org")])
def test_in_a_workflow_the_bot_commits_whoever_git_knows_on_the_runner(
    in_workflow: str, expected: str, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", in_workflow)

    write_update.name_the_author()

    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "--message", "an update"], check=True)
    assert git("log", "-1", "--format=%ce") == expected


def test_a_branch_template_that_cannot_be_pushed_does_not_stop_the_pull_request(
    origin: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BY_APP", "true")
    git("push", "--quiet", "origin", "main:refs/heads/template/speed")
    make_update()

    printed = propose(capsys)

    assert len(github_server.lists["pulls"]) == 1
    assert at(origin, "update/template")
    assert "the branch template is not pushed, and the next update does without it: " in printed


def test_what_was_pushed_to_the_branch_template_meanwhile_stays(
    origin: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the update of another project in the repository."""
    monkeypatch.setenv("BY_APP", "true")
    make_update()
    git("push", "--quiet", "origin", "main:template")

    assert "the branch template is not pushed, and the next update does without it: somebody else" in propose(capsys)

    assert at(origin, "template") == git("rev-parse", "main")


def test_a_bundle_of_another_history_is_refused(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BY_APP", "true")
    make_update()
    write_update.BUNDLE.write_bytes(b"# v2 git bundle\n-" + b"0" * 40 + b" absent\n\n")

    with pytest.raises(Exception, match=r"build/update\.bundle cannot be read here"):
        propose_update.main([])


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A project with two files of the library, and the checksums that it was generated with."""
    files = {"cd4ml/pyproject.toml": "[project]\n", "cd4ml/src/größe 1.py": "x = 1\n", "Makefile": "old\n"}
    sums = [f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n" for path, text in files.items()]
    for path, text in (files | {".cd4ml.sums": "".join(sums)}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def test_status_says_whether_the_library_is_as_it_was_generated(library: Path) -> None:
    (library / "Makefile").write_text("ours\n", encoding="utf-8")  # no file of the library
    (library / "cd4ml/new.py").write_text("ours\n", encoding="utf-8")
    assert str(library_files(library)) == "clean"
    (library / "cd4ml/src/größe 1.py").write_text("x = 2\n", encoding="utf-8")
    assert str(library_files(library)) == "1 modified: cd4ml/src/größe 1.py"
    (library / "cd4ml/src/größe 1.py").unlink()
    assert str(library_files(library)) == "1 missing: cd4ml/src/größe 1.py"
    (library / "cd4ml/pyproject.toml").write_text("[project]\nname = 'cd4ml'\n", encoding="utf-8")
    assert str(library_files(library)) == "1 modified: cd4ml/pyproject.toml; 1 missing: cd4ml/src/größe 1.py"


def test_status_says_nothing_of_a_library_that_comes_from_an_index(library: Path) -> None:
    (library / "cd4ml/pyproject.toml").unlink()
    assert library_files(library) is None


def test_status_says_nothing_if_it_is_not_known_how_the_library_was_generated(library: Path) -> None:
    (library / ".cd4ml.sums").unlink()
    assert library_files(library) is None
