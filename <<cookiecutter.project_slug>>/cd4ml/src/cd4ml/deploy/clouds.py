"""The platforms whose verbs are Python: a platform that a company adds is one package, and one line here."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from cd4ml.deploy.cloud_run.platform import CloudRun
from cd4ml.deploy.cloud_run.set_up import CloudRunSetUp
from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import Platform
from cd4ml.deploy.set_up import verbs as set_up
from cd4ml.deploy.set_up.platform import SetUp
from cd4ml.deploy.verbs import RELEASE_VERBS, Verbs
from cd4ml.settings.project import Project

_FOLDER = Path(__file__).parent
_LONGEST_WORD = 40  # characters of it that are shown


class _Kind(Protocol):
    """A class of platforms, which reads its settings from the environment of `effects`."""

    @property
    def tool(self) -> str:
        """The vendor's command line."""

    @property
    def tool_from(self) -> str:
        """Where one gets it."""

    def __call__(self, project: Project, effects: Effects) -> Platform[Any]:
        """Return the project's platform, or raise CloudError where a setting is missing or wrong."""


PLATFORMS: Mapping[str, _Kind] = {
    "cloud-run": CloudRun,
}
SET_UPS: Mapping[str, type[SetUp]] = {
    "cloud-run": CloudRunSetUp,
}


def is_ported(platform: str, argv: list[str]) -> bool:
    """Return whether a platform's verb is here; else it is a script's."""
    words = _words(argv)
    return platform in SET_UPS or (platform in PLATFORMS and bool(words) and words[0] in RELEASE_VERBS)


def run(project: Project, argv: list[str], python: str = sys.executable) -> None:
    """Run a verb, or list them; an error ends the process with 1 and a line that begins with the platform's name."""
    if not (words := _words(argv)):
        print((_FOLDER / project.platform.replace("-", "_") / "verbs.txt").read_text(encoding="utf-8"), end="")
        return
    effects = Effects(project.platform, dry_run="--dry-run" in argv)
    try:
        _run(project, effects, words, python)
    except CloudError as failure:
        sys.stdout.flush()
        sys.exit(f"{project.platform}: {failure}")


def _run(project: Project, effects: Effects, words: list[str], python: str) -> None:
    verb, *arguments = words
    if verb not in (*RELEASE_VERBS, *set_up.SET_UP_VERBS):
        raise CloudError(f"there is no verb {verb[:_LONGEST_WORD]}; {SCRIPT} alone lists them")
    kind = PLATFORMS[project.platform]
    if shutil.which(kind.tool) is None:
        raise CloudError(f"{kind.tool} is not here; install it: {kind.tool_from}")
    if verb in RELEASE_VERBS:
        Verbs(kind(project, effects), effects, python).run(verb, arguments)
    else:
        set_up.run(SET_UPS[project.platform], project, effects, verb, arguments)


def _words(argv: list[str]) -> list[str]:
    return [word for word in argv if word != "--dry-run"]
