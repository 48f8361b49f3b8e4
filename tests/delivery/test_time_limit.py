"""How ct ends if its time is up, or somebody cancels it: its own two jobs, without the steps before the gate."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery.github import GitHub
from tests.delivery.small_workflows import Checkout, clone, workflow

__all__ = ["clone"]

CT = ROOT / "<<cookiecutter.project_slug>>/.github/workflows/ct.yml"
LONG = "sleep 600"


def jobs_of_ct(gate: str, tests: str, minutes: float) -> str:
    """`retrain` and `report` with other commands for the gate and the tests; what is reported is printed."""
    jobs = yaml.safe_load(CT.read_text(encoding="utf-8"))["jobs"]
    retrain, report = jobs["retrain"], jobs["report"]
    (judge,) = ({"id": step["id"], "run": gate} for step in retrain["steps"] if step.get("id") == "gate")
    (test,) = (step | {"run": tests} for step in retrain["steps"] if step.get("id") == "tests")
    print_it = report["steps"][-1] | {"run": 'echo "gate: $GATE, tests: $TESTS"'}
    here = {"runs-on": "ubuntu-24.04"}
    of_retrain = {"timeout-minutes": minutes, "outputs": retrain["outputs"], "steps": [judge, test, artifact(retrain)]}
    of_report = {"needs": "retrain", "if": report["if"], "steps": [artifact(report), print_it]}
    return json.dumps({"retrain": here | of_retrain, "report": here | of_report})


def artifact(job: dict[str, Any]) -> dict[str, Any]:
    (step,) = (step for step in job["steps"] if "load-artifact@" in step.get("uses", ""))
    return dict(step)


@pytest.mark.parametrize(
    ("gate", "tests", "reported"),
    [
        ("true", LONG, "gate: success, tests: cancelled"),
        (LONG, "true", "gate: cancelled, tests: skipped"),
        ("mkdir reports; touch reports/gate.json; false", "true", "gate: failure, tests: skipped"),
    ],
)
def test_a_gate_or_tests_that_do_not_end_are_reported_as_a_rejection_is(
    github: GitHub, clone: Checkout, gate: str, tests: str, reported: str
) -> None:
    clone.push(ct=workflow(jobs_of_ct(gate, tests, minutes=0.1), more="env: {PROJECT: .}"))

    [run] = github.run_all()

    assert run.jobs["report"].result == "success"
    assert reported in run.jobs["report"].log


def test_a_run_that_somebody_cancels_reports_nothing(github: GitHub, clone: Checkout, tmp_path: Path) -> None:
    tested = tmp_path / "tested"
    clone.push(ct=workflow(jobs_of_ct("true", f"touch {tested}; {LONG}", minutes=5), more="env: {PROJECT: .}"))

    def cancel() -> None:
        while not tested.exists():
            time.sleep(0.1)
        github.cancel(github.runs[-1])

    threading.Thread(target=cancel, daemon=True).start()
    [run] = github.run_all()

    assert run.results == {"retrain": "cancelled", "report": "skipped"}
