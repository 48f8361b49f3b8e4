"""The verb `released`: what was promoted is recorded: branch, deployment, release, MLflow's alias. Twice is as once."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cd4ml.delivery import releases as release
from cd4ml.delivery.actions_io import flag, hand_on, run_url, summarize
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.quarantine import branch_of, is_held
from cd4ml.delivery.write_release_metadata import RELEASE
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, head, holds, push, remote, tip
from cd4ml.gate.champion import LIVE
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.address import TrackingAddress
from cd4ml.tracking.track import track

_SBOM = Path("build/sbom.json")


def main(argv: list[str]) -> None:
    """Move `production`, then record the deployment and the release.

    Raises:
        UserError: models/release.json is not of this commit, `production` was moved meanwhile, or GitHub refuses.
    """
    Arguments("record-release").parse_args(argv)
    image = os.environ.get("IMAGE", "")
    release.digest_of(image)
    lineage, github = of_this_commit(), GitHub.here()
    moved = move(lineage["commit"])
    hand_on(moved="yes")  # what fails from here on is no reason to take the model back
    print(moved)
    let_go(lineage["bundle"])
    deployed(github, lineage)
    there = published(github, lineage, image)
    hand_on(release=there["tag_name"])
    told = f"{there['tag_name']} is live; {moved}"
    print(f"released as {there['tag_name']}")
    print(alias())
    summarize(told)


def of_this_commit() -> dict[str, Any]:
    """Return models/release.json.

    Raises:
        UserError: there is none, or it is of another commit.
    """
    try:
        lineage: dict[str, Any] = json.loads(RELEASE.read_bytes())
    except (OSError, ValueError):
        raise UserError(f"no {RELEASE}; make lineage writes it, before the image is built") from None
    if lineage.get("commit") != head():
        raise UserError(f"{RELEASE} is of commit {str(lineage.get('commit'))[:7]}, this is {head()[:7]}: build again")
    return lineage


def move(commit: str) -> str:
    """Move `production` to a commit, from where it is; return what was done.

    Raises:
        GitError: it is past the commit already, or was moved meanwhile.
    """
    where = remote()
    if where is None:
        raise GitError("git has no remote whose production could be moved; git remote add origin ADDRESS")
    was = tip(where, LIVE)
    if was == commit:
        return f"{LIVE} is at {commit[:7]} already"
    if was and holds(was, commit) and not flag("FORCE"):
        raise GitError(f"{LIVE} is at {was[:7]} already, which comes after {commit[:7]}; FORCE=1 goes back")
    push(where, commit, LIVE, was=was, forced=True)
    return f"{LIVE} is at {commit[:7]}" + (f", was at {was[:7]}" if was else "")


def let_go(version: str) -> None:
    """Let go of a bundle that was held and that somebody released all the same."""
    where = remote()
    if where and is_held(version):
        push(where, "", branch_of(version))


def deployed(github: GitHub, lineage: dict[str, Any]) -> None:
    """Record the deployment and its success, unless both are: a job with an environment has made one of its own."""
    commit = lineage["commit"]
    there = github.get("deployments", sha=commit, environment=LIVE, per_page=10)
    deployment = there[0] if there else github.post("deployments", _deployment(lineage))
    statuses = github.get(f"deployments/{deployment['id']}/statuses", per_page=30)
    if not any(status["state"] == "success" for status in statuses):
        told = {"state": "success", "description": lineage["bundle"], "log_url": run_url(), "environment": LIVE}
        github.post(f"deployments/{deployment['id']}/statuses", {name: said for name, said in told.items() if said})


def _deployment(lineage: dict[str, Any]) -> dict[str, Any]:
    return {
        "ref": lineage["commit"],
        "environment": LIVE,
        "description": lineage["bundle"],
        "payload": {"bundle": lineage["bundle"], "digest": lineage["digest"]},
        "auto_merge": False,
        "required_contexts": [],  # what had to pass has passed
        "production_environment": True,
    }


def published(github: GitHub, lineage: dict[str, Any], image: str) -> dict[str, Any]:
    """Return the release, created where there is none, with what belongs to it attached."""
    there = release.find(github, lineage["bundle"], lineage["commit"])
    if there is None:
        there = release.create(github, lineage["bundle"], lineage["commit"], notes(lineage, image))
    attached = {asset["name"] for asset in there.get("assets", ())}
    if release.FILE not in attached:
        record = lineage | {"image": image, "released": datetime.now(UTC).isoformat(timespec="seconds")}
        github.attach(there, release.FILE, json.dumps(record, indent=1, ensure_ascii=False).encode())
    if _SBOM.name not in attached and _SBOM.exists():
        github.attach(there, _SBOM.name, _SBOM.read_bytes())
    return there


def notes(lineage: dict[str, Any], image: str) -> str:
    """Return the release's text: what it is, and why it was let pass."""
    table = paths.GATE_TABLE.read_text(encoding="utf-8") if paths.GATE_TABLE.exists() else ""
    run = f"- built in [this run]({lineage['run']})\n" if lineage.get("run") else ""
    return f"- image `{image}`\n- bundle `{lineage['digest']}`\n- commit {lineage['commit']}\n{run}\n{table}"


def alias() -> str:
    """Set MLflow's alias `champion`, if it can be done; return what was done. It mirrors git, and decides nothing."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return "no MLFLOW_TRACKING_URI is set, so no alias in MLflow"
    try:
        track(TrackingAddress.read(os.environ), "champion")
    except (UserError, OSError) as failure:
        return f"MLflow's alias champion was not set: {failure}; make track ALIAS=champion does it later"
    return "MLflow's alias champion is set"
