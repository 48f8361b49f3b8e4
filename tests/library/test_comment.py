"""`cd4ml comment`: one comment on a pull request says what the pull request does to the model."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.delivery.comment import MARKER
from github_server import GitHubServer
from trained_repository import bundle_in_lock, commit, run, write_verdict

Step = Callable[..., dict[str, str]]
VERSION = "2024-02-29.bbbbbbb"


@pytest.fixture
def new_model(repository: Path) -> Path:
    """The repository with another model than the origin's, judged and committed."""
    lock = Path("dvc.lock").read_text(encoding="utf-8")
    Path("dvc.lock").write_text(lock.replace(bundle_in_lock(), f"{'b' * 32}.dir"), encoding="utf-8")
    write_verdict({"bundle": VERSION, "passed": True, "dvc_lock": bundle_in_lock()})
    Path("reports/gate.md").write_text(f"## Gate: {VERSION}\n", encoding="utf-8")
    Path("reports/metrics.json").write_text(json.dumps({"rows": 12, "roc_auc": 0.5, "recall": None}), encoding="utf-8")
    slices = [{"column": "kind", "value": "<b>|x", "rows": 4, "roc_auc": 0.25}]
    Path("reports/slices.json").write_text(json.dumps({"metric": "roc_auc", "slices": slices}), encoding="utf-8")
    commit("another model")
    return repository


def comments(server: GitHubServer) -> list[str]:
    return [comment["body"] for comment in server.lists["issues/7/comments"]]


def add_comment(server: GitHubServer, author: str, body: str) -> None:
    server.lists["issues/7/comments"].append(
        {"id": 40, "body": body, "user": {"type": author}, "author_association": "NONE"},
    )


def test_the_comment_shows_gate_metrics_and_slices(new_model: Path, step: Step, github_server: GitHubServer) -> None:
    step("comment", PULL_REQUEST="7")

    (body,) = comments(github_server)
    assert body.startswith(f"{MARKER}\n## Gate: {VERSION}\n")
    assert "### Metrics beside those of `main` at " in body
    assert "| `roc_auc` | **0.500** | 0.750 | \N{MINUS SIGN}0.250 |" in body
    assert "12 rows here and 9 there" in body
    assert r"| kind=\<b\>\|x | 4 | **0.250** |" in body


def test_the_comment_shows_a_metric_of_the_teams_own_first_and_in_the_slices(
    new_model: Path, step: Step, github_server: GitHubServer
) -> None:
    metrics = {"rows": 12, "profit": 1234.5, "roc_auc": 0.5}
    Path("reports/metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    slices = [{"column": "kind", "value": "a", "rows": 4, "profit": -2.5}]
    Path("reports/slices.json").write_text(json.dumps({"metric": "profit", "slices": slices}), encoding="utf-8")

    step("comment", PULL_REQUEST="7")

    (body,) = comments(github_server)
    assert "| `profit` | **1,234** | \N{EN DASH} | \N{EN DASH} |\n| `roc_auc` |" in body.replace("1,235", "1,234")
    assert "| slice | rows | profit here |" in body
    assert "| kind=a | 4 | **\N{MINUS SIGN}2.500** |" in body


def test_the_comment_is_updated_and_a_strangers_is_left_alone(
    new_model: Path, step: Step, github_server: GitHubServer
) -> None:
    add_comment(github_server, "User", f"{MARKER}\na stranger's")
    add_comment(github_server, "Bot", f"{MARKER}\nfrom before")
    github_server.lists["issues/comments"] = [{"id": 41, "body": ""}]
    github_server.lists["issues/7/comments"][1]["id"] = 41

    step("comment", PULL_REQUEST="7")

    assert github_server.paths("POST") == []
    assert github_server.paths("PATCH") == ["issues/comments/41"]
    assert VERSION in github_server.lists["issues/comments"][0]["body"]


def test_an_unchanged_model_and_a_failed_job_are_reported(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    step("comment", PULL_REQUEST="7", MODEL_RESULT="failure", GITHUB_RUN_ID="5")

    (body,) = comments(github_server)
    assert "## The model is the same as on `main`" in body
    assert "ended with **failure**: see [this run](https://github.com/ada/houses/actions/runs/5)" in body
    assert "### Metrics" not in body


@pytest.mark.parametrize("same", [False, True], ids=["another model", "the same model"])
def test_the_comment_begins_with_looser_limits_of_the_gate(
    new_model: Path, step: Step, github_server: GitHubServer, same: bool
) -> None:
    changes = [{"key": "gate.max_regression", "champion": "0.005", "challenger": "0.5"}]
    limits = {"rule": "limits", "result": "accepted", "numbers": {"changes": changes}}
    write_verdict({"bundle": VERSION, "passed": True, "dvc_lock": bundle_in_lock(), "rules": [limits]})
    Path("reports/gate.md").write_text(f"## Limits are looser\n\n## Gate: {VERSION}\n", encoding="utf-8")
    if same:
        run("git", "push", "--quiet", "origin", "HEAD:production")

    step("comment", PULL_REQUEST="7")

    assert comments(github_server)[0].startswith(f"{MARKER}\n## Limits are looser\n\n## Gate: {VERSION}\n")


def test_a_model_that_was_not_judged_is_reported_as_such(
    new_model: Path, step: Step, github_server: GitHubServer
) -> None:
    Path("reports/gate.json").write_text('{"passed": true, "dvc_lock": "another"}', encoding="utf-8")

    step("comment", PULL_REQUEST="7")

    assert "## The gate has not judged this model" in comments(github_server)[0]


def test_the_model_is_compared_with_production_once_there_is_one(
    new_model: Path, step: Step, github_server: GitHubServer
) -> None:
    run("git", "push", "--quiet", "origin", "HEAD:production")

    step("comment", PULL_REQUEST="7")

    assert "## The model is the same as on `production`" in comments(github_server)[0]


def test_a_remote_that_does_not_answer_is_not_mistaken_for_an_empty_one(
    new_model: Path, step: Step, github_server: GitHubServer
) -> None:
    run("git", "remote", "set-url", "origin", "/nowhere")

    step("comment", PULL_REQUEST="7")

    assert (
        "The model that it would replace is not known: cannot read whether origin has the branch"
        in comments(github_server)[0]
    )


def test_without_a_pull_request_or_for_a_fork_the_comment_is_only_printed(
    new_model: Path, github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary")
    assert main(["comment"]) == 0
    monkeypatch.setenv("FORK", "true")
    monkeypatch.setenv("PULL_REQUEST", "7")
    assert main(["comment"]) == 0

    assert github_server.calls == []
    assert capsys.readouterr().out.count(f"## Gate: {VERSION}") == 2
    assert "a pull request from a fork gets no secrets" in Path("summary").read_text(encoding="utf-8")


def test_a_pull_request_that_is_not_a_number_is_rejected_before_any_request(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    step("comment", fails=True, PULL_REQUEST="7/../../secrets")

    assert github_server.calls == []
    assert 'PULL_REQUEST is "7/../../secrets"' in capsys.readouterr().err
