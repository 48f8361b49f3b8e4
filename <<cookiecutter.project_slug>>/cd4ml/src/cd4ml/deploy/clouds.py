"""The platforms whose verbs are Python: a platform that a company adds is one package and one line here."""

import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Protocol

from cd4ml.deploy.cloud_run import verbs as cloud_run
from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.settings.project import Project


class _Verbs(Protocol):
    def table(self) -> Mapping[str, Callable[..., None]]:
        """The verbs by name."""


_PLATFORMS: dict[str, tuple[Callable[[Project, Effects, str], _Verbs], str, str]] = {
    "cloud-run": (cloud_run.Verbs, cloud_run.TOOL, cloud_run.TOOL_FROM),
}
_PORTED = {"cloud-run": ["deploy", "smoke", "promote", "canary", "restore", "rollback", "status", "url"]}


def is_ported(platform: str, argv: list[str]) -> bool:
    """Return whether a platform's verb is here; else it is a script's."""
    words = [word for word in argv if word != "--dry-run"]
    return bool(words) and words[0] in _PORTED.get(platform, [])


def run(project: Project, argv: list[str], python: str = sys.executable) -> None:
    """Run a verb; an error ends the process with 1 and a line that begins with the platform's name."""
    effects = Effects(project.platform, dry_run="--dry-run" in argv)
    verb, *arguments = [word for word in argv if word != "--dry-run"]
    verbs, tool, tool_from = _PLATFORMS[project.platform]
    try:
        if shutil.which(tool) is None:
            raise CloudError(f"{tool} is not here; install it: {tool_from}")
        verbs(project, effects, python).table()[verb](*arguments)
    except CloudError as failure:
        sys.stdout.flush()
        sys.exit(f"{project.platform}: {failure}")
