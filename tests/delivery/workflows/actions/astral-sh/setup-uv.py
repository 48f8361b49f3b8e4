#!/usr/bin/env python3
"""astral-sh/setup-uv: here uv is on the PATH already."""

import shutil

from toolkit import export_variable, fail, get_input, phases, run, set_output


def main() -> None:
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
