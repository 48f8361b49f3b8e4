#!/usr/bin/env python3
"""astral-sh/setup-uv: here uv is on the PATH already, and nothing is cached."""

import shutil

from toolkit import export_variable, fail, get_input, only_inputs, phases, run, set_output

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
    set_output("uv-version", version)
    set_output("uv-path", found)


phases(main)
