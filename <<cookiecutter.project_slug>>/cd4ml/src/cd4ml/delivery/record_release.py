"""Record what was promoted: in the log `production`, the deployment, the release, MLflow's alias. Idempotent."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cd4ml.delivery import releases
from cd4ml.delivery.actions_io import add_to_summary, is_set, set_outputs
from cd4ml.delivery.deployments import record_deployment
from cd4ml.delivery.event import Event
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.notify import tell
from cd4ml.delivery.production_log import append_entry, read_record, released_commit
from cd4ml.delivery.quarantine import lift_quarantine
from cd4ml.delivery.write_release_metadata import RELEASE
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, branch_commit, head_commit, output_of, remote_name
from cd4ml.gate.branches import PRODUCTION
from cd4ml.settings import paths
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.tracking.address import TrackingAddress
from cd4ml.tracking.track import track

_SBOM = Path("build/sbom.json")


def main(argv: list[str]) -> None:
    """Add an entry to `production`, then record the deployment and the release.

    Raises:
        UserError: models/release.json is not of this commit, `production` has moved meanwhile, or GitHub fails.
    """
    Arguments("record-release").parse_args(argv)
    image = os.environ.get("IMAGE", "").lower()  # GitHub's names have capitals, those of images none
    releases.digest_of(image)
    metadata, github = read_metadata(), GitHub.from_environment()
    entry = log_release(metadata | {"image": image})
    set_outputs(moved="yes")  # the workflow does not restore the earlier model if something below fails
    print(f"{PRODUCTION} is at {entry[:7]}: {metadata['bundle']}, of commit {metadata['commit'][:7]}")
    lift_quarantine(metadata["bundle"])
    record_deployment(github, metadata)
    release = create_release(github, read_record(entry), entry)
    set_outputs(release=release["tag_name"])
    print(f"released as {release['tag_name']}")
    print(set_mlflow_alias())
    add_to_summary(f"{release['tag_name']} is live; {PRODUCTION} records it at {entry[:7]}")
    tell(released(read_record(entry), str(release.get("html_url", ""))))


def released(record: dict[str, Any], link: str) -> Event:
    """Return the event that tells of a release."""
    lines = [f"Commit {record['commit'][:7]}, image {record['image']}."]
    lines += [
        f"Accepted by {each.get('by')}: {each.get('rule')}, {each.get('reason')}" for each in record.get("accepted", ())
    ]
    return Event("released", read_project().name, f"{record['bundle']} is live", tuple(lines), record["bundle"], link)


def read_metadata() -> dict[str, Any]:
    """Return models/release.json.

    Raises:
        UserError: there is none, or it is of another commit.
    """
    try:
        metadata: dict[str, Any] = json.loads(RELEASE.read_bytes())
    except (OSError, ValueError):
        raise UserError(
            f"no {RELEASE}; uv run cd4ml write-release-metadata writes it, before the image is built"
        ) from None
    if metadata.get("commit") != head_commit():
        commit = str(metadata.get("commit"))[:7]
        raise UserError(f"{RELEASE} is of commit {commit}, this is {head_commit()[:7]}: build the image again")
    return metadata


def log_release(record: dict[str, Any]) -> str:
    """Add the release to the log, unless it is the newest entry; return the entry's commit.

    FORCE=1 releases a commit that comes before the one that is live.

    Raises:
        GitError: a later commit is live already, or `production` has moved meanwhile.
    """
    origin, commit = remote_name(), record["commit"]
    if origin is None:
        raise GitError("git has no remote, so there is no production to record it on; git remote add origin ADDRESS")
    live = branch_commit(origin, PRODUCTION)
    if live:
        newest, released = read_record(live), released_commit(live)
        if newest.get("commit") == commit and newest.get("image") == record["image"]:
            return live
        if not is_set("FORCE") and released != commit and releases.comes_before(commit, released):
            raise GitError(f"{released[:7]} is live already, which comes after {commit[:7]}; FORCE=1 goes back to it")
    record |= {"released": datetime.now(UTC).isoformat(timespec="seconds")}
    why = os.environ.get("REASON") or output_of("log", "-1", "--format=%s", commit)
    return append_entry(origin, live, f"release {record['bundle']}", record, why)


def create_release(github: GitHub, record: dict[str, Any], entry: str) -> dict[str, Any]:
    """Return the release on GitHub, created if it does not exist, with release.json and sbom.json attached.

    If the same commit was released before in another image, both are replaced: a rollback goes to the newest. Where
    GitHub lets nobody change a release, it gets one of its own.

    Its tag is at the log's entry: a workflow's token may put none at a commit whose workflows main has changed since.
    """
    known = releases.find(github, record["bundle"], record["commit"], record["image"])
    release = known or releases.create(github, record, entry, release_notes(record))
    attached = {asset["name"] for asset in release.get("assets", ())}
    is_same = releases.attached_image(github, release) == record["image"]
    if _SBOM.exists() and not (is_same and _SBOM.name in attached):
        github.attach(release, _SBOM.name, _SBOM.read_bytes())
    if known and not is_same:
        github.patch(f"releases/{release['id']}", {"body": release_notes(record)})
    if not is_same:  # the last one: it says that the rest is there
        github.attach(release, releases.METADATA, json.dumps(record, indent=1, ensure_ascii=False).encode())
    return releases.publish(github, release) if release["draft"] else release


def release_notes(record: dict[str, Any]) -> str:
    """Return the release's description: image, bundle, commit, run, and the gate's table."""
    table = paths.GATE_TABLE.read_text(encoding="utf-8") if paths.GATE_TABLE.exists() else ""
    run = f"- built in [this run]({record['run']})\n" if record.get("run") else ""
    return f"- image `{record['image']}`\n- bundle `{record['digest']}`\n- commit {record['commit']}\n{run}\n{table}"


def set_mlflow_alias() -> str:
    """Set MLflow's alias `champion`, and return what was done. A failure is no error: git decides what is live."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return "no MLFLOW_TRACKING_URI is set, so no alias in MLflow"
    try:
        track(TrackingAddress.read(os.environ), "champion")
    except (UserError, OSError) as failure:
        return f"MLflow's alias champion was not set: {failure}; make track ALIAS=champion sets it later"
    return "MLflow's alias champion is set"
