"""How to start DVC: the one of this environment, whose `cd4ml` its stages run, whatever the PATH says."""

import os
import sys
from pathlib import Path


def dvc_command(*words: str) -> list[str]:
    """Return the command that runs DVC with these words."""
    return [sys.executable, "-m", "dvc", *words]


def dvc_environment() -> dict[str, str]:
    """Return the environment variables for that command: `cmd: cd4ml stage ...` of dvc.yaml finds this `cd4ml`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path}
