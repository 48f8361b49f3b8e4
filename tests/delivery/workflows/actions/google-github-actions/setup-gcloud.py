#!/usr/bin/env python3
"""google-github-actions/setup-gcloud: here gcloud is on the PATH already."""

import shutil

from toolkit import export_variable, fail, get_input, phases, set_output


def main() -> None:
    if not shutil.which("gcloud"):
        fail("gcloud is not on the PATH that the runner was given")
    if project := get_input("project_id"):
        export_variable("CLOUDSDK_CORE_PROJECT", project)
    set_output("version", "installed")


phases(main)
