"""The verb `doctor`: what is set, what is missing or wrong, and the command that mends each."""

import os
import re
import subprocess  # gh, and this library's own verb `cloud`
import sys
from collections.abc import Iterable, Iterator

from cd4ml.delivery.actions_io import summarize
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.github_settings import MISSING, THERE, UNSEEN, WRONG, FromNowhere, FromOwner, FromWorkflow, Sight
from cd4ml.delivery.repository_settings import Row, rows_of_settings
from cd4ml.delivery.required_settings import REPOSITORY, Need, cloud_variables, command_for, needs_of
from cd4ml.errors import UserError
from cd4ml.evaluation.markdown import code, plain
from cd4ml.evaluation.markdown import table as markdown_table
from cd4ml.files import git
from cd4ml.settings.project import Project, read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import table

_CLOUD = [sys.executable, "-m", "cd4ml", "cloud"]
_ADDRESS = re.compile(r"github\.com[:/](?:443/)?([\w.-]+/[\w.-]+?)(?:\.git)?/?$")
_HEADER = ("what", "where", "state", "command")


def main(argv: list[str]) -> None:
    """Print a table of what the workflows need.

    In a workflow only what the step is told is seen: `SET_NAME=true|false` for each secret and variable, of the
    environment that ENVIRONMENT names, and of the cloud what serves. On a laptop GitHub and the cloud are asked for
    everything, with the owner's rights.

    Raises:
        UserError: something is wrong, or the cloud is set up in part only.
    """
    Arguments("doctor").parse_args(argv)
    in_workflow = os.environ.get("GITHUB_ACTIONS") == "true"
    project = read_project()
    found, cloud, note = _in_workflow(project) if in_workflow else _on_laptop(project)
    print(table([_HEADER, *((row.what, row.where, row.state, row.command) for row in found)]))
    cells = [(code(row.what), row.where, plain(row.state), code(row.command) if row.command else "") for row in found]
    summarize(markdown_table(_HEADER, cells))
    if note:
        print(note)
        summarize(plain(note))
    partial = _half_set_up(found, {need.name for need in needs_of(project) if need.part == "cloud"})
    bad = [f"{row.what} ({row.where})" for row in found if row.state.startswith(WRONG) or row in partial]
    # who deploys sees the services, and nothing else of the cloud
    if all(cloud.values()) and not _cloud_is_well(cloud, "status" if in_workflow else "doctor"):
        bad.append("the cloud")
    if bad:
        raise UserError(f"to mend: {', '.join(bad)}; the commands are in the table")
    print("what is missing is optional until you want what it is for (docs/delivery.md)")


def _in_workflow(project: Project) -> tuple[list[Row], dict[str, str], str]:
    place = os.environ.get("ENVIRONMENT", REPOSITORY)
    rows = _rows_of_needs(needs_of(project), FromWorkflow(os.environ), (place, REPOSITORY))
    note = "a workflow cannot see the other settings: make doctor on a laptop looks at them"
    signed_in = os.environ.get("SIGNED_IN") == "true"
    cloud = {name: os.environ.get(name, "") if signed_in else "" for name in cloud_variables(project)}
    return [row for row in rows if row.state != UNSEEN], cloud, note


def _on_laptop(project: Project) -> tuple[list[Row], dict[str, str], str]:
    cloud, note = {name: os.environ.get(name, "") for name in cloud_variables(project)}, ""
    sight: Sight = FromNowhere()
    settings: list[Row] = []
    try:
        github = GitHub.here(os.environ | {"GITHUB_REPOSITORY": _repository()}, _token())
        sight = owner = FromOwner.of_repository(github)
        settings = list(rows_of_settings(github, owner.environments))
        cloud = {name: value or owner.variable(name) for name, value in cloud.items()}
    except GitHubError as error:
        note = f"GitHub was not looked at: {error}"
    return [*_rows_of_needs(needs_of(project), sight), *settings], cloud, note


def _rows_of_needs(needs: Iterable[Need], sight: Sight, places: tuple[str, ...] | None = None) -> Iterator[Row]:
    for need in needs:
        for place in need.places:
            if places is None or place in places:
                state = sight.of(need, place)
                command = "" if state == THERE else command_for(need, place)
                yield Row(need.name, place or "repository", _optional(state, need.part == "optional"), command)


def _optional(state: str, optional: bool) -> str:
    return "not set, optional" if optional and state == MISSING else state


def _half_set_up(rows: list[Row], cloud: set[str]) -> list[Row]:
    """Return what is missing of the cloud, if some of the cloud is there."""
    ours = [row for row in rows if row.what in cloud]
    started = any(row.state == THERE for row in ours)
    return [row for row in ours if started and row.state == MISSING]


def _cloud_is_well(cloud: dict[str, str], verb: str) -> bool:
    print(f"\ncd4ml cloud {verb}", flush=True)
    looked = subprocess.run([*_CLOUD, verb], env=os.environ | cloud, stdin=subprocess.DEVNULL, check=False)
    return looked.returncode == 0


def _repository() -> str:
    """Return owner/name: as the environment has it, else as git's remote does; empty where neither does."""
    if named := os.environ.get("GITHUB_REPOSITORY"):
        return named
    remote = git.remote()
    address = _ADDRESS.search(git.git("remote", "get-url", remote).stdout.strip()) if remote else None
    return address[1] if address else ""


def _token() -> str:
    """Return the token of GitHub's own tool; empty where there is none, and the environment is to have one."""
    if os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN"):
        return ""
    try:
        return git.run(["gh", "auth", "token"], 30).stdout.strip()
    except OSError:
        return ""
