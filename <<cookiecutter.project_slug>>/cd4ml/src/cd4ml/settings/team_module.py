"""Import a module of the team's package, and report an error of its code with file and line."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from cd4ml.errors import UserError, describe, locate


def import_module(path: Path, error: type[UserError]) -> ModuleType:
    """Return the module in `src/PACKAGE/NAME.py`, imported as the team's own code imports it.

    Raises:
        error: it fails when it is imported; with file and line.
    """
    source = str(path.parent.parent.absolute())
    if sys.path[0] != source:  # ahead of another folder's, which PYTHONPATH or a copied environment may name
        sys.path.insert(0, source)
    try:
        return importlib.import_module(f"{path.parent.name}.{path.stem}")
    except Exception as failure:
        raise error(explain(failure, path)) from failure


def explain(failure: BaseException, path: Path) -> str:
    """Return an exception that the team's code raised in one line, with file and line of that code.

    Args:
        failure: the exception.
        path: the module that was called; it is named without a line if the exception passed through none of the
            team's code.
    """
    return f"{locate(failure, path.parent) or path}: {describe(failure)}"
