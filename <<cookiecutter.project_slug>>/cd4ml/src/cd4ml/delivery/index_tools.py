"""Run a tool of the package index, at a version that is written where it is called."""

import subprocess  # uv, with arguments that the library chooses
import sys
from pathlib import Path

from cd4ml.delivery.programs import find_uv
from cd4ml.settings.project import Project


def run_index_tool(project: Project, package: str, *command: str, folder: Path | None = None) -> int:
    """Run a command of a package, named as NAME==VERSION, which prints for itself; return its exit code.

    The package comes from the index that pyproject.toml names: `uv tool` does not read that by itself.

    Raises:
        UserError: uv is not installed.
    """
    index = ["--default-index", project.index] if project.index else []
    sys.stdout.flush()
    words = [find_uv(), "tool", "run", "--quiet", *index, "--from", package, *command]
    return subprocess.run(words, cwd=folder, check=False).returncode
