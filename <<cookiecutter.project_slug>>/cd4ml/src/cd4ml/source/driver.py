"""Check that the package for a cloud or a database is installed."""

import importlib

from cd4ml.errors import DataError


def require_package(package: str, group: str, place: str) -> None:
    """Import the package that connects to a cloud or a database.

    Args:
        package: its name.
        group: the group of pyproject.toml that installs it.
        place: what needs it, such as "data.source is at s3://".

    Raises:
        DataError: it is not installed.
    """
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as missing:
        name = package if package.startswith(f"{missing.name}.") else missing.name
        raise DataError(
            f"{place}, and {name} is not installed: add {group} to ALSO in the Makefile "
            f"(ALSO := {group}), then run make setup"
        ) from None
