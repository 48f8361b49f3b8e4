#!/usr/bin/env python3
"""google-github-actions/setup-gcloud: gcloud is on the PATH already, and nobody is asked whether its key holds."""

import os
import shutil

from toolkit import export_variable, fail, get_input, phases, set_output


def main() -> None:
    if not shutil.which("gcloud"):
        fail("gcloud is not on the PATH that the runner was given")
    if get_input("version", "latest") == "latest":
        fail("version is latest: another gcloud tomorrow than was tested; pin it")
    export_variable("CLOUDSDK_METRICS_ENVIRONMENT", "github-actions-setup-gcloud")
    if os.environ.get("GOOGLE_GHA_CREDS_PATH"):
        print("Successfully authenticated")
    if project := get_input("project_id"):
        export_variable("CLOUDSDK_CORE_PROJECT", project)
    set_output("version", get_input("version"))


phases(main)
