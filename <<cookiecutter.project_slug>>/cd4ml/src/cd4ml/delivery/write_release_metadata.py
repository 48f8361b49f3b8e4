"""Write models/release.json: commit, run and waivers of a release, beside its bundle. It goes into the image."""

import json
import os
from pathlib import Path
from typing import Any

from cd4ml.bundle.manifest import load_manifest
from cd4ml.delivery.actions_io import run_url
from cd4ml.delivery.commit_model import mlflow_run_of
from cd4ml.delivery.model_commit import MLFLOW_TRAILER
from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.files.git import head_commit, run_git
from cd4ml.gate.champion import bundle_digest_here
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.lineage import Lineage

RELEASE = Path("models/release.json")


def main(argv: list[str]) -> None:
    """Write models/release.json for the bundle in models/bundle.

    Raises:
        UserError: there is no bundle, or it is another one than the one that passed the gate.
    """
    Arguments("write-release-metadata").parse_args(argv)
    metadata = release_metadata()
    write_text(RELEASE, json.dumps(metadata, indent=1, ensure_ascii=False))
    print(f"{RELEASE}: {metadata['bundle']}, of commit {metadata['commit'][:7]}")


def release_metadata() -> dict[str, Any]:
    """Return where the bundle in models/bundle comes from, and which waivers the gate accepted for it.

    Raises:
        UserError: another bundle passed the gate.
    """
    manifest, verdict = load_manifest(paths.BUNDLE), recorded_verdict()
    if verdict.get("passed") is not True or verdict.get("digest") != manifest.digest:
        raise UserError(
            f"reports/gate.json does not record that {manifest.version} passed the gate; "
            "make pull fetches the bundle that it names, or make gate judges this one"
        )
    return {
        "bundle": manifest.version,
        "digest": manifest.digest,
        "dvc_lock": bundle_digest_here(),
        "commit": head_commit(),
        "repository": os.environ.get("GITHUB_REPOSITORY") or Lineage.read(os.environ).repository,
        "run": run_url() or None,
        "mlflow_run": mlflow_run_of(manifest.digest) or _mlflow_run_in_git() or None,
        "accepted": verdict.get("accepted", []),
    }


def _mlflow_run_in_git() -> str:
    """Return the MLflow run that the last commit of dvc.lock names; empty if it names none."""
    trailers = run_git(
        "log", "-1", f"--format=%(trailers:key={MLFLOW_TRAILER},valueonly)", "--", "dvc.lock"
    ).stdout.split()
    return trailers[0] if trailers else ""
