"""The branch `production`: a log of what was live, which a workflow's token may push, and which the gate reads."""

import json
from pathlib import Path

import pytest
from cd4ml.delivery.production_log import LOGGED_PATHS
from github_server import GitHubServer
from released_repository import FIRST, IMAGE, OTHER_IMAGE, SECOND, Step, at, head, live, release, train_second
from trained_repository import bundle_in_lock, clone, commit, run, train, write_verdict


def log(form: str) -> list[str]:
    """Return a line for each entry of the origin's log, the newest first."""
    run("git", "fetch", "--quiet", "origin", "+production:refs/remotes/origin/production")
    return run("git", "log", f"--format={form}", "origin/production").splitlines()


def add_workflow(text: str) -> None:
    Path(".github/workflows").mkdir(parents=True, exist_ok=True)
    Path(".github/workflows/cd.yml").write_text(text, encoding="utf-8")


def test_an_entry_has_what_names_the_live_model_and_no_workflow(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    add_workflow("on: push\n")
    Path("contract.yaml").write_text("name: houses\n", encoding="utf-8")
    commit("a workflow and a contract")

    release(step)

    files = run("git", "ls-tree", "-r", "--name-only", "origin/production").splitlines()
    assert {"dvc.yaml", "dvc.lock", ".dvc/config", "contract.yaml", "params.yaml", "release.json"} < set(files)
    assert all(name == "release.json" or name.startswith(LOGGED_PATHS) for name in files)
    for name in set(files) - {"release.json"}:
        assert run("git", "show", f"origin/production:{name}") == run("git", "show", f"HEAD:{name}")
    record = json.loads(run("git", "show", "origin/production:release.json"))
    assert (record["commit"], record["bundle"], record["image"]) == (head(), FIRST, IMAGE)
    assert run("git", "merge-base", "HEAD", "origin/production", fails=True) == ""


def test_an_entry_has_the_verdict_that_the_release_made_and_not_the_one_of_its_commit(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    verdict = json.loads(Path("reports/gate.json").read_text(encoding="utf-8")) | {"digest": "d", "rows": 7}
    write_verdict(verdict)
    Path("reports/gate.md").write_text("## Gate: judged by cd\n", encoding="utf-8")

    release(step)

    assert json.loads(run("git", "show", "origin/production:reports/gate.json")) == verdict
    assert run("git", "show", "origin/production:reports/gate.md") == "## Gate: judged by cd"
    write_verdict(verdict | {"digest": "of another bundle"})
    release(step, OTHER_IMAGE)
    assert run("git", "show", "origin/production:reports/gate.json") == run("git", "show", "HEAD:reports/gate.json")


def test_the_log_says_what_was_live_by_whom_and_why(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    release(step)
    train_second()
    release(step, OTHER_IMAGE)
    reason = "too slow\n\nBy: somebody else"
    step("record-rollback", RELEASE=f"model-{FIRST}", REASON=reason, GITHUB_TRIGGERING_ACTOR="ada")

    events = [f"rollback to {FIRST}", f"release {SECOND}", f"release {FIRST}"]
    assert log("%s") == events
    assert log("%(trailers:key=By,valueonly,separator=%x2C)")[0] == "ada"
    assert log("%(trailers:key=Why,valueonly,separator=%x2C)")[0] == "too slow By: somebody else"
    assert log("%(trailers:key=Why,valueonly,separator=%x2C)")[1] == SECOND  # the subject of the commit
    capsys.readouterr()
    step("status")
    printed = capsys.readouterr().out
    lines = printed[printed.index("live since") :].splitlines()
    assert [event for line, event in zip(lines[1:], events, strict=True) if event in line] == events
    assert "ada" in lines[1]


def test_the_whole_log_is_read_in_a_shallow_clone(
    repository: Path, origin: Path, step: Step, github_server: GitHubServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    release(step)
    train_second()
    release(step, OTHER_IMAGE)
    monkeypatch.chdir(clone(origin, tmp_path / "shallow", "--depth=1"))
    capsys.readouterr()

    outputs = step("status")

    assert outputs["changed"] == "no"
    printed = capsys.readouterr().out
    assert f"release {SECOND}" in printed
    assert f"release {FIRST}" in printed


def test_the_next_release_begins_the_log_where_production_was_at_commits_of_main(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    run("git", "push", "--quiet", "origin", "main:production")
    train_second()

    release(step)

    assert log("%s") == [f"release {SECOND}"]


def test_a_release_is_recorded_although_its_workflows_changed_on_main_meanwhile(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    first = head()
    add_workflow("on: push\n")
    commit("a workflow")
    run("git", "push", "--quiet", "origin", "HEAD:main")
    run("git", "checkout", "--quiet", first)

    assert release(step) == {"moved": "yes", "release": f"model-{FIRST}"}

    assert live() == first
    (recorded,) = github_server.lists["releases"]
    assert recorded["target_commitish"] == at("production")


def test_a_retrained_model_is_proposed_on_top_of_the_workflows_of_main(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    Path("model.py").write_text("two\n", encoding="utf-8")
    run("git", "commit", "--quiet", "--all", "--message", "another model")
    run("git", "push", "--quiet", "origin", "HEAD:main")
    trained_from = head()
    add_workflow("on: push\n")
    commit("a workflow")
    run("git", "push", "--quiet", "origin", "HEAD:main")
    run("git", "checkout", "--quiet", trained_from)
    train(SECOND)
    step("commit-model", REASON="week")
    step("propose-model")

    run("git", "fetch", "--quiet", "origin", "ct/retrain")
    assert run("git", "rev-parse", "FETCH_HEAD^") == at("main")
    assert run("git", "diff", "--name-only", "FETCH_HEAD", "FETCH_HEAD^", "--", ".github") == ""
    assert bundle_in_lock() in run("git", "show", "FETCH_HEAD:dvc.lock")
