"""report-monitoring: one issue about what somebody must act on, ct for what a new model may mend, and who is told."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cd4ml.delivery.alarm import Alarm, checks_in
from github_server import GitHubServer
from webhook_receiver import Receiver

Step = Callable[..., dict[str, str]]
REASON = "monitoring: loss; roc_auc is 0.400. The model got worse."
RUNS, DISPATCH = "actions/workflows/ct.yml/runs", "actions/workflows/ct.yml/dispatches"


@pytest.fixture(autouse=True)
def github(repository: Path, github_server: GitHubServer) -> GitHubServer:
    """A repository on GitHub in which ct does not run; its clone is the working directory."""
    github_server.fixed[RUNS] = {"workflow_runs": []}
    github_server.fixed[""] = {"default_branch": "main", "private": False, "pushed_at": datetime.now(UTC).isoformat()}
    return github_server


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    server = Receiver()
    monkeypatch.setenv("SLACK_WEBHOOK_URL", server.slack)
    yield server
    server.close()


def found(*findings: tuple[str, str], day: str = "2024-08-04", sentence: str = "It is so.") -> None:
    """Write the document of a run: its findings as level and check."""
    first = (datetime.fromisoformat(day) - timedelta(days=6)).date()
    period = {"first": str(first), "last": day, "rows": 420, "judged": True, "labelled_share": 1.0}
    performance = {
        "rows": 400,
        "versions": {"2024.abc": 400},
        "metrics": {"roc_auc": 0.71},
        "interval": {"low": 0.66, "high": 0.75},
        "expected": None,
    }
    document = {
        "level": findings[0][0],
        "day": day,
        "model": {"name": "houses", "version": "2024.abc"},
        "findings": [
            {"level": level, "check": check, "sentence": sentence, "advice": "Do that.", "column": ""}
            for level, check in findings
        ],
        "periods": [period | {"performance": performance}],
        "metric": {"name": "roc_auc", "label": "ROC AUC", "on_test_set": 0.74},
        "outcomes": {"delay_days": 2},
        "predictions": {"rows": 400, "index": 0.01},
    }
    Path("build/monitoring").mkdir(parents=True, exist_ok=True)
    Path("build/monitoring/monitoring.json").write_text(json.dumps(document), encoding="utf-8")


def issues(github: GitHubServer) -> list[tuple[str, str]]:
    return [(issue["title"], issue["state"]) for issue in github.lists["issues"]]


OPEN = [("The live model needs attention", "open")]
CLOSED = [("The live model needs attention", "closed")]


def test_the_issue_is_opened_by_a_page_updated_and_closed(
    github: GitHubServer, step: Step, receiver: Receiver, tmp_path: Path
) -> None:
    found(("warn", "predictions"), ("fine", "loss"))
    step("report-monitoring")
    assert issues(github) == []  # a warning alone opens none

    found(
        ("page", "nulls"), ("warn", "predictions"), ("not judged", "loss"), ("fine", "volume"), sentence="By @ada | <b>"
    )
    step("report-monitoring", GITHUB_RUN_ID="42", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    (issue,) = github.lists["issues"]
    assert "| act now | nulls | By @<!-- -->ada \\| \\<b\\> | Do that. |" in issue["body"]
    assert "| not judged | loss |" in issue["body"]
    assert "volume" not in issue["body"]
    assert "https://github.com/ada/houses/actions/runs/42" in issue["body"]
    assert "opened issue 1" in (tmp_path / "summary").read_text(encoding="utf-8")

    found(("page", "nulls"), ("page", "volume"))
    step("report-monitoring")
    step("report-monitoring")
    assert issues(github) == OPEN
    assert "| act now | volume |" in issue["body"]

    found(("warn", "predictions"), ("fine", "columns"), ("fine", "volume"))
    step("report-monitoring")
    assert issues(github) == CLOSED
    assert "It is over" in github.lists["issues/1/comments"][0]["body"]
    step("report-monitoring")
    assert len(github.lists["issues/1/comments"]) == 1

    told = [body["blocks"][0]["text"]["text"] for _, body in receiver.bodies]
    assert told == [  # not again of what was known
        "The live model needs attention: nulls",
        "The live model needs attention: nulls, volume",
        "It is over: nulls, volume",
    ]


def test_what_cannot_be_judged_is_not_over(github: GitHubServer, step: Step) -> None:
    found(("page", "range"), ("page", "loss"))
    step("report-monitoring")
    found(("not judged", "columns"), ("fine", "loss"))
    step("report-monitoring")
    assert issues(github) == OPEN
    assert Alarm.read(github.lists["issues"][0]["body"]).checks == ("range",)

    found(("fine", "columns"), ("not judged", "loss"))
    step("report-monitoring")
    assert issues(github) == CLOSED


def test_a_run_that_failed_is_an_alarm_and_ends_none(github: GitHubServer, step: Step) -> None:
    found(("page", "loss"))
    step("report-monitoring")
    Path("build/monitoring/monitoring.json").unlink()

    step("report-monitoring", MONITOR_RESULT="failure", REASON=REASON)

    body = github.lists["issues"][0]["body"]
    assert "The run of monitoring failed, so that nothing was judged." in body
    assert Alarm.read(body).checks == ("loss", "monitoring")
    assert DISPATCH not in github.paths("POST")
    step("report-monitoring", fails=True)  # without a document, and without a failure
    found(("fine", "loss"))
    step("report-monitoring")
    assert issues(github) == CLOSED


def test_ct_is_started_with_the_reason_and_not_again_within_the_period(github: GitHubServer, step: Step) -> None:
    found(("page", "loss"))
    step("report-monitoring", REASON="")
    assert DISPATCH not in github.paths("POST")

    step("report-monitoring", REASON=REASON)
    assert [body for _, path, body in github.calls if path == DISPATCH] == [
        {"ref": "main", "inputs": {"reason": REASON}}
    ]
    assert f"Retraining: started ct: {REASON.replace('_', chr(92) + '_')}" in github.lists["issues"][0]["body"]

    for day, started in (("2024-08-05", 1), ("2024-08-10", 1), ("2024-08-11", 2)):
        found(("page", "loss"), day=day)
        step("report-monitoring", REASON=REASON)
        assert github.paths("POST").count(DISPATCH) == started, day


def test_ct_is_not_started_while_it_runs_or_its_pull_request_is_open(github: GitHubServer, step: Step) -> None:
    found(("page", "loss"))
    github.fixed[RUNS] = {"workflow_runs": [{"id": 1, "html_url": "https://github.com/runs/1"}]}
    step("report-monitoring", REASON=REASON)
    assert "ct is running already: https://github.com/runs/1" in github.lists["issues"][0]["body"]

    github.fixed[RUNS] = {"workflow_runs": []}
    pull = {"id": 1, "number": 1, "state": "open", "html_url": "https://github.com/pull/1", "body": f"for: `{REASON}`."}
    github.lists["pulls"] = [pull]
    step("report-monitoring", REASON=REASON)
    assert "waits to be merged: https://github.com/pull/1" in github.lists["issues"][0]["body"]
    assert DISPATCH not in github.paths("POST")

    pull["body"] = "the reason given: `schedule`"
    step("report-monitoring", REASON=REASON)
    assert github.paths("POST").count(DISPATCH) == 1


def test_if_ct_cannot_be_started_the_issue_says_so(github: GitHubServer, step: Step) -> None:
    found(("page", "loss"))
    github.rejections[f"POST {DISPATCH}"] = [(403, "Resource not accessible")]

    step("report-monitoring", REASON=REASON)

    assert "ct was not started: GitHub answers POST" in github.lists["issues"][0]["body"]
    step("report-monitoring", REASON=REASON)
    assert "started ct" in github.lists["issues"][0]["body"]


def test_an_issue_that_a_stranger_opened_is_left_alone(github: GitHubServer, step: Step) -> None:
    theirs = {"title": OPEN[0][0], "state": "open", "body": "<!-- monitor -->", "id": 1, "number": 1}
    github.lists["issues"] = [theirs | {"user": {"type": "User"}, "author_association": "NONE"}]

    found(("page", "loss"))
    step("report-monitoring")

    assert [issue["body"] == "<!-- monitor -->" for issue in github.lists["issues"]] == [True, False]


def test_without_issues_people_are_told_all_the_same(github: GitHubServer, step: Step, receiver: Receiver) -> None:
    github.disable_issues()
    found(("page", "loss"))

    step("report-monitoring")

    assert len(receiver.bodies) == 1
    assert issues(github) == []


def overdue(github: GitHubServer, days: int, state: str = "active") -> None:
    """Let the last success of score be some days ago."""
    began = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    github.fixed["actions/workflows/score.yml"] = {"state": state, "created_at": began}
    github.fixed["actions/workflows/score.yml/runs"] = {"workflow_runs": [{"run_started_at": began, "html_url": "x"}]}


def test_a_quiet_public_repository_is_told_before_github_stops_monitor_itself(github: GitHubServer, step: Step) -> None:
    found(("fine", "loss"))
    github.fixed[""]["pushed_at"] = (datetime.now(UTC) - timedelta(days=50)).isoformat()
    step("report-monitoring", SCHEDULES="monitor=day score=never ct=never")
    assert issues(github) == OPEN
    assert "GitHub stops the schedules of a public repository" in github.lists["issues"][0]["body"]

    github.fixed[""]["pushed_at"] = datetime.now(UTC).isoformat()
    step("report-monitoring", SCHEDULES="monitor=day score=never ct=never")
    assert issues(github) == CLOSED


def test_another_workflow_that_is_overdue_is_an_alarm(github: GitHubServer, step: Step) -> None:
    found(("fine", "loss"))
    overdue(github, 1)
    step("report-monitoring", SCHEDULES="monitor=day score=day ct=never")
    assert issues(github) == []

    overdue(github, 3)
    step("report-monitoring", SCHEDULES="monitor=day score=day ct=never")
    assert issues(github) == OPEN
    assert "3 days ago; it is overdue: it is to run every day" in github.lists["issues"][0]["body"]


@pytest.mark.parametrize(
    ("days", "state", "schedules", "says"),
    [
        (1, "active", "score=day", "score last succeeded on {day}, 1 day ago\n"),
        (33, "active", "score=month", "score last succeeded on {day}, 33 days ago\n"),
        (40, "active", "score=month update=never", "40 days ago; it is overdue: it is to run every month"),
        (
            3,
            "active",
            "score=day",
            "::warning title=score is overdue::score last succeeded on {day}, 3 days ago; it is",
        ),
        (8, "active", "score=week", "score last succeeded on {day}, 8 days ago\n"),
        (
            0,
            "disabled_inactivity",
            "score=week",
            "switched off on GitHub (disabled_inactivity): gh workflow enable score",
        ),
        (90, "active", "score=never ct=never", "no workflow has a schedule\n"),
        (90, "active", "", "no workflow has a schedule\n"),
    ],
)
def test_what_is_overdue_is_a_warning_of_any_run(
    github: GitHubServer, step: Step, capsys, days: int, state: str, schedules: str, says: str
) -> None:
    overdue(github, days, state)

    step("check-schedules", SCHEDULES=schedules, GITHUB_ACTIONS="true")

    assert says.format(day=f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}") in capsys.readouterr().out


def test_a_workflow_that_never_succeeded_is_overdue_once_it_is_old(github: GitHubServer, step: Step, capsys) -> None:
    overdue(github, 3)
    github.fixed["actions/workflows/score.yml/runs"] = {"workflow_runs": []}
    step("check-schedules", SCHEDULES="score=day")
    assert "score has not succeeded yet; it is overdue" in capsys.readouterr().out

    github.fixed["actions/workflows/score.yml"]["created_at"] = datetime.now(UTC).isoformat()
    step("check-schedules", SCHEDULES="score=day")
    assert capsys.readouterr().out == "score has not succeeded yet\n"


def test_github_that_does_not_answer_is_no_error_and_a_wrong_setting_is(
    github: GitHubServer, step: Step, capsys
) -> None:
    github.rejections["GET actions/workflows/score.yml"] = [(403, "Resource not accessible")]
    step("check-schedules", SCHEDULES="score=day")
    assert "the schedules were not checked: GitHub answers GET" in capsys.readouterr().out

    step("check-schedules", SCHEDULES="score every day", fails=True)
    assert 'SCHEDULES is "score every day"; write such as monitor=day' in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    ["", "<!-- monitor: {broken} -->", '<!-- monitor: {"checks": 3} -->', '<!-- monitor: {"started": "soon"} -->',
     '<!-- monitor: {"checks": ["<b>", "; rm"]} -->'],
)  # fmt: skip
def test_a_state_that_somebody_changed_is_none(text: str) -> None:
    assert Alarm.read(text) == Alarm()
    assert checks_in(text) == set()


def test_a_state_is_read_as_it_was_written() -> None:
    alarm = Alarm(("loss", "nulls"), "2024-08-04")

    assert Alarm.read(f"text\n{alarm.comment()}\nmore") == alarm
    assert checks_in(f"the reason given: `{REASON}`.") == {"loss"}
    assert checks_in("monitoring: data, loss; x") == {"data", "loss"}
