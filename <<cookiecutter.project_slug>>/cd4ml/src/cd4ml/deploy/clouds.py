"""The platforms, by the names that pyproject.toml may have.

A platform that a company adds is a package, a line here, and its name and settings in `settings.project` and
`delivery.required_settings`: cd4ml/docs/another-cloud.md has the steps.
"""

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from cd4ml.deploy.aci.platform import ContainerInstances
from cd4ml.deploy.cloud_run.platform import CloudRun
from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.docker_host.platform import DockerHost
from cd4ml.deploy.fargate.platform import Fargate
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import Platform
from cd4ml.deploy.verbs import RELEASE_VERBS, Verbs
from cd4ml.settings.project import Project, read_project
from cd4ml.terminal.arguments import Arguments


class _Kind(Protocol):
    """A class of platforms, which reads its settings from the environment of `effects`."""

    @property
    def tool(self) -> str:
        """The vendor's command line."""

    @property
    def tool_from(self) -> str:
        """Where one gets it."""

    @property
    def tool_environment(self) -> Mapping[str, str]:
        """What it is given besides this process's own environment."""

    @property
    def sidecar(self) -> str:
        """An image that runs before the service, by its digest; empty where none does."""

    @property
    def usage(self) -> Path:
        """The file that lists the verbs."""

    def __call__(self, project: Project, effects: Effects) -> Platform[Any]:
        """Return the project's platform, or raise CloudError where a setting is missing or wrong."""


PLATFORMS: Mapping[str, _Kind] = {
    "cloud-run": CloudRun,
    "fargate": Fargate,
    "aci": ContainerInstances,
    "docker-host": DockerHost,
}


def main(argv: list[str]) -> None:
    """Run a verb of the project's platform: the verb `cloud`; without a verb, list them.

    Raises:
        UserError: pyproject.toml names no platform.
    """
    if {"-h", "--help"} & set(argv):
        Arguments("cloud").print_help()
        return
    run(read_project(), argv)


def sidecar(platform: str) -> str:
    """Return the image that runs before a platform's services, by its digest; empty where none does."""
    return PLATFORMS[platform].sidecar if platform in PLATFORMS else ""


def run(project: Project, argv: list[str], python: str = sys.executable) -> None:
    """Run a verb, or list them; an error ends the process with 1 and a line that begins with the platform's name."""
    kind, words = PLATFORMS[project.platform], [word for word in argv if word != "--dry-run"]
    effects = Effects(project.platform, dry_run="--dry-run" in argv, tool_environment=kind.tool_environment)
    usage = kind.usage.read_text(encoding="utf-8")
    if not words:
        print(usage, end="")
        return
    verb, *arguments = words
    try:
        if verb not in re.findall(r"^  ([a-z]+)", usage, re.MULTILINE):
            raise CloudError(f"there is no verb {verb[:40]}; {SCRIPT} alone lists them")
        if shutil.which(kind.tool) is None:
            raise CloudError(f"{kind.tool} is not here; install it: {kind.tool_from}")
        platform = kind(project, effects)
        if verb in RELEASE_VERBS:
            Verbs(platform, effects, python).run(verb, arguments)
        else:
            platform.verbs()[verb](*arguments)
    except CloudError as failure:
        sys.stdout.flush()
        sys.exit(f"{project.platform}: {failure}")
