"""A bundle that is live already: the verdict of its release counts, and only the gate's limits are compared again.

If only code or documentation has changed, `cd` releases the same bundle again. To judge it anew would compare it with
itself; but the release carries params.yaml, whose limits then count for the next challenger.
"""

import re
from dataclasses import dataclass
from typing import Any

from cd4ml.contract.contract import Contract
from cd4ml.files.git import file_at
from cd4ml.gate.branches import PRODUCTION, branches
from cd4ml.gate.champion import bundle_digest_at
from cd4ml.gate.champion_limits import read_champion_limits
from cd4ml.gate.limits import check_limits, limits_section
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.gate.rules import Finding
from cd4ml.gate.verdict import apply_waivers, finding_as_json, is_waived
from cd4ml.settings import paths
from cd4ml.settings.params import Params, Waiver

_TITLE = re.compile(r"^## \S+ Gate: ", re.MULTILINE)


@dataclass(frozen=True)
class Released:
    """The verdict that the bundle on `production` was released with."""

    version: str
    verdict: dict[str, Any]
    table: str
    """The verdict as Markdown."""


def find_released(digest: str | None) -> Released | None:
    """Return the verdict of the release, if the bundle on `production` has this digest in dvc.lock; else None.

    None as well if the release has no verdict that this bundle passed: it has to be judged then.

    Raises:
        GitError: git has a remote, and it does not answer.
    """
    for branch, revision in branches():
        verdict = recorded_verdict(revision)
        if branch != PRODUCTION or bundle_digest_at(revision) != digest or verdict.get("dvc_lock") != digest:
            return None
        table = file_at(revision, paths.GATE_TABLE.as_posix()) or ""
        return Released(str(verdict["bundle"]), verdict, table) if verdict.get("passed") is True else None
    return None


def check_limits_again(released: Released, params: Params) -> tuple[Finding, list[Waiver]]:
    """Return the finding on the gate's limits here, beside those of the release, and the waiver that accepts it."""
    task, accept, version = Contract.load(paths.CONTRACT).task, params.gate.accept, released.version
    waived = is_waived("limits", accept, version)
    finding, _ = check_limits(params, task, read_champion_limits(), replaces=True, waived=waived)
    findings, accepted, _ = apply_waivers([finding], accept, version)
    return findings[0], accepted


def as_json(released: Released, finding: Finding, accepted: list[Waiver]) -> dict[str, Any]:
    """Return the content of reports/gate.json: that of the release, with the limits as they are now."""
    rules = [rule for rule in released.verdict.get("rules", ()) if rule.get("rule") != "limits"]
    waivers = [waiver for waiver in released.verdict.get("accepted", ()) if waiver.get("rule") != "limits"]
    return released.verdict | {
        "passed": finding.result != "rejected",
        "rules": [finding_as_json(finding), *rules],
        "accepted": [*waivers, *(waiver.model_dump() for waiver in accepted)],
    }


def as_markdown(released: Released, finding: Finding, accepted: list[Waiver]) -> str:
    """Return the content of reports/gate.md: that of the release, after the limits that are looser now."""
    title = _TITLE.search(released.table)
    table = released.table[title.start() :] if title else released.table
    section = limits_section(finding, accepted[0] if accepted else None)
    return f"{section}\n\n{table}" if section else table
