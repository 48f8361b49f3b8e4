#!/usr/bin/env python3
"""actions/download-artifact: files come from the run's folder of artifacts, or from another run's."""

import fnmatch
import os
import shutil
from pathlib import Path

from toolkit import fail, get_boolean, get_input, permission, phases, set_output


def main() -> None:
    source = Path(os.environ["ACTIONS_RESULTS_URL"])
    if run := get_input("run-id"):
        if not get_input("github-token") or permission("actions") == "none":
            fail("Resource not accessible by integration: another run's artifacts need github-token and actions: read")
        source = source.parent / run
    target = Path.cwd() / get_input("path")
    target.mkdir(parents=True, exist_ok=True)
    name, pattern = get_input("name"), get_input("pattern", "*")
    if name:
        if not (source / name).is_dir():
            fail(f"Unable to download artifact(s): Artifact not found for name: {name}")
        shutil.copytree(source / name, target, dirs_exist_ok=True)
    else:
        merged = get_boolean("merge-multiple", False)
        for each in sorted(source.iterdir()) if source.is_dir() else []:
            if fnmatch.fnmatch(each.name, pattern):
                shutil.copytree(each, target if merged else target / each.name, dirs_exist_ok=True)
    set_output("download-path", str(target))


phases(main)
