"""The command that starts DVC: the DVC of this Python environment, whatever the PATH names first."""

import os
import sys
from pathlib import Path


def dvc_command(*arguments: str) -> list[str]:
    """Return the command that runs DVC with these arguments, without its advice on commands that are not used here."""
    return [sys.executable, "-m", "cd4ml.files.run_dvc", *arguments]


def dvc_environment() -> dict[str, str]:
    """Return the environment variables for `dvc_command`, by which `cmd: cd4ml ...` in dvc.yaml finds this `cd4ml`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path}
