"""Find the programs that the library starts, where a variable may name another than the PATH's."""

import os
import shutil
from pathlib import Path

from cd4ml.errors import UserError


def find_uv() -> str:
    """Return the path of uv: what UV names, as the Makefile does, or else the PATH's.

    Raises:
        UserError: it is not installed.
    """
    name = os.environ.get("UV") or "uv"
    found = shutil.which(name)
    if found is None:
        raise UserError(f"{name} is not here: install uv, or run make setup, which does")
    return str(Path(found).absolute())  # the Makefile's is relative, and may be started in another folder


def find_engine(task: str) -> str:
    """Return the container engine: docker, or what DOCKER names.

    Args:
        task: what it is needed for, as it stands after "which" in the error.

    Raises:
        UserError: it is not installed.
    """
    engine = os.environ.get("DOCKER") or "docker"
    if shutil.which(engine) is None:
        raise UserError(f"{engine} is not here, which {task}: install it, or name yours in DOCKER")
    return engine
