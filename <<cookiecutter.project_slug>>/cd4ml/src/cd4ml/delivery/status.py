"""Report whether git has a model, whether it matches the code and parameters, and whether it may be released."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Literal

from cd4ml.delivery.actions_io import add_to_summary, is_set, set_outputs
from cd4ml.delivery.library_files import library_files
from cd4ml.delivery.production_log import LogEntry, latest_entries
from cd4ml.delivery.quarantine import is_quarantined, quarantine_branch
from cd4ml.delivery.staleness import Reason, stale_stages
from cd4ml.files.git import remote_name
from cd4ml.gate.branches import branches
from cd4ml.gate.champion import bundle_digest_at, bundle_digest_here
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.storage.dvc_remote import default_remote, unreachable_reason
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align

_HISTORY = 5  # entries of the log that are printed
YesOrNo = Literal["yes", "no"]


@dataclass(frozen=True)
class Status:
    """The state of the model in git; each field is an output of the workflow's step."""

    model: Literal["none", "stale", "current"]
    bundle: str
    """The bundle's version; empty if it was not judged and is not in models/ either."""
    digest: str
    """The bundle's digest in dvc.lock; empty if there is none."""
    changed: YesOrNo
    """Whether it is another bundle than on `production`, or before the first release on the default branch."""
    remote: YesOrNo
    """Whether there is a DVC remote, or a registry in its place."""
    reachable: YesOrNo
    """Whether data and models can be fetched from it."""
    passed: YesOrNo
    """Whether reports/gate.json records that exactly this bundle passed the gate."""
    quarantined: YesOrNo
    """Whether it was rolled back, and may not be released again."""


def main(argv: list[str]) -> None:
    """Print the status, and set each of its fields as an output.

    Raises:
        UserError: git's remote does not answer, or dvc.lock cannot be read.
    """
    Arguments("status").parse_args(argv)
    status, reasons = read_status()
    set_outputs(**asdict(status))
    text = as_text(status, reasons)
    if library := library_files():
        text += f"\n\nlibrary: {library}"
    if history := latest_entries(remote_name(), _HISTORY):
        text += f"\n\n{history_table(history)}"
    print(text)
    add_to_summary(f"```\n{text}\n```")
    if status.reachable == "no":
        add_to_summary(
            f"what needs data or models is skipped: {unreachable_reason()}; docs/delivery.md says what to set"
        )


def read_status() -> tuple[Status, list[Reason]]:
    """Return the status, and the stages that are out of date, with the reasons."""
    digest, reasons = bundle_digest_here(), stale_stages()
    remote = _yes_or_no(bool(default_remote() or os.environ.get("OBJECTS")))
    reachable = _yes_or_no(not unreachable_reason())
    if digest is None:
        return Status("none", "", "", "no", remote, reachable, "no", "no"), []
    version, verdict = version_of(digest), recorded_verdict()
    return Status(
        model="stale" if reasons else "current",
        bundle=version,
        digest=digest,
        changed=_yes_or_no(digest != base_digest()),
        remote=remote,
        reachable=reachable,
        passed=_yes_or_no(verdict.get("passed") is True and verdict.get("dvc_lock") == digest),
        quarantined=_yes_or_no(is_quarantined(version) and not is_set("FORCE")),
    ), reasons


def _yes_or_no(condition: bool) -> YesOrNo:
    return "yes" if condition else "no"


def base_digest() -> str | None:
    """Return the digest of the bundle on `production`, or before the first release on the default branch."""
    for _, revision in branches():
        return bundle_digest_at(revision)
    return None


def version_of(digest: str) -> str:
    """Return the version of the bundle in dvc.lock: from reports/gate.json, else from models/bundle, else empty."""
    verdict = recorded_verdict()
    if verdict.get("dvc_lock") == digest:
        return str(verdict["bundle"])
    try:
        manifest = json.loads((paths.BUNDLE / "bundle.json").read_bytes())
        return f"{manifest['until'] or 'v'}.{manifest['digest'][:7]}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def as_text(status: Status, reasons: list[Reason]) -> str:
    """Return the status for a person, with what to do next."""
    if status.model == "none":
        return "no model yet: dvc.lock names none; next: make train"
    live = "differs from what is live" if status.changed == "yes" else "the same as what is live"
    rows = [
        ("model", status.bundle or "not judged yet", status.model),
        ("digest", status.digest, live),
        ("gate", "", "passed" if status.passed == "yes" else "not passed"),
        ("remote", unreachable_reason(), "reachable" if status.reachable == "yes" else "not reachable"),
    ]
    if status.quarantined == "yes":
        lift = f"git push origin --delete {quarantine_branch(status.bundle)} lifts it"
        rows.append(("quarantine", lift, "rolled back"))
    lines = [align(rows)]
    if reasons:
        lines += [align([("stage", "changed since"), *reasons]), "next: make train"]
    elif status.passed == "no":
        lines.append("next: make gate")
    return "\n".join(lines)


def history_table(entries: list[LogEntry]) -> str:
    """Return what was live, as a table for a person, the newest first."""
    rows = [(entry.time[:16].replace("T", " "), entry.event, entry.by, entry.why[:60]) for entry in entries]
    return align([("live since", "event", "by", "why"), *rows])
