"""The repository on GitHub, asked through `gh`."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.deploy.commands import READ_SECONDS, CloudError, Command, Effects, UnreadError
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.patience import Codes

GH = Codes(absent=r"HTTP 404", passes=r"HTTP (429|502|503|504)")


@dataclass(frozen=True)
class Repository:
    """What does not change about it while something is set up."""

    name: str
    number: int
    owner_number: int
    """A name that was given up can be taken by somebody else, a number cannot."""
    default_branch: str

    @property
    def api(self) -> str:
        """How its address begins in GitHub's API."""
        return f"repos/{self.name}"


def find_repository(effects: Effects) -> Repository:
    """Ask for the repository of this folder.

    Raises:
        CloudError: gh is not here, or there is none that it can read.
    """
    if shutil.which("gh") is None:
        raise CloudError("gh is not here, and the repository's numbers come from GitHub: https://cli.github.com")
    try:
        return read_repository(effects.read(api("repos/{owner}/{repo}")))
    except UnreadError as failure:
        effects.say(str(failure))
        raise CloudError(
            "this folder has no repository on GitHub that you can read: gh repo create, or gh auth login"
        ) from None


def find_jobs(effects: Effects) -> Jobs:
    """Ask whether the repository of this folder can have environments, and say what follows if it cannot.

    GitHub answers 404 there to who may read the rest. Where gh is not here, or nobody is signed in, it is taken to have
    some: where that matters, `find_repository` says so.
    """
    if shutil.which("gh") is None:
        return Jobs()
    ended = effects.attempt(api("repos/{owner}/{repo}/environments"))
    if not ended.code or not re.search(GH.absent, ended.said):
        return Jobs()
    try:
        is_private = effects.read(api("repos/{owner}/{repo}")).get("private")
    except UnreadError:
        return Jobs()
    if not is_private:
        return Jobs()
    effects.say(
        "GitHub has no environments for this private repository (plan Free). So one identity, the deployer, "
        "works for all jobs,\n"
        "every branch can use its credentials, and nobody is asked before production: cd4ml/docs/github.md"
    )
    return Jobs(by_environment=False)


def read_repository(told: Mapping[str, Any]) -> Repository:
    """Return the repository that GitHub's API describes.

    Raises:
        CloudError: its numbers are missing.
    """
    number, owner = told.get("id"), told.get("owner", {}).get("id")
    if not isinstance(number, int) or not isinstance(owner, int):
        raise CloudError(f"GitHub did not return the numbers of {told.get('full_name')}")
    return Repository(told["full_name"], number, owner, told["default_branch"])


def api(path: str) -> Command:
    """Read something from GitHub's API."""
    return Command(("gh", "api", path), seconds=READ_SECONDS)
