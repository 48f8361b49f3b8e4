#!/usr/bin/env python3
"""astral-sh/setup-uv: here uv is on the PATH already, and its cache is what the machine has."""

import os
import shutil
from pathlib import Path

from toolkit import add_path, export_variable, fail, get_input, only_inputs, phases, run, save_state, set_output

INPUTS = (  # of version 10, as its action.yml names them
    "version", "version-file", "python-version", "activate-environment", "venv-path", "no-project", "working-directory",
    "checksum", "github-token", "enable-cache", "cache-dependency-glob", "restore-cache", "save-cache", "cache-suffix",
    "cache-local-path", "prune-cache", "cache-python", "ignore-nothing-to-cache", "ignore-empty-workdir", "tool-dir",
    "tool-bin-dir", "manifest-file", "download-from-astral-mirror", "add-problem-matchers", "quiet",
    "resolution-strategy",
)  # fmt: skip


def main() -> None:
    only_inputs(*INPUTS)
    for name, default, values in (
        ("enable-cache", "auto", ("true", "false", "auto")),
        ("save-cache", "true", ("true", "false")),
        ("restore-cache", "true", ("true", "false")),
    ):
        if (value := get_input(name, default)) not in values:  # the action itself takes any other for "false"
            fail(f"{name} is {value}: one of {', '.join(values)}")
    found = shutil.which("uv") or fail("uv is not on the PATH that the runner was given")
    version = run(found, "--version").split()[1]
    wanted = get_input("version")
    if wanted and wanted != version:
        print(f"::warning::the workflow wants uv {wanted}; this machine has {version}")
    if python := get_input("python-version"):
        export_variable("UV_PYTHON", python)
    leave_folders()
    set_output("uv-version", version)
    set_output("uv-path", found)


def leave_folders() -> None:
    """What a machine of GitHub's gets: folders of uv's own, and a cache that is kept after a job that succeeded."""
    temporary = Path(os.environ["RUNNER_TEMP"])
    pythons = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or temporary / "uv-python-dir")
    export_variable("UV_PYTHON_INSTALL_DIR", str(pythons))
    for folder in (Path.home() / ".local/bin", pythons):
        add_path(folder)
    if get_input("enable-cache", "auto") != "false":
        cache = Path(os.environ.get("UV_CACHE_DIR") or temporary / "setup-uv-cache")
        cache.mkdir(parents=True, exist_ok=True)  # by asking uv for its Python
        export_variable("UV_CACHE_DIR", str(cache))
        if get_input("save-cache", "true") == "true":
            save_state("cache", str(cache))


def post() -> None:
    if not Path(os.environ["STATE_CACHE"]).exists():
        fail(f"Cache path {os.environ['STATE_CACHE']} does not exist on disk")


phases(main, post)
