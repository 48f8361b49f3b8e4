"""The container engine of this machine."""

from __future__ import annotations

import os
import subprocess

from tests.project.baked import environment

DOCKER = os.environ.get("DOCKER", "docker")


def docker(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the engine's own program; without `check` it may fail."""
    return subprocess.run(
        [DOCKER, *command], env=environment(), capture_output=True, text=True, timeout=300, check=check
    )
