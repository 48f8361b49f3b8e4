"""The workflow monitor, executed: from served requests to a merged retraining, and until the alarm is over.

The service, the log, the outcomes, the gate and git are real; GitHub and the webhook are stand-ins on the loopback.
"""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.delivery.github import GitHub
from tests.delivery.receiver import receiving
from tests.delivery.world import ended_well, keep_at, path, report, settings
from tests.project.baked import Project, free_port, stop
from tests.project.conftest import environment as environment
from tests.project.conftest import quick as quick
from tests.project.conftest import small as small
from tests.project.conftest import trained_project as trained_project

CI = """\
# Of a pull request that ct opens, only that its checks are started is shown here.
name: ci
on:
  workflow_dispatch:
permissions: {}
jobs:
  ci:
    runs-on: ubuntu-24.04
    steps:
      - run: "true"
"""
LIMITS = {  # of a model that learns from a month
    "iterations: 10": "iterations: 60",
    "smallest_loss: 0.03": "smallest_loss: 0.2",
    "max_calibration_error: 0.1": "max_calibration_error: 0.3",
}
SERVED = 900  # rows that are asked for
TITLE = "The live model needs attention"


@dataclass(frozen=True)
class Watched:
    """A project on its GitHub, whose live model has answered; its log, and what came to the webhook of Slack."""

    github: GitHub
    project: Project
    log: Path
    messages: list[str]

    def monitor(self) -> Any:
        """Let monitor judge today, and run what that starts; return its run."""
        self.github.dispatch("monitor", {"until": f"{datetime.now(UTC):%Y-%m-%d}"})
        self.github.run_all()
        return self.github.last("monitor")

    def titles(self) -> list[str]:
        """The titles of the messages to Slack."""
        return [json.loads(message)["blocks"][0]["text"]["text"] for message in self.messages]


@pytest.fixture
def watched(small: Project, need_runner: None, uv: str, tmp_path: Path) -> Iterator[Watched]:
    keep_at(small, str(tmp_path / "remote"))
    (small.folder / ".github/workflows/ci.yml").write_text(CI, encoding="utf-8")
    for month in range(5, 13):
        (small.folder / f"data/source/2013-{month:02}.parquet").unlink()
    small.replace("params.yaml", "window_days: null", "window_days: 60")
    (small.folder / "tests/model/test_example_flights.py").unlink()  # what these flights are like is no matter here
    let_world_be(small, "2013-01", "2013-02", evenings_are_late=True)
    for old, new in LIMITS.items():
        small.replace("params.yaml", old, new)
    small.make("train", "push")
    small.commit("keep objects in a folder")
    with (
        receiving() as (url, messages),
        GitHub(tmp_path / "github", path=path(), settings=settings(), parallel=1) as github,
    ):
        github.main.take(small.folder, "production")
        github.main.take(small.folder)
        github.secrets["SLACK_WEBHOOK_URL"] = url
        yield Watched(github, small, tmp_path / "log", messages)


@contextmanager
def service(project: Project, log: Path, output: Path) -> Iterator[str]:
    """Serve the project's bundle as `make serve` does, with a prediction log; yield its address."""
    address = f"127.0.0.1:{free_port()}"
    host, _, port = address.partition(":")
    program = str(project.folder / ".venv/bin/cd4ml")
    process = project.start(
        "env", f"PREDICTION_LOG={log}", program, "serve", "--host", host, "--port", port, log=output
    )
    try:
        wait_until_ready(f"http://{address}/version", process, output)
        yield f"http://{address}"
    finally:
        assert stop(process) == 0, output.read_text(encoding="utf-8")


def wait_until_ready(url: str, process: subprocess.Popen[str], output: Path) -> None:
    end = time.monotonic() + 120
    while True:
        assert process.poll() is None, output.read_text(encoding="utf-8")
        assert time.monotonic() < end, output.read_text(encoding="utf-8")
        try:
            urllib.request.urlopen(url, timeout=10).close()
            return
        except OSError:
            time.sleep(0.2)


def ask_for(project: Project, month: str, url: str) -> list[str]:
    """Ask for flights of a month; return their ids."""
    table = pd.read_parquet(project.folder / f"data/source/{month}.parquet").sample(SERVED, random_state=0)
    names = project.run(
        project.python, "-c",
        "from cd4ml.contract.contract import Contract; from pathlib import Path; "
        "contract = Contract.load(Path('contract.yaml')); print(contract.id, *contract.columns)",
    ).stdout.split()  # fmt: skip
    rows = json.loads(table[[name for name in names if name in table]].to_json(orient="records", date_format="iso"))
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert len(json.load(answer)["predictions"]) == SERVED
    return [str(identity) for identity in table[names[0]]]


def let_world_be(project: Project, *months: str, evenings_are_late: bool) -> None:
    """Let the flights of some months be late in the evening, or in the morning; a few at any time."""
    for month in months:
        file = project.folder / f"data/source/{month}.parquet"
        table = pd.read_parquet(file)
        in_the_evening = table["scheduled_departure"].dt.hour >= 14
        at_any_time = np.random.default_rng(0).random(len(table)) < 0.15
        late = (in_the_evening == evenings_are_late) ^ at_any_time
        table.assign(late=late).to_parquet(file, index=False)


@pytest.mark.drill
def test_it_is_off_until_it_is_told_where_the_log_is(watched: Watched) -> None:
    github = watched.github

    scheduled = github.tick("monitor")
    github.run_all()
    assert scheduled.conclusion == "skipped"
    github.dispatch("monitor")
    ended_well(github.run_all(), "monitor")
    run = github.last("monitor")
    assert "nothing was judged: PREDICTION_LOG is not set" in run.jobs["monitor"].summary
    assert run.results["report"] == "skipped"
    assert github.issues == {}

    github.vars["PREDICTION_LOG"] = str(watched.log)  # which is not there, although a model was released
    failed = watched.monitor()
    assert failed.results == {"monitor": "failure", "report": "success"}, report(failed)
    (issue,) = github.issues.values()
    assert "The run of monitoring failed, so that nothing was judged." in issue["body"]


def test_from_served_requests_to_a_merged_retraining_and_until_it_is_over(watched: Watched, tmp_path: Path) -> None:
    github, project = watched.github, watched.project
    github.vars["PREDICTION_LOG"] = str(watched.log)
    with service(project, watched.log, tmp_path / "service.log") as url:
        ids = ask_for(project, "2013-03", url)
    let_world_be(project, "2013-03", "2013-04", evenings_are_late=False)  # the opposite of what the model has learnt
    project.commit("outcomes of March and April")
    github.main.take(project.folder)

    run = watched.monitor()

    assert run.conclusion == "success", report(run)
    assert run.jobs["monitor"].outputs["level"] == "page"
    (issue,) = [issue for number, issue in github.issues.items() if number not in github.pulls]
    assert (issue["title"], issue["state"]) == (TITLE, "open")
    assert "| act now | loss | roc\\_auc is 0." in issue["body"]
    retraining = github.last("ct")
    assert retraining.event.inputs["reason"].startswith("monitoring: loss; roc_auc is 0.")
    assert retraining.conclusion == "success", report(retraining)
    (number,) = github.pulls
    assert "the reason given: `monitoring: loss; roc_auc is 0." in github.pulls[number]["body"]
    assert [title for title in watched.titles() if title.startswith(TITLE)] != []
    written = run.summary + run.log + issue["body"] + "".join(watched.messages)
    written += "".join(
        file.read_text(encoding="utf-8", errors="replace")
        for file in (tmp_path / "github/artifacts").rglob("monitoring*/**/*")
        if file.is_file()
    )
    assert "labelled_share" in written  # the artifact is there
    assert not [identity for identity in ids if identity in written]

    again = watched.monitor()
    assert f"ct was started for this on {datetime.now(UTC):%Y-%m-%d}" in again.jobs["report"].log
    assert len([each for each in github.runs if each.workflow == "ct"]) == 1

    github.merge(number)
    github.run_all()
    released = github.last("cd")
    assert released.results["check"] == "success", report(released)
    assert "monitor last succeeded on" in released.jobs["check"].log
    project.run("git", "fetch", "--quiet", github.clone_url, "main")
    project.run("git", "checkout", "--quiet", "--force", "-B", "main", "FETCH_HEAD")
    github.main.take(project.folder, "production")  # the release, as cd makes it where there is a cloud
    project.make("pull")
    with service(project, watched.log, tmp_path / "service.log") as url:
        ask_for(project, "2013-03", url)

    run = watched.monitor()

    assert run.conclusion == "success", report(run)
    assert issue["state"] == "closed", run.log
    assert "It is over" in github.comments_on(issue["number"])[0]
    assert watched.titles()[-1].startswith("It is over: loss")
