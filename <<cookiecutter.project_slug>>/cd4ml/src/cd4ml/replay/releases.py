"""What is live: a release is a commit on the default branch, an entry of the log `production`, and what is served."""

import shutil
from datetime import date
from pathlib import Path

from cd4ml.delivery.model_commit import commit_message, commit_trained_files, read_metrics
from cd4ml.delivery.production_log import append_entry
from cd4ml.files.atomic import replacing_folder
from cd4ml.files.git import branch_commit, output_of
from cd4ml.gate.branches import PRODUCTION
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.replay.scratch import on_day
from cd4ml.settings import paths


def release(live: Path, day: date, why: str) -> str:
    """Commit the model that the gate has passed, record its release, and put it into `live`; return its version."""
    verdict = recorded_verdict()
    version = str(verdict["bundle"])
    with on_day(day):
        commit = commit_trained_files(commit_message(verdict, read_metrics(), why, ""))
        output_of("push", "--quiet", "origin", "HEAD")
        record = {"bundle": version, "digest": verdict["digest"], "commit": commit, "released": str(day)}
        append_entry("origin", branch_commit("origin", PRODUCTION), f"release {version}", record, why)
    with replacing_folder(live) as folder:
        shutil.copytree(paths.BUNDLE, folder / paths.BUNDLE.name)
        shutil.copytree(paths.REPORTS, folder / paths.REPORTS.name)
    return version
