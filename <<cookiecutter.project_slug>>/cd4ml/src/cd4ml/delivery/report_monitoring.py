"""The verb `report-monitoring`: keep one issue about what somebody must act on, and start ct where a model may help."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cd4ml.delivery.actions_io import add_to_summary, run_url
from cd4ml.delivery.alarm import Alarm, checks_in
from cd4ml.delivery.event import Event
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.notify import tell
from cd4ml.delivery.propose_model import RETRAIN_BRANCH
from cd4ml.delivery.pull_request import find_open
from cd4ml.delivery.scheduled_runs import quiet_reason, read_schedules, scheduled_workflows
from cd4ml.delivery.single_issue import SingleIssue
from cd4ml.delivery.start_ct import active_run, start
from cd4ml.errors import UserError
from cd4ml.evaluation.markdown import quiet
from cd4ml.gate.branches import default_branch
from cd4ml.monitoring.summary import figures_table, findings_table
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

ISSUE = SingleIssue("The live model needs attention", "<!-- monitor -->")
DOCUMENT = Path("build/monitoring/monitoring.json")
_NOT_JUDGED = {
    "level": "page",
    "check": "monitoring",
    "sentence": "The run of monitoring failed, so that nothing was judged.",
    "advice": "Read the log of the run; the model may be fine.",
}


def main(argv: list[str]) -> None:
    """Open, update or close the issue by build/monitoring/monitoring.json, start ct, and tell people of what is new.

    MONITOR_RESULT is `failure` if the judging itself failed; REASON is why ct should train, empty if it should not.

    Raises:
        UserError: there is no monitoring.json.
        GitHubError: GitHub rejects a request, or does not answer.
    """
    Arguments("report-monitoring").parse_args(argv)
    github, document = GitHub.from_environment(), _read_document()
    findings = [*(document["findings"] if document else [_NOT_JUDGED]), *_overdue(github)]
    before = Alarm.read(str((ISSUE.find(github) or {}).get("body", "")))
    after = before.after(findings) if document else _with_failure(before, findings)
    retraining, after = _retrain(github, os.environ.get("REASON", "").strip(), document, after)
    result, address = _keep_issue(github, after, findings, document, retraining)
    for line in filter(None, (result or "nothing to act on", retraining)):
        print(line)
        add_to_summary(quiet(line))
    _tell(before, after, findings, document, retraining, address)


def _read_document() -> dict[str, Any] | None:
    """Return what was judged; None if the judging failed.

    Raises:
        UserError: there is no monitoring.json, although it succeeded.
    """
    if os.environ.get("MONITOR_RESULT") == "failure":
        return None
    try:
        document: dict[str, Any] = json.loads(DOCUMENT.read_bytes())
    except (OSError, ValueError):
        raise UserError(f"there is no {DOCUMENT}; uv run cd4ml monitor-live writes it") from None
    return document


def _overdue(github: GitHub) -> list[dict[str, Any]]:
    """Return a finding for each other workflow that is overdue, and one if GitHub soon stops them, monitor included."""
    now = datetime.now(UTC)
    schedules = read_schedules(os.environ.get("SCHEDULES", ""))
    others = {name: every for name, every in schedules.items() if name != "monitor"}
    quiet = quiet_reason(github.get(""), now)
    soon = {"level": "page", "check": "schedule", "sentence": f"{quiet}.", "advice": "Push a commit, such as a merge."}
    return [soon] * bool(quiet) + [
        {"level": "page", "check": "schedule", "sentence": f"{workflow.sentence(now)}.", "advice": "See why on GitHub."}
        for workflow in scheduled_workflows(github, others, default_branch())
        if workflow.is_overdue(now)
    ]


def _with_failure(before: Alarm, findings: Iterable[Mapping[str, Any]]) -> Alarm:
    """Return the alarm if nothing was judged: all that was there stays."""
    return Alarm(tuple(sorted({*before.checks, *(str(each["check"]) for each in findings)})), before.started)


def _retrain(github: GitHub, reason: str, document: Mapping[str, Any] | None, alarm: Alarm) -> tuple[str, Alarm]:
    """Start ct for a reason, unless it was started for it already; return what was done, and the alarm with its day."""
    if document is None or not reason:
        return "", alarm
    last, first = (date.fromisoformat(document["periods"][-1][end]) for end in ("last", "first"))
    days = (last - first).days + 1
    if not alarm.may_start(last, days):
        return f"ct was started for this on {alarm.started}, and is again after {days} days", alarm
    try:
        if active := active_run(github):
            return f"ct is running already: {active.get('html_url', '')}", alarm
        pull = find_open(github, RETRAIN_BRANCH)
        if pull and checks_in(reason) <= checks_in(str(pull.get("body") or "")):
            return f"the retraining for this waits to be merged: {pull.get('html_url', '')}", alarm
        start(github, reason)
    except GitHubError as failure:
        return f"ct was not started: {failure}", alarm
    return f"started ct: {reason}", Alarm(alarm.checks, str(last))


def _keep_issue(
    github: GitHub,
    alarm: Alarm,
    findings: Sequence[Mapping[str, Any]],
    document: Mapping[str, Any] | None,
    retraining: str,
) -> tuple[str, str]:
    """Write or close the issue; return what was done, and its address."""
    run = f" ([run]({run_url()}))" if run_url() else ""
    if not alarm.checks:
        return ISSUE.close(github, f"It is over: every check that alarmed is fine again{run}.")
    parts = [findings_table(each for each in findings if each["level"] != "fine")]
    if document:
        parts.append(figures_table(document))
    if retraining:
        parts.append(f"Retraining: {quiet(retraining)}")
    parts.append(
        f"Written by the workflow monitor{run}, whose artifact `monitoring` has all figures. It is updated each time, "
        "and closed once every check that alarmed is fine again; one that cannot be judged stays."
    )
    return ISSUE.write(github, "\n\n".join([*parts, alarm.comment()]))


def _tell(
    before: Alarm,
    after: Alarm,
    findings: Sequence[Mapping[str, Any]],
    document: Mapping[str, Any] | None,
    retraining: str,
    address: str,
) -> None:
    """Tell people of a check that alarms and did not before, or that all is over; not of the same again."""
    version = str(document["model"]["version"]) if document else ""
    name, link = read_project().name, address or run_url()
    new = set(after.checks) - set(before.checks)
    if new:
        lines = [f"{each['sentence']} {each['advice']}".strip() for each in findings if each["level"] == "page"]
        tell(Event("alert", name, f"{ISSUE.title}: {', '.join(after.checks)}", (*lines, retraining), version, link))
    elif before.checks and not after.checks:
        tell(Event("over", name, f"It is over: {', '.join(before.checks)}", (), version, link))
