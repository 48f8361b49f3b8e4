"""When each workflow with a schedule last succeeded, and whether it is overdue.

GitHub starts no schedule of a public repository that was idle for 60 days, may drop one, and tells nobody.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from cd4ml.delivery.github import GitHub
from cd4ml.errors import UserError

Every = Literal["day", "week", "month"]
_LONGEST = {"day": timedelta(days=2), "week": timedelta(days=9), "month": timedelta(days=35)}
"""How long ago the last success may be: what the schedule says, and some time for GitHub's delays and a run itself."""
_QUIET, _NOTICE = timedelta(days=60), timedelta(days=15)
"""After how long without a push GitHub stops a public repository's schedules, and how long before that we say so."""


@dataclass(frozen=True)
class ScheduledWorkflow:
    """A workflow that has to run regularly."""

    name: str
    every: Every
    state: str
    """`active`, or why its schedule does not run, such as `disabled_inactivity`."""
    since: datetime | None
    """When GitHub first saw the workflow."""
    succeeded: datetime | None
    """When its last successful run began; None if it never succeeded."""
    failed: str
    """The address of a later run that failed; empty if there is none."""

    def is_overdue(self, now: datetime) -> bool:
        """Return whether it should have succeeded meanwhile, or never will as it is switched off."""
        began = self.succeeded or self.since
        return self.state != "active" or (began is not None and now - began > _LONGEST[self.every])

    def sentence(self, now: datetime) -> str:
        """Return when it last succeeded, how late it is, and why as far as that is known."""
        parts = [f"{self.name} has not succeeded yet" if self.succeeded is None else _last_success(self, now)]
        if self.state != "active":
            parts.append(f"its schedule is switched off on GitHub ({self.state}): gh workflow enable {self.name}.yml")
        elif self.is_overdue(now):
            parts.append(f"it is overdue: it is to run every {self.every}")
        if self.failed:
            parts.append(f"a later run failed: {self.failed}")
        return "; ".join(parts)


def scheduled_workflows(github: GitHub, schedules: Mapping[str, str], branch: str) -> Iterator[ScheduledWorkflow]:
    """Return the workflows that have a schedule and are in the repository.

    Args:
        github: the repository.
        schedules: by the name of a workflow: day, week, month or never.
        branch: the default branch, which schedules run on.

    Raises:
        GitHubError: GitHub rejects a request, or does not answer.
    """
    for name, every in schedules.items():
        path = f"actions/workflows/{name}.yml"
        if every not in _LONGEST or not (workflow := github.find(path)):
            continue
        succeeded = _newest_run(github, path, branch, "success")
        failed = _newest_run(github, path, branch, "failure")
        later = failed and (succeeded is None or _began(failed) > _began(succeeded))
        yield ScheduledWorkflow(
            name,
            every,  # type: ignore[arg-type]
            str(workflow.get("state", "active")),
            _time(workflow.get("created_at")),
            _began(succeeded) if succeeded else None,
            str(failed.get("html_url", "")) if failed and later else "",
        )


def quiet_reason(repository: Mapping[str, Any], now: datetime) -> str:
    """Return why GitHub soon stops the schedules of a repository, as GitHub describes it; empty if it does not.

    Only a workflow with a schedule can say it: a repository that is quiet starts neither ci nor cd.
    """
    pushed = _time(repository.get("pushed_at"))
    if repository.get("private") or pushed is None or now - pushed < _QUIET - _NOTICE:
        return ""
    day = f"{pushed + _QUIET:%Y-%m-%d}"
    return f"nothing was pushed since {pushed:%Y-%m-%d}: on {day} GitHub stops the schedules of a public repository"


def schedules_by_variables(variable: Callable[[str], str]) -> dict[str, str]:
    """Return schedules by workflow, as the workflows choose them by the repository's variables; empty: not set."""
    return {
        "monitor": (variable("MONITOR_EVERY") or "day") if variable("PREDICTION_LOG") else "never",
        "ct": variable("CT_EVERY") or "week",
        "score": (variable("SCORE_EVERY") or "day") if variable("SCORE_IN") else "never",
    }


def read_schedules(text: str) -> dict[str, str]:
    """Return schedules by workflow, from a text such as `monitor=day ct=week score=never`.

    Raises:
        UserError: it has another form.
    """
    pairs = [pair.partition("=") for pair in text.split()]
    if not all(name.isidentifier() and every.isalpha() for name, _, every in pairs):
        raise UserError(f'SCHEDULES is "{text[:80]}"; write such as monitor=day ct=week score=never')
    return {name: every for name, _, every in pairs}


def _last_success(workflow: ScheduledWorkflow, now: datetime) -> str:
    assert workflow.succeeded is not None  # noqa: S101 - for mypy
    days = (now - workflow.succeeded).days
    return f"{workflow.name} last succeeded on {workflow.succeeded:%Y-%m-%d}, {days} day{'s' * (days != 1)} ago"


def _newest_run(github: GitHub, path: str, branch: str, status: str) -> dict[str, Any] | None:
    runs = github.get(f"{path}/runs", branch=branch, status=status, per_page=1)["workflow_runs"]
    return runs[0] if runs else None


def _began(run: Mapping[str, Any]) -> datetime:
    return _time(run.get("run_started_at") or run.get("created_at")) or datetime.min.replace(tzinfo=UTC)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
