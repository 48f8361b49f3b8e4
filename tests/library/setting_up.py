"""Run a verb of a set-up against the cloud in memory, or kill it half-way."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import replace
from unittest.mock import patch

from cd4ml.deploy.clouds import PLATFORMS
from cd4ml.deploy.commands import CloudError
from cd4ml.settings.project import Project
from github_in_memory import Json
from killable_run import KillableRun, KilledError

DEMO = Project("demo", "", "demo", "cloud-run", "service-account", "cloud")


def settled(state: Json) -> Json:
    """What is kept, without what differs from run to run."""
    kept = deepcopy(state)
    for versions in kept["secrets"].values():
        versions.update(dict.fromkeys(versions, "a key"))
    for secrets in kept["github"].values():
        secrets.update(dict.fromkeys(secrets, "a secret"))
    return kept


def run(cloud: KillableRun, verb: str, *words: str) -> str:
    """Run a verb in the working directory; return what it printed, and last an error."""
    said, failed = io.StringIO(), ""
    with redirect_stdout(said), redirect_stderr(said), patch.object(shutil, "which", return_value="/here"):
        try:
            PLATFORMS[cloud.label](replace(DEMO, platform=cloud.label), cloud).verbs()[verb](*words)
        except CloudError as failure:
            failed = f"failed: {failure}\n"
    return said.getvalue() + failed


def killed_at(cloud: KillableRun, kill: tuple[int, str], *words: str) -> bool:
    """Run a verb and kill it at a write; return whether there was such a write."""
    cloud.kill = kill
    try:
        run(cloud, *words)
    except KilledError:
        return True
    return False
