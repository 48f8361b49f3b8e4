"""resolve-release, record-rollback: an earlier release is found and recorded as live, the bad bundle is quarantined."""

from pathlib import Path

import pytest
from github_server import GitHubServer
from released_repository import FIRST, OTHER_IMAGE, SECOND, Step, at, head, live, release, train_second
from trained_repository import commit, run


def test_a_rollback_moves_production_and_quarantines_the_bad_bundle(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    first = head()
    release(step)
    second = train_second()
    release(step, OTHER_IMAGE)
    entry = at("production")

    outputs = step("resolve-release", RELEASE=f"model-{FIRST}")
    assert (outputs["digest"], outputs["commit"]) == (f"sha256:{'1' * 64}", first)
    step("record-rollback", RELEASE=f"model-{FIRST}", REASON="too `slow`")

    assert live() == first
    assert [deployment["ref"] for deployment in github_server.lists["deployments"]] == [first, second, first]
    assert at("quarantine/bbbbbbb") == entry
    (pull,) = github_server.lists["pulls"]
    assert (pull["title"], pull["base"]) == (f"Revert to model-{FIRST}", "main")
    assert second[:7] in pull["body"]
    assert "`too slow`" in pull["body"]
    assert "actions/workflows/ci.yml/dispatches" in github_server.paths("POST"), "a workflow's push starts no checks"
    run("git", "fetch", "--quiet", "origin", pull["head"])
    assert run("git", "rev-parse", "FETCH_HEAD^") == at("main")
    assert run("git", "diff", first, "FETCH_HEAD") == ""
    # The next push does not release it again; a person can, with FORCE.
    Path("README.md").write_text("more", encoding="utf-8")
    commit("a push after the rollback")
    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "no"}
    assert step("check-releasable", GITHUB_EVENT_NAME="workflow_dispatch", FORCE="1") == {"release": "yes"}

    rolled_back = at("production")
    # A rollback to the second model lifts its quarantine, and quarantines the first.
    step("record-rollback", RELEASE=f"model-{SECOND}", REASON="it was not")
    assert live() == second
    assert (at("quarantine/bbbbbbb"), at("quarantine/aaaaaaa")) == ("", rolled_back)
    github_server.rejections["POST actions/workflows/ci.yml/dispatches"] = [
        (404, "Not Found")
    ]  # it is done all the same
    github_server.rejections["GET deployments"] = [(403, "Resource not accessible by integration")]
    step("record-rollback", RELEASE=f"model-{SECOND}", REASON="again")
    assert live() == second


def test_a_rollback_leaves_workflows_as_they_are(repository: Path, step: Step, github_server: GitHubServer) -> None:
    release(step)
    Path(".github").mkdir()
    Path(".github/ci.yml").write_text("new", encoding="utf-8")
    train_second()
    release(step, OTHER_IMAGE)

    step("record-rollback", RELEASE=f"model-{FIRST}")

    run("git", "fetch", "--quiet", "origin", github_server.lists["pulls"][0]["head"])
    assert run("git", "show", "FETCH_HEAD:.github/ci.yml") == "new"
    assert run("git", "show", "FETCH_HEAD:model.py") == "one"


@pytest.mark.parametrize("tag", ["model-2023-01-01.fffffff", "$(touch no)", "../../issues", ""])
def test_a_release_that_does_not_exist_is_rejected(
    tag: str, repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    release(step)

    assert step("resolve-release", RELEASE=tag, fails=True) == step("record-rollback", RELEASE=tag, fails=True) == {}

    assert live() == head()
    assert f"model-{FIRST}" in capsys.readouterr().err or not tag.startswith("model-2023")
