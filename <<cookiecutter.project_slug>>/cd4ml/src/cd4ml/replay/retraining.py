"""A retraining as `ct` does one: the stages of dvc.yaml, then the gate, on the rows that have arrived."""

import subprocess  # dvc, with arguments that the library chooses
from dataclasses import asdict, dataclass
from datetime import date
from importlib import import_module
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.dvc_command import dvc_command, dvc_environment
from cd4ml.files.git import failure_reason
from cd4ml.gate import judge
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.pipeline.stage import STAGES
from cd4ml.replay.arrivals import use_rows_until


@dataclass(frozen=True)
class Decision:
    """What became of a retraining."""

    until: str
    """The newest day of its rows."""
    version: str
    """Of the challenger; empty if the training failed."""
    promoted: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return it for decisions.json."""
        return asdict(self)


def retrain(until: date) -> Decision:
    """Run the stages in this process, record them in dvc.lock, and let the gate judge the bundle."""
    use_rows_until(until)
    try:
        for stage in STAGES:
            import_module(f"cd4ml.pipeline.{stage}").run()
        _record_outputs()
    except UserError as failure:
        return Decision(str(until), "", promoted=False, reason=f"the training failed: {_first_line(failure)}")
    try:
        judge.main([])
    except judge.RejectedError:
        verdict = recorded_verdict()
        reasons = [f"{rule['rule']}: {rule['why']}" for rule in verdict["rules"] if rule["result"] == "rejected"]
        return Decision(str(until), verdict["bundle"], promoted=False, reason="; ".join(reasons))
    verdict = recorded_verdict()
    compared = {rule["rule"]: rule["measured"] for rule in verdict["rules"]}
    reason = compared["comparison"] if verdict["champion"] else f"baseline: {compared['baseline']}"
    return Decision(str(until), verdict["bundle"], promoted=True, reason=reason)


def _record_outputs() -> None:
    """Write dvc.lock and DVC's cache, as `dvc repro` does after each stage."""
    command = dvc_command("commit", "--force", *STAGES)
    done = subprocess.run(command, env=dvc_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"dvc commit: {failure_reason(done)}")


def _first_line(failure: UserError) -> str:
    return str(failure).splitlines()[0]
