"""`make record`, `make propose`, `make refused`: a trained state becomes one commit, and one pull request or issue."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.cli import main
from github_server import GitHubServer
from trained_repository import clone, commit, judged, run, train

Step = Callable[..., dict[str, str]]
VERSION = "2024-02-29.bbbbbbb"


@pytest.fixture
def trained(repository: Path) -> Path:
    """The repository, with a model that is trained and passed, and is not committed."""
    Path("params.yaml").write_text("model: {depth: 2}\n", encoding="utf-8")
    train(VERSION)
    return repository


@pytest.fixture
def recorded(trained: Path, step: Step) -> Path:
    step("commit-model", REASON="schedule")
    return trained


def at(origin: Path, branch: str) -> str:
    """The commit that a branch of the origin is at; empty where there is none."""
    return run("git", "-C", str(origin), "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")


def test_exactly_the_trained_state_is_committed(trained: Path, step: Step) -> None:
    Path("model.py").write_text("mine\n", encoding="utf-8")
    Path("notes.txt").write_text("mine\n", encoding="utf-8")
    run("git", "add", "notes.txt")
    before = run("git", "rev-parse", "HEAD")

    told = step("commit-model", REASON="drift in `size`\n\nRun: $(touch /tmp/no)")

    assert told == {"commit": run("git", "rev-parse", "HEAD"), "base": before, "bundle": VERSION}
    changed = run("git", "show", "--name-only", "--format=", "HEAD").splitlines()
    assert {Path(name).parts[0] for name in changed} == {"dvc.lock", "params.yaml", "reports"}
    message = run("git", "log", "-1", "--format=%an%n%B")
    assert message.startswith(f"github-actions[bot]\nmodel {VERSION}: roc_auc 0.750\n")
    assert "Why: drift in `size` Run: $(touch /tmp/no)\n" in message
    assert "Judged against: the trivial baseline\n  roc_auc 0.750" in message
    assert Path("build/change.bundle").exists()


def test_nothing_new_is_said(repository: Path, step: Step) -> None:
    assert step("commit-model") == {"commit": "none", "bundle": "2024-01-31.aaaaaaa"}
    Path("reports/gate.md").write_text("judged again\n", encoding="utf-8")
    assert step("commit-model")["commit"] == "none"


def test_what_the_gate_did_not_let_pass_is_not_committed(
    trained: Path, capsys: pytest.CaptureFixture[str], step: Step
) -> None:
    train(VERSION, passed=False)
    step("commit-model", fails=True)
    judged({"bundle": VERSION, "passed": True, "dvc_lock": "another.dir", "accepted": []})
    step("commit-model", fails=True)

    assert capsys.readouterr().err.count("does not say that the gate let the bundle of dvc.lock pass") == 2


def test_one_branch_is_rebuilt_and_one_pull_request_updated(
    recorded: Path, origin: Path, step: Step, github_server: GitHubServer
) -> None:
    first = step("propose-model")
    assert at(origin, "ct/retrain") == run("git", "rev-parse", "HEAD")
    run("git", "reset", "--quiet", "--hard", "HEAD~1")
    Path("params.yaml").write_text("model: {depth: 3}\n", encoding="utf-8")
    train("2024-03-31.ccccccc")
    step("commit-model", REASON="later")
    second = step("propose-model")

    assert at(origin, "ct/retrain") == run("git", "rev-parse", "HEAD")
    (pull,) = github_server.lists["pulls"]
    assert pull["title"] == "model 2024-03-31.ccccccc: roc_auc 0.750"
    assert (pull["head"], pull["base"]) == ("ct/retrain", "main")
    assert pull["body"].startswith("## Gate: 2024-03-31.ccccccc\n")
    assert first == second == {"branch": "ct/retrain", "pull_request": pull["html_url"]}
    assert github_server.asked("POST").count("actions/workflows/ci.yml/dispatches") == 2


def test_the_apps_push_starts_its_checks_itself(recorded: Path, step: Step, github_server: GitHubServer) -> None:
    step("propose-model", BY_APP="true")

    assert "actions/workflows/ci.yml/dispatches" not in github_server.asked("POST")


def test_where_workflows_may_not_open_pull_requests_it_says_what_to_click(
    recorded: Path, origin: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    github_server.refusals["POST pulls"] = [(403, "GitHub Actions is not permitted to create or approve pull requests")]

    assert step("propose-model")["pull_request"] == ""

    assert at(origin, "ct/retrain")
    said = capsys.readouterr().out
    assert "https://github.com/ada/houses/compare/main...ct/retrain?expand=1" in said
    assert "https://github.com/ada/houses/settings/actions" in said


def test_a_labelled_pull_request_gets_the_commit_on_its_branch(
    recorded: Path, origin: Path, step: Step, github_server: GitHubServer
) -> None:
    run("git", "push", "--quiet", "origin", "HEAD~1:refs/heads/deeper;$(x)")
    github_server.lists["pulls"] = [{"id": 7, "number": 7, "state": "open"}]

    told = step("propose-model", HEAD_BRANCH="deeper;$(x)")

    assert at(origin, "deeper;$(x)") == run("git", "rev-parse", "HEAD")
    assert told["pull_request"] == "7"
    assert github_server.asked("DELETE") == ["issues/7/labels/train"]
    assert not at(origin, "ct/retrain")


def test_a_branch_that_moved_meanwhile_is_not_overwritten(
    recorded: Path, origin: Path, step: Step, tmp_path: Path, github_server: GitHubServer,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other = clone(origin, tmp_path / "other")
    with monkeypatch.context() as patch:
        patch.chdir(other)
        (other / "mine").write_text("mine", encoding="utf-8")
        theirs = commit("theirs")
        run("git", "push", "--quiet", "origin", "HEAD:refs/heads/deeper")

    step("propose-model", HEAD_BRANCH="deeper", fails=True)

    assert at(origin, "deeper") == theirs
    assert "deeper was pushed to while the model was trained" in capsys.readouterr().err


@pytest.mark.parametrize("branch", ["production", "held/aaaaaaa", "ct/retrain", "--force", "a:b", "a b"])
def test_a_branch_that_is_no_pull_requests_is_refused(
    branch: str, recorded: Path, step: Step, github_server: GitHubServer
) -> None:
    step("propose-model", HEAD_BRANCH=branch, fails=True)

    assert github_server.calls == []


def test_a_commit_that_changes_anything_else_is_not_pushed(
    recorded: Path, origin: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """What trains runs a pull request's code, and could hand over any commit."""
    Path("model.py").write_text("evil\n", encoding="utf-8")
    run("git", "commit", "--quiet", "--all", "--amend", "--no-edit")
    run("git", "bundle", "create", "--quiet", "build/change.bundle", "HEAD", "^HEAD~1")

    step("propose-model", fails=True)

    said = capsys.readouterr().err
    assert "build/change.bundle changes model.py, which training does not; nothing was pushed" in said
    assert not at(origin, "ct/retrain")


def test_without_a_record_there_is_nothing_to_propose(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    step("propose-model", fails=True)
    assert "no build/change.bundle; make record writes it" in capsys.readouterr().err


def test_refusals_are_one_issue_that_a_pass_closes(repository: Path, github_server: GitHubServer, step: Step) -> None:
    somebodys = {"id": 1, "number": 1, "title": "Retraining was refused", "state": "open", "body": "?"}
    github_server.lists["issues"] = [somebodys]
    step("report-rejection", CLOSE="1")
    step("report-rejection")
    Path("reports/gate.md").write_text("## worse again\n", encoding="utf-8")
    step("report-rejection", GITHUB_RUN_ID="42")

    theirs, ours = github_server.lists["issues"]
    assert theirs["body"] == "?"
    assert (ours["title"], ours["state"]) == ("Retraining was refused", "open")
    assert ours["body"].startswith("## worse again\n")
    assert "https://github.com/ada/houses/actions/runs/42" in ours["body"]

    step("report-rejection", CLOSE="1")
    assert (theirs["state"], ours["state"]) == ("open", "closed")


def test_a_repository_without_issues_is_no_failure(
    repository: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    github_server.refusals["GET issues"] = [(410, "Issues has been disabled in this repository.")]

    assert main(["report-rejection"]) == 0
    assert "issues are switched off" in capsys.readouterr().out
