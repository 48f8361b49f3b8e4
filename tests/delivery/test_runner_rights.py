"""What a job, its token and a stranger may do on the small GitHub, and what not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.delivery.github import Environment, GitHub
from tests.delivery.github.tokens import Holder
from tests.delivery.small_workflows import CHECKOUT, Checkout, ask, clone, job, workflow

__all__ = ["clone"]


@pytest.mark.parametrize(
    ("method", "path", "scope", "body"),
    [
        ("POST", "issues", "issues", {"title": "t"}),
        ("POST", "pulls", "pull_requests", {"title": "t", "head": "other", "base": "main"}),
        ("POST", "dispatches", "contents", {"event_type": "drift"}),
        ("POST", "actions/workflows/ci.yml/dispatches", "actions", {"ref": "main"}),
        ("POST", "deployments", "deployments", {"ref": "main"}),
        ("POST", "releases", "contents", {"tag_name": "v1"}),
        ("POST", "git/refs", "contents", {"ref": "refs/heads/new", "sha": "main"}),
    ],
)
def test_a_token_without_the_right_gets_403(
    github: GitHub, clone: Checkout, method: str, path: str, scope: str, body: Any
) -> None:
    clone.push(ci=workflow(job("- run: 'true'"), on="workflow_dispatch"))
    clone.push("other")

    assert ask(github, method, path, github.token(), body)[0] == 403
    assert ask(github, method, path, github.token(**{scope: "read"}), body)[0] == 403
    assert ask(github, method, path, github.token(**{scope: "write"}), body)[0] in (201, 204)
    assert ask(github, method, path, "nonsense", body)[0] == 401


def test_no_job_can_list_secrets_or_read_variables(github: GitHub) -> None:
    everything = github.token(actions="write", contents="write", issues="write")

    assert ask(github, "GET", "actions/secrets", everything)[0] == 403
    assert ask(github, "GET", "actions/variables", everything)[0] == 403


PUSHES = f"""
    - uses: {CHECKOUT}
    - run: |
        git config user.name robot && git config user.email robot@example.org
        git commit --quiet --allow-empty --message "by the job"
        git push --quiet origin HEAD:refs/heads/other
"""


def test_a_job_pushes_only_with_the_right(github: GitHub, clone: Checkout) -> None:
    may = {right: job(PUSHES, right, f"permissions: {{contents: {right}}}") for right in ("read", "write")}
    clone.push(ci=workflow("".join(may.values()), on="{push: {branches: [main]}}"))

    [run] = github.run_all()

    assert run.results == {"read": "failure", "write": "success"}
    assert "403" in run.jobs["read"].log
    assert "refs/heads/other" in github.main.refs()


DISPATCHES = """
    - run: |
        curl --silent --fail-with-body --header "Authorization: Bearer $TOKEN" --data '{"ref": "main"}' \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/actions/workflows/other.yml/dispatches"
      env: {TOKEN: "${{ github.token }}"}
"""


def test_a_push_with_the_jobs_own_token_starts_nothing_and_a_dispatch_does(github: GitHub, clone: Checkout) -> None:
    first = job(PUSHES + DISPATCHES, more="permissions: {contents: write, actions: write}")
    other = workflow(job("- run: 'true'"), on="{push: {branches: [other]}, workflow_dispatch: }")
    clone.push(first=workflow(first, on="{push: {branches: [main]}}"), other=other)

    runs = github.run_all()

    assert [(run.workflow, run.event.name) for run in runs] == [
        ("first", "push"),
        ("other", "workflow_dispatch"),
    ], runs[0].log
    app = Holder("app", "retrain-app[bot]", {"contents": "write"})
    github.push(clone.folder, "other", force=True, holder=app)
    assert [run.event.name for run in github.run_all()] == ["push"]


LEAKS = """
    - run: echo "[$SECRET] [$THEIRS]"
      env: {SECRET: "${{ secrets.KEY }}", THEIRS: "${{ secrets.READER }}"}
    - run: |
        curl --silent --header "Authorization: Bearer $TOKEN" --data '{"title": "mine"}' \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues"
      env: {TOKEN: "${{ github.token }}"}
"""


def test_a_fork_gets_no_secret_and_may_write_nothing(github: GitHub, clone: Checkout) -> None:
    github.secrets["KEY"] = "repository-secret"
    github.environments["reader"] = Environment(secrets={"READER": "environment-secret"})
    steps = job(LEAKS, more="environment: {name: reader, deployment: false}\npermissions: {issues: write}")
    clone.push(ci=workflow(steps, on="pull_request"))
    clone.push("ours")
    github.push_to_fork(clone.folder, "theirs")

    github.open_pull_request("theirs", fork="mallory")
    [theirs] = github.run_all()
    assert "[] []" in theirs.log
    assert "Resource not accessible by integration" in theirs.log

    github.open_pull_request("ours")
    [ours] = github.run_all()
    assert "[***] [***]" in ours.log
    assert [issue["title"] for issue in github.issues.values()][-1] == "mine"


def test_a_title_full_of_shell_does_nothing_when_passed_by_environment(
    github: GitHub, clone: Checkout, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    title = f"$(touch {marker}) `touch {marker}`; touch {marker} # \"'"
    by_environment = '- run: echo "$TITLE"\n  env: {TITLE: "${{ github.event.pull_request.title }}"}'
    by_text = "- run: echo ${{ github.event.pull_request.title }}"
    clone.push(ci=workflow(job(by_environment), on="pull_request"))
    clone.push("harmless")
    clone.push("harmful", ci=workflow(job(by_text), on="pull_request"))

    github.open_pull_request("harmless", title=title)
    [run] = github.run_all()
    assert title in run.log
    assert not marker.exists()

    github.open_pull_request("harmful", title=title)
    github.run_all()
    assert marker.exists()  # so this test would see it


def test_a_jobs_token_moves_no_branch_to_workflows_that_are_not_the_default_branchs(
    github: GitHub, clone: Checkout
) -> None:
    """As GitHub does: an orphan without workflows may be pushed, and a branch may keep those that it has."""
    job_token = Holder("workflow", "github-actions[bot]", {"contents": "write"})
    one, two = (workflow(job(f"- run: echo {word}"), on="workflow_dispatch") for word in ("one", "two"))
    clone.push(ci=one)
    clone.push("topic")
    github.push(clone.folder, "live", holder=job_token)
    clone.git("branch", "older")
    clone.push(ci=two)
    github.push(clone.folder, "live", holder=job_token)

    clone.git("checkout", "--quiet", "older")
    with pytest.raises(AssertionError, match=r"refusing to allow .* `\.github/workflows/ci\.yml` without `workflows`"):
        github.push(clone.folder, "back", holder=job_token)
    with pytest.raises(AssertionError, match="refusing to allow"):
        github.push(clone.folder, "live", force=True, holder=job_token)
    sha = github.main.refs()["refs/heads/topic"]
    token = github.token(contents="write")
    assert ask(github, "POST", "git/refs", token, {"ref": "refs/heads/back", "sha": sha})[0] == 403
    clone.commit("on the pull request's branch")
    github.push(clone.folder, "topic", holder=job_token)
    clone.git("checkout", "--quiet", "--orphan", "log")
    clone.git("rm", "-r", "--quiet", "--cached", "--force", ".")
    clone.git("commit", "--quiet", "--allow-empty", "--message", "no workflow")
    github.push(clone.folder, "log", holder=job_token)
    app = Holder("app", "retrain-app[bot]", {"contents": "write", "workflows": "write"})
    clone.git("checkout", "--quiet", "--force", "older")
    github.push(clone.folder, "back", holder=app)


def test_a_release_of_a_commit_without_a_branch_that_changes_a_workflow_needs_more_than_contents(
    github: GitHub, clone: Checkout
) -> None:
    clone.push(ci=workflow(job("- run: 'true'"), on="workflow_dispatch"))
    changed = github.main.refs()["refs/heads/main"]
    clone.push()
    token = github.token(contents="write")

    assert ask(github, "POST", "releases", token, {"tag_name": "v1", "target_commitish": changed})[0] == 403
    assert ask(github, "POST", "releases", token, {"tag_name": "v1", "target_commitish": "main"})[0] == 201
