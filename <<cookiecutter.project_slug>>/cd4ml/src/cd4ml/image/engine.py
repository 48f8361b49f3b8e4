"""The container engine of this machine, and the name of the image in it."""

import os
import subprocess  # the engine, with arguments that the library chooses
import sys
from collections.abc import Mapping
from types import MappingProxyType

from cd4ml.delivery.programs import find_engine
from cd4ml.errors import UserError
from cd4ml.settings.project import Project

_TASK = "builds and runs images"


def image_name(project: Project) -> str:
    """Return the image's name in the engine, with a tag: what IMAGE says, or the project's name."""
    name = os.environ.get("IMAGE") or project.name
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"  # to save a name without a tag saves all tags


def run_engine(*arguments: str, environment: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run the engine, which prints for itself; `environment` is added to the variables of this process.

    Raises:
        UserError: it is not installed, or fails.
    """
    sys.stdout.flush()
    engine = find_engine(_TASK)
    done = subprocess.run([engine, *arguments], check=False, env={**os.environ, **environment})
    if done.returncode:
        raise UserError(f"{engine} {arguments[0]} failed (exit code {done.returncode}); what it printed is above")


def show_log(container: str) -> None:
    """Let the engine print a container's log to standard error, as far as there is one."""
    sys.stdout.flush()
    subprocess.run([find_engine(_TASK), "logs", container], stdout=2, check=False)


def ask_engine(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the engine, and return how it ended and what it printed.

    Raises:
        UserError: it is not installed.
    """
    return subprocess.run([find_engine(_TASK), *arguments], capture_output=True, text=True, check=False)
