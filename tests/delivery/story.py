"""What stories on every platform have in common: a release to production, and another one and back."""

from __future__ import annotations

from typing import Any

from tests.delivery.delivery import Delivery
from tests.delivery.world import ended_well, pushed, report
from tests.runbook import rollback


def released(delivery: Delivery[Any]) -> str:
    """Push, approve where somebody is asked, and return the version that production answers with, which main names."""
    pushed(delivery.github, delivery.project)
    run = delivery.github.last("cd")
    if delivery.github.has_environments:
        delivery.approve(run)
    else:
        assert run.approvals == [], report(run)
    ended_well([run], "cd")
    version = delivery.answers()["version"]
    assert version == run.jobs["check"].outputs["version"]
    assert delivery.live == run.event.sha
    return str(version)


def released_twice_and_rolled_back(delivery: Delivery[Any]) -> None:
    """Release one model, then another, and go back to the first by the runbook."""
    github, project = delivery.github, delivery.project
    delivery.train("the first model")
    first = released(delivery)
    began = delivery.answers()
    project.replace("params.yaml", "iterations: 10", "iterations: 30")
    delivery.train("more trees")
    assert released(delivery) != first

    github.dispatch(*rollback(project.folder, f"model-{first}"))
    ended_well(github.run_all(), "rollback")
    again = delivery.answers()
    assert again == began | {"request_id": again["request_id"]}
