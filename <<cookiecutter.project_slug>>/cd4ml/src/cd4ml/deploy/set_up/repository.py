"""The repository on GitHub, asked through `gh`."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.deploy.commands import READ_SECONDS, CloudError, Command, Effects, UnreadError
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
