"""The verb `lineage`: write models/release.json, what is known of a release besides its bundle."""

import json
import os
from pathlib import Path
from typing import Any

from cd4ml.bundle.manifest import check
from cd4ml.delivery.actions_io import run_url
from cd4ml.delivery.commit_model import run_id
from cd4ml.delivery.model_commit import RUN_TRAILER
from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.files.git import git, head
from cd4ml.gate.champion import bundle_digest_here
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.lineage import Lineage

RELEASE = Path("models/release.json")


def main(argv: list[str]) -> None:
    """Write models/release.json for the bundle that lies in models/.

    Raises:
        UserError: there is no bundle, or it is another than the one that the gate let pass.
    """
    Arguments("write-release-metadata").parse_args(argv)
    told = lineage()
    write_text(RELEASE, json.dumps(told, indent=1, ensure_ascii=False))
    print(f"{RELEASE}: {told['bundle']}, of commit {told['commit'][:7]}")


def lineage() -> dict[str, Any]:
    """Return where the bundle in models/ comes from, and what the gate accepted of it.

    Raises:
        UserError: the gate let another bundle pass.
    """
    manifest, judged = check(paths.BUNDLE), recorded_verdict()
    if judged.get("passed") is not True or judged.get("digest") != manifest.digest:
        raise UserError(
            f"reports/gate.json does not say that the gate let {manifest.version} pass; "
            "make pull fetches the bundle that it names, or make gate judges this one"
        )
    return {
        "bundle": manifest.version,
        "digest": manifest.digest,
        "dvc_lock": bundle_digest_here(),
        "commit": head(),
        "repository": os.environ.get("GITHUB_REPOSITORY") or Lineage.here(os.environ).repository,
        "run": run_url() or None,
        "mlflow_run": run_id(manifest.digest) or _recorded_run() or None,
        "accepted": judged.get("accepted", []),
    }


def _recorded_run() -> str:
    """Return the MLflow run that the commit names which brought this dvc.lock, if it does."""
    told = git("log", "-1", f"--format=%(trailers:key={RUN_TRAILER},valueonly)", "--", "dvc.lock").stdout.split()
    return told[0] if told else ""
