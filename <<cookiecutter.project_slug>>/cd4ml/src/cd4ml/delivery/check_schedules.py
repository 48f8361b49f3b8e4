"""The verb `check-schedules`: tell when monitor, ct, score and update last succeeded, and warn of what is overdue."""

import os
from datetime import UTC, datetime

from cd4ml.delivery.actions_io import add_to_summary, in_workflow
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.scheduled_runs import read_schedules, scheduled_workflows
from cd4ml.evaluation.markdown import escape
from cd4ml.gate.branches import default_branch
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Print a line for each workflow in SCHEDULES, such as `monitor=day ct=week`; one that is overdue is a warning.

    Being overdue is no error of the run that finds it, nor is it one if GitHub does not answer.

    Raises:
        UserError: SCHEDULES is not valid, or GITHUB_REPOSITORY or GITHUB_TOKEN is missing.
    """
    Arguments("check-schedules").parse_args(argv)
    schedules, github, now = (
        read_schedules(os.environ.get("SCHEDULES", "")),
        GitHub.from_environment(),
        datetime.now(UTC),
    )
    try:
        workflows = [*scheduled_workflows(github, schedules, default_branch())]
    except GitHubError as failure:
        print(f"the schedules were not checked: {failure}")
        return
    for workflow in workflows:
        sentence, overdue = workflow.sentence(now), workflow.is_overdue(now)
        print(f"::warning title={workflow.name} is overdue::{sentence}" if overdue and in_workflow() else sentence)
        add_to_summary(f"**{escape(sentence)}**" if overdue else escape(sentence))
    if not workflows:
        print("no workflow has a schedule")
