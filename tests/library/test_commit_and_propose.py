"""The verbs of ct: a trained model becomes a commit and a pull request, or an issue."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.delivery.report_rejection import rejection
from github_server import GitHubServer
from trained_repository import clone, commit, run, train, write_verdict

Step = Callable[..., dict[str, str]]
VERSION = "2024-02-29.bbbbbbb"
PASSED = {"GATE": "success", "TESTS": "success"}
NOT_PERMITTED = "GitHub Actions is not permitted to create or approve pull requests"


@pytest.fixture
def trained(repository: Path) -> Path:
    """The repository, with a model that is trained and passed, and is not committed."""
    Path("params.yaml").write_text("model: {depth: 2}\n", encoding="utf-8")
    train(VERSION)
    return repository


@pytest.fixture
def committed(trained: Path, step: Step) -> Path:
    """The same, after commit-model."""
    step("commit-model", REASON="schedule")
    return trained


def at(origin: Path, branch: str) -> str:
    """The commit of a branch of the origin; empty if there is no such branch."""
    return run("git", "-C", str(origin), "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")


def test_exactly_the_trained_files_are_committed(trained: Path, step: Step) -> None:
    Path("model.py").write_text("mine\n", encoding="utf-8")
    Path("notes.txt").write_text("mine\n", encoding="utf-8")
    run("git", "add", "notes.txt")
    before = run("git", "rev-parse", "HEAD")

    outputs = step("commit-model", REASON="drift in `size`\n\nRun: $(touch /tmp/no)")

    assert outputs == {"commit": run("git", "rev-parse", "HEAD"), "base": before, "bundle": VERSION}
    changed = run("git", "show", "--name-only", "--format=", "HEAD").splitlines()
    assert {Path(name).parts[0] for name in changed} == {"dvc.lock", "params.yaml", "reports"}
    message = run("git", "log", "-1", "--format=%an%n%B")
    assert message.startswith(f"github-actions[bot]\nmodel {VERSION}: roc_auc 0.750\n")
    assert "Why: drift in `size` Run: $(touch /tmp/no)\n" in message
    assert "Compared with: the baseline\n  roc_auc 0.750" in message
    assert Path("build/change.bundle").exists()


def test_a_model_that_is_committed_already_is_not_committed_again(repository: Path, step: Step) -> None:
    assert step("commit-model") == {"commit": "none", "bundle": "2024-01-31.aaaaaaa"}
    Path("reports/gate.md").write_text("judged again\n", encoding="utf-8")
    assert step("commit-model")["commit"] == "none"


def test_a_model_that_did_not_pass_the_gate_is_not_committed(
    trained: Path, capsys: pytest.CaptureFixture[str], step: Step
) -> None:
    train(VERSION, passed=False)
    step("commit-model", fails=True)
    write_verdict({"bundle": VERSION, "passed": True, "dvc_lock": "another.dir", "accepted": []})
    step("commit-model", fails=True)

    assert capsys.readouterr().err.count("does not record that the bundle of dvc.lock passed the gate") == 2


def test_one_branch_is_replaced_and_one_pull_request_updated(
    committed: Path, origin: Path, step: Step, github_server: GitHubServer
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
    assert github_server.paths("POST").count("actions/workflows/ci.yml/dispatches") == 2


def test_ci_is_not_started_after_the_push_of_an_app(committed: Path, step: Step, github_server: GitHubServer) -> None:
    step("propose-model", BY_APP="true")

    assert "actions/workflows/ci.yml/dispatches" not in github_server.paths("POST")


def test_if_workflows_may_not_open_pull_requests_it_prints_where_to_click(
    committed: Path, origin: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    github_server.rejections["POST pulls"] = [(403, NOT_PERMITTED)]

    assert step("propose-model")["pull_request"] == ""

    assert at(origin, "ct/retrain")
    printed = capsys.readouterr().out
    assert "https://github.com/ada/houses/compare/main...ct/retrain?expand=1" in printed
    assert "https://github.com/ada/houses/settings/actions" in printed


def test_the_branch_of_a_pull_request_gets_the_commit(
    committed: Path, origin: Path, step: Step, github_server: GitHubServer
) -> None:
    run("git", "push", "--quiet", "origin", "HEAD~1:refs/heads/deeper;$(x)")

    assert step("propose-model", HEAD_BRANCH="deeper;$(x)") == {"branch": "deeper;$(x)"}

    assert at(origin, "deeper;$(x)") == run("git", "rev-parse", "HEAD")
    assert github_server.paths("POST") == ["actions/workflows/ci.yml/dispatches"]
    assert not at(origin, "ct/retrain")


def test_the_label_is_taken_off_and_may_be_off_already(step: Step, github_server: GitHubServer) -> None:
    github_server.rejections["DELETE issues/7/labels/train"] = [(404, "Label does not exist")]

    step("remove-label", PULL_REQUEST="7")
    step("remove-label", PULL_REQUEST="7")

    assert github_server.paths("DELETE") == ["issues/7/labels/train"] * 2


@pytest.mark.parametrize("number", ["", "7/../8"])
def test_a_label_is_taken_off_a_pull_request_only(number: str, step: Step, github_server: GitHubServer) -> None:
    step("remove-label", PULL_REQUEST=number, fails=True)

    assert github_server.calls == []


def test_a_branch_that_has_moved_meanwhile_is_not_overwritten(
    committed: Path, origin: Path, step: Step, tmp_path: Path, github_server: GitHubServer,
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


@pytest.mark.parametrize("branch", ["production", "quarantine/aaaaaaa", "ct/retrain", "--force", "a:b", "a b"])
def test_a_branch_that_no_pull_request_can_have_is_rejected(
    branch: str, committed: Path, step: Step, github_server: GitHubServer
) -> None:
    step("propose-model", HEAD_BRANCH=branch, fails=True)

    assert github_server.calls == []


def test_a_commit_that_changes_another_file_is_not_pushed(
    committed: Path, origin: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job that trains runs a pull request's code, which could write any commit to build/change.bundle."""
    Path("model.py").write_text("evil\n", encoding="utf-8")
    run("git", "commit", "--quiet", "--all", "--amend", "--no-edit")
    run("git", "bundle", "create", "--quiet", "build/change.bundle", "HEAD", "^HEAD~1")

    step("propose-model", fails=True)

    assert "build/change.bundle changes model.py, which training does not" in capsys.readouterr().err
    assert not at(origin, "ct/retrain")


def test_without_a_commit_there_is_nothing_to_propose(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    step("propose-model", fails=True)

    assert "no build/change.bundle; uv run cd4ml commit-model writes it" in capsys.readouterr().err


def test_rejections_are_one_issue_that_a_pass_closes(repository: Path, github_server: GitHubServer, step: Step) -> None:
    by_a_person = {"id": 1, "number": 1, "title": "Retraining was rejected", "state": "open", "body": "?"}
    github_server.lists["issues"] = [by_a_person]
    verdict = json.loads(Path("reports/gate.json").read_text(encoding="utf-8"))
    Path("reports/gate.json").write_text(json.dumps(verdict | {"passed": False}), encoding="utf-8")
    step("report-rejection", **PASSED)
    step("report-rejection", GATE="failure", TESTS="skipped")
    Path("reports/gate.md").write_text("## worse again\n", encoding="utf-8")
    step("report-rejection", GITHUB_RUN_ID="42")

    other, issue = github_server.lists["issues"]
    assert other["body"] == "?"
    assert (issue["title"], issue["state"]) == ("Retraining was rejected", "open")
    assert issue["body"].startswith("## worse again\n")
    assert "https://github.com/ada/houses/actions/runs/42" in issue["body"]

    step("report-rejection", **PASSED)
    assert (other["state"], issue["state"]) == ("open", "closed")


@pytest.mark.parametrize(
    ("gate", "tests", "before"),
    [
        ("failure", "skipped", True),  # by an error
        ("failure", "skipped", None),
        ("cancelled", "skipped", True),
        ("cancelled", "skipped", False),
        ("success", "cancelled", True),
        ("success", "cancelled", False),
    ],
)
def test_what_did_not_end_is_not_told_by_the_verdict_on_the_model_before(
    repository: Path, github_server: GitHubServer, step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    gate: str, tests: str, before: bool | None,
) -> None:  # fmt: skip
    write_verdict({"bundle": "2024-01-31.aaaaaaa", "passed": before, "rules": [{"rule": "size", "result": "rejected"}]})
    if before is None:
        Path("reports/gate.json").unlink()
        Path("reports/gate.md").unlink()

    step("report-rejection", GATE=gate, TESTS=tests, GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))

    (issue,) = github_server.lists["issues"]
    told = "The gate, or the tests after it, did not end: see the run."
    assert issue["body"].startswith(f"{told}\n")
    assert (tmp_path / "summary").read_text(encoding="utf-8") == f"{told}\n\n"
    monkeypatch.setenv("GATE", gate)
    monkeypatch.setenv("TESTS", tests)
    event = rejection("")
    assert (event.version, event.lines[0]) == ("", told)


def test_it_is_no_error_if_issues_are_disabled(
    repository: Path, github_server: GitHubServer, capsys: pytest.CaptureFixture[str], step: Step
) -> None:
    github_server.disable_issues()

    assert main(["report-rejection"]) == 0
    assert "issues are disabled" in capsys.readouterr().out
    step("report-rejection", **PASSED)


def test_ct_is_started_once(repository: Path, step: Step, github_server: GitHubServer) -> None:
    runs = "actions/workflows/ct.yml/runs"
    github_server.fixed[runs] = {"workflow_runs": []}
    step("start-ct", REASON='no model; "$(x)"')
    assert github_server.calls[-1][2] == {"ref": "main", "inputs": {"reason": 'no model; "$(x)"'}}

    github_server.fixed[runs] = {"workflow_runs": [{"id": 1}]}
    step("start-ct")
    assert github_server.paths("POST") == ["actions/workflows/ct.yml/dispatches"]
