"""stop-releases and check-preempted: a rollback does not wait for a canary, and the release ends without a trace."""

from pathlib import Path

import pytest
from github_server import GitHubServer
from released_repository import Step

RUNS, ROLLBACKS = "actions/workflows/cd.yml/runs", "actions/workflows/rollback.yml/runs"


def release(github: GitHubServer, number: int, status: str, production: str | None) -> None:
    """Let there be a run of cd, with its job `production` in a state; None: the job is not there yet."""
    runs = github.fixed.setdefault(RUNS, {"workflow_runs": []})["workflow_runs"]
    runs.append({"id": number, "status": status, "head_sha": f"{number:040}"})
    jobs = [{"name": "staging", "status": "completed"}]
    jobs += [{"name": "production", "status": production}] if production else []
    github.fixed[f"actions/runs/{number}/jobs"] = {"jobs": jobs}


def cancelled(github: GitHubServer) -> list[str]:
    return [path for path in github.paths("POST") if path.endswith("/cancel")]


def test_only_releases_on_their_way_to_production_are_cancelled(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    release(github_server, 1, "completed", "completed")
    release(github_server, 2, "in_progress", "in_progress")  # its canary runs
    release(github_server, 3, "pending", "queued")  # behind it in the queue
    release(github_server, 4, "waiting", None)  # for approval
    release(github_server, 5, "in_progress", None)  # on its way to staging
    release(github_server, 6, "in_progress", "completed")  # its job has ended
    github_server.rejections["POST actions/runs/3/cancel"] = [(409, "Cannot cancel a workflow run that is completed.")]

    step("stop-releases")

    assert cancelled(github_server) == ["actions/runs/2/cancel", "actions/runs/3/cancel"]
    printed = capsys.readouterr().out
    assert printed.count("cancelled the release") == 1  # the other one had ended by itself
    assert f"the release of {'0' * 7}, as a rollback goes first" in printed


def test_a_release_that_cannot_be_cancelled_is_an_error(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    release(github_server, 2, "in_progress", "in_progress")
    github_server.rejections["POST actions/runs/2/cancel"] = [(403, "Resource not accessible by integration")]

    step("stop-releases", fails=True)

    assert "actions: write" in capsys.readouterr().err


def rollback(github: GitHubServer, status: str, **jobs: tuple[str, str | None]) -> None:
    """Let there be one run of rollback, with the status and the conclusion of each of its jobs."""
    github.fixed[ROLLBACKS] = {"workflow_runs": [{"id": 9, "status": status}]}
    listed = [{"name": name, "status": state, "conclusion": ended} for name, (state, ended) in jobs.items()]
    github.fixed["actions/runs/9/jobs"] = {"jobs": listed}


FOUND = ("completed", "success")


@pytest.mark.parametrize(
    ("status", "jobs", "preempted"),
    [
        ("completed", {"resolve": FOUND, "rollback": FOUND}, "no"),
        ("in_progress", {"resolve": FOUND, "rollback": ("in_progress", None)}, "yes"),
        ("queued", {"resolve": FOUND, "rollback": ("queued", None)}, "yes"),
        ("in_progress", {"resolve": FOUND, "rollback": ("waiting", None)}, "no"),
        ("waiting", {"resolve": FOUND, "rollback": ("waiting", None)}, "no"),
        ("in_progress", {"resolve": FOUND, "rollback": ("completed", "failure")}, "no"),
        ("in_progress", {"resolve": ("completed", "failure")}, "no"),  # there is no such release
    ],
)
def test_a_release_that_ends_knows_of_a_rollback(
    status: str,
    jobs: dict[str, tuple[str, str | None]],
    preempted: str,
    repository: Path,
    step: Step,
    github_server: GitHubServer,
) -> None:
    rollback(github_server, status, **jobs)

    assert step("check-preempted") == {"preempted": preempted}


def test_without_a_rollback_a_release_that_ends_is_not_preempted(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    github_server.fixed[ROLLBACKS] = {"workflow_runs": []}

    assert step("check-preempted") == {"preempted": "no"}


@pytest.mark.parametrize(
    ("later", "preempted", "patience"),
    [
        ({"resolve": FOUND, "rollback": ("queued", None)}, "yes", 60),
        ({"resolve": ("completed", "failure")}, "no", 60),
        ({"resolve": ("in_progress", None)}, "no", 1),  # which has taken longer than GitHub leaves to the release
    ],
)
def test_a_release_that_ends_waits_until_it_is_known_whether_the_rollback_takes_over(
    later: dict[str, tuple[str, str | None]],
    preempted: str,
    patience: int,
    repository: Path,
    step: Step,
    github_server: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sleep(_: float) -> None:
        rollback(github_server, "in_progress", **later)

    rollback(github_server, "in_progress", resolve=("in_progress", None))
    monkeypatch.setattr("cd4ml.delivery.check_preempted.time.sleep", sleep)
    monkeypatch.setattr("cd4ml.delivery.check_preempted._PATIENCE", patience)

    assert step("check-preempted") == {"preempted": preempted}


def test_a_release_that_cannot_ask_restores_what_served(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    github_server.rejections[f"GET {ROLLBACKS}"] = [(403, "no")]

    assert step("check-preempted") == {"preempted": "no"}
