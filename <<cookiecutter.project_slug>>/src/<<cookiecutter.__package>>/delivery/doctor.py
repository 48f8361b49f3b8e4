"""The verb `doctor`: what is set, what is missing or wrong, and the command that mends each."""

import os
import re
import subprocess  # gh, and this project's own script
from collections.abc import Iterator
from pathlib import Path

from .. import git
from ..arguments import Arguments
from ..errors import UserError
from ..evaluation.markdown import code, plain
from ..evaluation.markdown import table as markdown_table
from ..progress import table
from . import settings
from .github import GitHub, GitHubError
from .needs import CLOUD, NEEDS, REPOSITORY, words
from .settings import Row
from .sight import MISSING, THERE, UNSEEN, WRONG, FromNowhere, FromOwner, FromWorkflow, Sight
from .step import summarize

_SCRIPT = Path("deploy/<< cookiecutter.platform >>.sh")
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
    Arguments("doctor", "what is missing, and the command that adds it").parse_args(argv)
    in_workflow = os.environ.get("GITHUB_ACTIONS") == "true"
    found, cloud, note = _in_workflow() if in_workflow else _on_laptop()
    print(table([_HEADER, *((row.what, row.where, row.state, row.command) for row in found)]))
    cells = [(code(row.what), row.where, plain(row.state), code(row.command) if row.command else "") for row in found]
    summarize(markdown_table(_HEADER, cells))
    if note:
        print(note)
        summarize(plain(note))
    bad = [f"{row.what} ({row.where})" for row in found if row.state.startswith(WRONG) or _half_way(row, found)]
    # who deploys sees the services, and nothing else of the cloud
    if all(cloud.values()) and not _cloud_is_well(cloud, "status" if in_workflow else "doctor"):
        bad.append("the cloud")
    if bad:
        raise UserError(f"to mend: {', '.join(bad)}; the commands are in the table")
    print("what is missing is optional until you want what it is for (docs/delivery.md)")


def _in_workflow() -> tuple[list[Row], dict[str, str], str]:
    place = os.environ.get("ENVIRONMENT", REPOSITORY)
    found = [row for row in _needs(FromWorkflow(os.environ), (place, REPOSITORY)) if row.state != UNSEEN]
    note = "whatever else there is to set cannot be seen from a workflow: make doctor on a laptop looks at it"
    signed_in = os.environ.get("SIGNED_IN") == "true"
    return found, {name: os.environ.get(name, "") if signed_in else "" for name in CLOUD}, note


def _on_laptop() -> tuple[list[Row], dict[str, str], str]:
    cloud, note = {name: os.environ.get(name, "") for name in CLOUD}, ""
    sight: Sight = FromNowhere()
    rows: list[Row] = []
    try:
        github = GitHub.here(os.environ | {"GITHUB_REPOSITORY": _repository()}, _token())
        sight = owner = FromOwner.of_repository(github)
        rows = list(settings.rows(github, owner.environments))
        cloud = {name: value or owner.variable(name) for name, value in cloud.items()}
    except GitHubError as refused:
        note = f"GitHub was not looked at: {refused}"
    return [*_needs(sight), *rows], cloud, note


def _needs(sight: Sight, places: tuple[str, ...] | None = None) -> Iterator[Row]:
    for need in NEEDS:
        for place in need.places:
            if places is None or place in places:
                state = sight.of(need, place)
                command = "" if state == THERE else words(need, place)
                yield Row(need.name, place or "repository", _optional(state, need.part == "optional"), command)


def _optional(state: str, optional: bool) -> str:
    return "not set, optional" if optional and state == MISSING else state


def _half_way(row: Row, rows: list[Row]) -> bool:
    """Return whether a row is missing of the cloud, though another of its rows is there."""
    cloud = {need.name for need in NEEDS if need.part == "cloud"}
    return row.what in cloud and row.state == MISSING and any(one.what in cloud and one.state == THERE for one in rows)


def _cloud_is_well(cloud: dict[str, str], verb: str) -> bool:
    if not _SCRIPT.exists():
        return True
    print(f"\n{_SCRIPT} {verb}", flush=True)
    told = os.environ | cloud
    return subprocess.run([str(_SCRIPT), verb], env=told, stdin=subprocess.DEVNULL, check=False).returncode == 0


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
