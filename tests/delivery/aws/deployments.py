"""Service deployments: how ECS gives a new revision its first share, then all traffic, or takes it back.

The stages, and what ends them, are those of ECS's canary deployments; their times are seconds here instead of minutes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
FIRST_SHARE = 5


@dataclass
class Pace:
    """How long a deployment stays in its stages, in seconds. May be changed while one is under way."""

    start: float = 0.0
    canary: float = 0.0
    bake: float = 0.0


class TakenBackError(Exception):
    """A deployment has to be rolled back; the message says why."""


@dataclass
class Deployment:
    """One deployment of one service."""

    arn: str
    service: str
    target: str
    source: str | None
    status: str = "PENDING"
    stage: str = "RECONCILE_SERVICE"
    share: float = 0.0
    reason: str = ""
    alarm: str | None = None
    rolled_back_to: str | None = None
    created: float = field(default_factory=time.time)

    @property
    def under_way(self) -> bool:
        return self.status in UNDER_WAY

    def brief(self) -> Json:
        """The deployment in a list."""
        return {
            "serviceDeploymentArn": self.arn, "serviceArn": self.service, "targetServiceRevisionArn": self.target,
            "createdAt": self.created, "startedAt": self.created, "status": self.status,
        }  # fmt: skip

    def read(self) -> Json:
        """The deployment as the API describes it."""
        sources = [{"arn": self.source, "requestedProductionTrafficWeight": 100 - self.share}] if self.source else []
        told: Json = self.brief() | {
            "lifecycleStage": self.stage,
            "targetServiceRevision": {"arn": self.target, "requestedProductionTrafficWeight": self.share},
            "sourceServiceRevisions": sources,
            "alarms": {"status": "TRIGGERED" if self.alarm else "MONITORING"},
        }
        if self.reason:
            told["statusReason"] = self.reason
        if self.alarm:
            told["alarms"] |= {"alarmNames": [self.alarm], "triggeredAlarmNames": [self.alarm]}
        if self.rolled_back_to:
            told["rollback"] = {"reason": self.reason, "serviceRevisionArn": self.rolled_back_to}
        return told


def run(
    deployment: Deployment,
    pace: Pace,
    lock: threading.RLock,
    start: Callable[[str], None],
    alarm: Callable[[], str | None],
) -> None:
    """Take a deployment through its stages, each as long as `pace` says, until it has ended.

    `start` brings a revision up; `alarm` tells the name of an alarm that has gone off.
    """
    try:
        _move(deployment, "IN_PROGRESS", "SCALE_UP", lock)
        _stay(deployment, "SCALE_UP", lambda: pace.start, lock, alarm)
        start(deployment.target)
        if deployment.source:
            _shift(deployment, FIRST_SHARE, lock)
            _stay(deployment, "PRODUCTION_TRAFFIC_SHIFT", lambda: pace.canary, lock, alarm)
        _shift(deployment, 100, lock)
        if deployment.source:
            _stay(deployment, "BAKE_TIME", lambda: pace.bake, lock, alarm)
        _move(deployment, "SUCCESSFUL", "CLEAN_UP", lock)
    except TakenBackError as failure:
        _take_back(deployment, str(failure), lock)


def _move(deployment: Deployment, status: str, stage: str, lock: threading.RLock) -> None:
    with lock:
        _ask(deployment)
        deployment.status, deployment.stage = status, stage


def _shift(deployment: Deployment, share: float, lock: threading.RLock) -> None:
    with lock:
        _ask(deployment)
        deployment.share = share


def _stay(deployment: Deployment, stage: str, seconds: Callable[[], float], lock: threading.RLock,
          alarm: Callable[[], str | None]) -> None:  # fmt: skip
    begun = time.monotonic()
    with lock:
        deployment.stage = stage
    while (stayed := time.monotonic() - begun) <= seconds():
        with lock:
            _ask(deployment)
            if name := alarm():
                deployment.alarm = name
                raise TakenBackError(f"alarm {name} went off")
        time.sleep(min(0.05, max(0.0, seconds() - stayed) + 0.01))


def _ask(deployment: Deployment) -> None:
    """Stop here where somebody has asked for it."""
    if deployment.status in ("ROLLBACK_REQUESTED", "STOP_REQUESTED"):
        raise TakenBackError(deployment.reason)


def _take_back(deployment: Deployment, reason: str, lock: threading.RLock) -> None:
    with lock:
        deployment.reason, deployment.share = reason, 0.0
        if deployment.status == "STOP_REQUESTED":
            deployment.status = "STOPPED"
        elif deployment.source is None:
            deployment.status = "ROLLBACK_FAILED"
        else:
            deployment.status, deployment.rolled_back_to = "ROLLBACK_IN_PROGRESS", deployment.source
    time.sleep(0.1)  # so that a rollback can be seen
    with lock:
        if deployment.status == "ROLLBACK_IN_PROGRESS":
            deployment.status = "ROLLBACK_SUCCESSFUL"
