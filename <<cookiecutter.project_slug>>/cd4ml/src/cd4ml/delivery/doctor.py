"""Report which settings of GitHub and the cloud are there, missing or wrong, and the command that fixes each."""

import os
import re
import subprocess  # gh, and this library's own verb `cloud`
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cd4ml.delivery.actions_io import add_to_summary, in_workflow
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.github_settings import (
    MISSING,
    PRESENT,
    UNKNOWN,
    WRONG,
    NoView,
    OwnerView,
    SettingsView,
    WorkflowView,
)
from cd4ml.delivery.pin_image import image_rows
from cd4ml.delivery.repository_settings import Row, repository_settings
from cd4ml.delivery.required_settings import (
    REPOSITORY,
    RequiredSetting,
    cloud_variables,
    command_for,
    required_settings,
    without_environments,
)
from cd4ml.delivery.scheduled_runs import quiet_reason, scheduled_workflows, schedules_by_variables
from cd4ml.errors import UserError
from cd4ml.evaluation.markdown import code_span, escape, markdown_table
from cd4ml.files import git
from cd4ml.settings.project import Project, read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align

_CLOUD = [sys.executable, "-m", "cd4ml", "cloud"]
_ADDRESS = re.compile(r"github\.com[:/](?:443/)?([\w.-]+/[\w.-]+?)(?:\.git)?/?$")
_HEADER = ("what", "where", "state", "command")


def main(argv: list[str]) -> None:
    """Print a table of the settings that the workflows need.

    In a workflow, only what the step's environment holds is checked: `SET_NAME=true|false` for each secret and
    variable of the environment that ENVIRONMENT names, and of the cloud only the services. On a laptop, GitHub and
    the cloud are asked for everything, with the owner's rights.

    Raises:
        UserError: a setting is wrong, or only a part of the cloud is set up.
    """
    Arguments("doctor").parse_args(argv)
    project = read_project()
    rows, cloud, note = _in_workflow(project) if in_workflow() else _on_laptop(project)
    print(align([_HEADER, *((row.what, row.where, row.state, row.command) for row in rows)]))
    cells = [
        (code_span(row.what), row.where, escape(row.state), code_span(row.command) if row.command else "")
        for row in rows
    ]
    add_to_summary(markdown_table(_HEADER, cells))
    if note:
        print(note)
        add_to_summary(escape(note))
    cloud_settings = {setting.name for setting in required_settings(project) if setting.part == "cloud"}
    incomplete = _missing_in_part(rows, cloud_settings)
    bad = [f"{row.what} ({row.where})" for row in rows if row.state.startswith(WRONG) or row in incomplete]
    # The deployer may see the services, and nothing else of the cloud.
    if all(cloud.values()) and not _check_cloud(cloud, "status" if in_workflow() else "doctor"):
        bad.append("the cloud")
    if bad:
        raise UserError(f"to fix: {', '.join(bad)}; the commands are in the table")
    print("a setting that is missing is optional until you need what it is for (docs/delivery.md)")


def _in_workflow(project: Project) -> tuple[list[Row], dict[str, str], str]:
    place = os.environ.get("ENVIRONMENT", REPOSITORY)
    rows = _rows_of(required_settings(project), WorkflowView(os.environ), (place, REPOSITORY))
    note = "a workflow cannot see the other settings: make doctor on a laptop checks them"
    signed_in = os.environ.get("SIGNED_IN") == "true"
    cloud = {name: os.environ.get(name, "") if signed_in else "" for name in cloud_variables(project)}
    return [row for row in rows if row.state != UNKNOWN], cloud, note


def _on_laptop(project: Project) -> tuple[list[Row], dict[str, str], str]:
    cloud, note = {name: os.environ.get(name, "") for name in cloud_variables(project)}, ""
    view: SettingsView = NoView()
    repository: list[Row] = []
    settings = required_settings(project)
    try:
        github = GitHub.from_environment(os.environ | {"GITHUB_REPOSITORY": _repository()}, _token())
        view = owner = OwnerView.of_repository(github)
        if owner.environments is None:
            settings = without_environments(settings)
        repository = [*repository_settings(github, owner.environments), *_scheduled(github, owner)]
        cloud = {name: value or owner.variable(name) for name, value in cloud.items()}
    except GitHubError as error:
        note = f"GitHub was not checked: {error}"
    return [*_rows_of(settings, view), *repository, *image_rows()], cloud, note


def _scheduled(github: GitHub, owner: OwnerView) -> Iterator[Row]:
    """Return a row for each workflow with a schedule: whether it ran; and one if GitHub soon stops them."""
    now, repository = datetime.now(UTC), github.get("")
    branch = str(repository["default_branch"])
    if reason := quiet_reason(repository, now):
        yield Row("schedules", "repository", f"{WRONG}: {reason}", "push a commit, such as a merge")
    for workflow in scheduled_workflows(github, schedules_by_variables(owner.variable), branch):
        state, command = (PRESENT if workflow.succeeded else "not yet"), ""
        if workflow.is_overdue(now):
            verb = "run" if workflow.state == "active" else "enable"
            state, command = f"{WRONG}: {workflow.sentence(now)}", f"gh workflow {verb} {workflow.name}.yml"
        yield Row(f"a run of {workflow.name}", f"every {workflow.every}", state, command)


def _rows_of(
    settings: Iterable[RequiredSetting], view: SettingsView, places: tuple[str, ...] | None = None
) -> Iterator[Row]:
    for setting in settings:
        for place in setting.places:
            if places is None or place in places:
                state = view.state_of(setting, place)
                if setting.replaced_by and state != PRESENT:
                    continue
                if setting.replaced_by:
                    state = f"{WRONG}: nothing reads it any more; set {setting.replaced_by} instead, then delete it"
                command = "" if state == PRESENT else command_for(setting, place)
                yield Row(setting.name, place or "repository", _described(state, setting.part == "optional"), command)


def _described(state: str, optional: bool) -> str:
    return "not set, optional" if optional and state == MISSING else state


def _missing_in_part(rows: list[Row], cloud_settings: set[str]) -> list[Row]:
    """Return the cloud's settings that are missing, if at least one of them is there."""
    cloud_rows = [row for row in rows if row.what in cloud_settings]
    started = any(row.state == PRESENT for row in cloud_rows)
    return [row for row in cloud_rows if started and row.state == MISSING]


def _check_cloud(cloud: dict[str, str], verb: str) -> bool:
    """Run `cd4ml cloud VERB`; return whether it succeeded."""
    print(f"\ncd4ml cloud {verb}", flush=True)
    done = subprocess.run([*_CLOUD, verb], env=os.environ | cloud, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def _repository() -> str:
    """Return owner/name, from the environment, else from git's remote; empty if neither names it."""
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        return repository
    remote = git.remote_name()
    address = _ADDRESS.search(git.run_git("remote", "get-url", remote).stdout.strip()) if remote else None
    return address[1] if address else ""


def _token() -> str:
    """Return the token of GitHub's command line, gh; empty if there is none, or the environment holds one already."""
    if os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN"):
        return ""
    try:
        return git.run_command(["gh", "auth", "token"], 30).stdout.strip()
    except OSError:
        return ""
