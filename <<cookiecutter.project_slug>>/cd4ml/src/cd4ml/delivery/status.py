"""The verb `state`: is there a model in git, is it of this code and these parameters, may it be released."""

import json
import os
from dataclasses import asdict, dataclass
from typing import Literal

from cd4ml.delivery.actions_io import flag, hand_on, summarize
from cd4ml.delivery.quarantine import branch_of, is_held
from cd4ml.delivery.staleness import Reason, stale
from cd4ml.gate.champion import branches, bundle_digest_at, bundle_digest_here
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.settings import paths
from cd4ml.storage.dvc_remote import dvc_remote, out_of_reach
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import table

Answer = Literal["yes", "no"]


@dataclass(frozen=True)
class State:
    """What git says of the model, as the workflows are told it."""

    model: Literal["none", "stale", "current"]
    bundle: str
    """Its version; empty where it was neither judged nor lies here."""
    digest: str
    """What dvc.lock calls it; empty where there is none."""
    changed: Answer
    """Whether it is another than the one that `production` names, or before the first release `main`."""
    remote: Answer
    """Whether there is a DVC remote, or a registry in its place."""
    reachable: Answer
    """Whether what is kept there can be had from here."""
    passed: Answer
    """Whether reports/gate.json says that the gate let just this bundle pass."""
    held: Answer
    """Whether it was rolled back, and may not be released again."""


def main(argv: list[str]) -> None:
    """Print the state, and hand it to the workflow.

    Raises:
        UserError: git's remote does not answer, or dvc.lock cannot be read.
    """
    Arguments("status").parse_args(argv)
    found, why = state()
    hand_on(**asdict(found))
    told = as_text(found, why)
    print(told)
    summarize(f"```\n{told}\n```")
    if found.reachable == "no":
        summarize(f"data and models are left out: {out_of_reach()}; docs/delivery.md says what to set")


def state() -> tuple[State, list[Reason]]:
    """Return the state, and why the model is stale where it is."""
    named, why = bundle_digest_here(), stale()
    kept = _answer(bool(dvc_remote() or os.environ.get("OBJECTS")))
    reachable = _answer(not out_of_reach())
    if named is None:
        return State("none", "", "", "no", kept, reachable, "no", "no"), []
    version, judged = version_of(named), recorded_verdict()
    return State(
        model="stale" if why else "current",
        bundle=version,
        digest=named,
        changed=_answer(named != base()),
        remote=kept,
        reachable=reachable,
        passed=_answer(judged.get("passed") is True and judged.get("dvc_lock") == named),
        held=_answer(is_held(version) and not flag("FORCE")),
    ), why


def _answer(yes: bool) -> Answer:
    return "yes" if yes else "no"


def base() -> str | None:
    """Return the bundle, as DVC names it, on `production`, or before the first release on `main`."""
    for _, revision in branches():
        return bundle_digest_at(revision)
    return None


def version_of(named: str) -> str:
    """Return the version of the bundle that dvc.lock names: as the gate, or the bundle itself, has it."""
    judged = recorded_verdict()
    if judged.get("dvc_lock") == named:
        return str(judged["bundle"])
    try:
        told = json.loads((paths.BUNDLE / "bundle.json").read_bytes())
        return f"{told['until'] or 'v'}.{told['digest'][:7]}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def as_text(found: State, why: list[Reason]) -> str:
    """Return the state for a person, with what to do next."""
    if found.model == "none":
        return "no model yet: dvc.lock names none; next: make train"
    rows = [
        ("model", found.bundle or "not judged yet", found.model),
        ("", f"dvc.lock calls it {found.digest}", "another than what is live" if found.changed == "yes" else "as live"),
        ("gate", "", "passed" if found.passed == "yes" else "has not let it pass"),
        ("remote", out_of_reach(), "there" if found.reachable == "yes" else "out of reach"),
    ]
    if found.held == "yes":
        rows.append(("held", f"git push origin --delete {branch_of(found.bundle)} lets it go", "rolled back"))
    lines = [table(rows)]
    if why:
        lines += [table([("stage", "changed since"), *why]), "next: make train"]
    elif found.passed == "no":
        lines.append("next: make gate")
    return "\n".join(lines)
