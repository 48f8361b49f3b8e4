"""How uv is started for the template, or a copy of a project: without what a shell has set for the project itself."""

from cd4ml.delivery.programs import find_uv

_OF_THE_PROJECT = ("UV_FROZEN", "UV_LOCKED", "UV_NO_SYNC", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV")


def uv(**variables: str) -> list[str]:
    """Return the beginning of a command that starts uv, with these variables besides.

    Raises:
        UserError: uv is not installed.
    """
    unset = (word for name in _OF_THE_PROJECT for word in ("-u", name))  # uv rejects some of them if they are empty
    settings = (f"{name}={value}" for name, value in variables.items())
    return ["env", *unset, *settings, find_uv()]
