"""Where data and models are kept besides here: a DVC remote, or the registry that OBJECTS names in its place."""

import json
import os
from pathlib import Path
from typing import Any

_SCHEME = "<< cookiecutter.__bucket >>"


def dvc_remote() -> str:
    """Return the name of DVC's default remote; empty where there is none."""
    return str(_config()["core"].get("remote") or "")


def out_of_reach() -> str:
    """Return why what is kept cannot be had from here, as a fork's pull request cannot; empty where it can."""
    if name := dvc_remote():
        url = str(_config()["remote"].get(name, {}).get("url", ""))
        if url.startswith(_SCHEME) and os.environ.get("SIGNED_IN") == "false":
            return f"the DVC remote {name} is on << cookiecutter.__cloud >>, and this run is not signed in there"
        return ""
    if not os.environ.get("OBJECTS"):
        return "there is no DVC remote, and no registry in its place"
    if of_fork():
        from .registry import Registry

        registry = Registry.here()
        return "" if registry.answers() else f"{registry.name} does not let a fork's pull request in"
    return ""


def of_fork() -> bool:
    """Return whether this runs for a pull request from another repository, which is given no secret."""
    try:
        event: Any = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_bytes())
        home = event["pull_request"]["head"]["repo"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return home is None or home["full_name"] != os.environ.get("GITHUB_REPOSITORY")


def _config() -> Any:
    from dvc.config import Config

    return Config.from_cwd()
