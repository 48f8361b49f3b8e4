"""Runs: what starts one, what it becomes, and the process of tests/delivery/workflows/run.mjs that does its work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
RUNNER = ROOT / "tests/delivery/workflows/run.mjs"
ACTIONS = ROOT / "tests/delivery/workflows/actions"


@dataclass
class Environment:
    """A GitHub environment: its own secrets and variables, who must agree, and from which branches it may be used."""

    secrets: dict[str, str] = field(default_factory=dict)
    vars: dict[str, str] = field(default_factory=dict)
    reviewers: bool = False
    branches: list[str] = field(default_factory=list)

    def as_input(self) -> dict[str, Any]:
        rules: dict[str, Any] = {"branches": self.branches} if self.branches else {}
        return {"secrets": self.secrets, "vars": self.vars, "reviewers": self.reviewers, **rules}


@dataclass(frozen=True)
class Step:
    """One step of a job that ran."""

    number: int
    name: str
    conclusion: str
    log: str


@dataclass(frozen=True)
class Job:
    """One job of a run that ended."""

    name: str
    result: str
    reason: str
    outputs: dict[str, str]
    steps: list[Step]
    summary: str
    seconds: float
    environment: dict[str, Any] | None

    @property
    def log(self) -> str:
        """What all its steps printed."""
        return "".join(step.log for step in self.steps)

    def step(self, name: str) -> Step:
        """The first step whose name holds a text."""
        return next(step for step in self.steps if name in step.name)


@dataclass
class Event:
    """Why a run starts, and with which rights."""

    name: str
    ref: str
    sha: str
    payload: dict[str, Any]
    actor: str
    inputs: dict[str, Any] = field(default_factory=dict)
    head_ref: str = ""
    base_ref: str = ""
    head_sha: str = ""
    trusted: bool = True  # not a pull request from a fork


@dataclass
class Run:
    """One run of one workflow."""

    id: str
    number: int
    file: str
    text: str
    event: Event
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    cancelled: bool = False
    attempt: int = 1
    earlier: dict[str, Any] = field(default_factory=dict)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _result: dict[str, Any] | None = None

    @property
    def workflow(self) -> str:
        """The workflow by the name of its file: `cd` for cd.yml."""
        return self.file.removesuffix(".yml")

    @property
    def status(self) -> str:
        """`queued`, `running`, `waiting` (for someone's approval) or `completed`."""
        if (self.cancelled and self.process is None) or self.result is not None:
            return "completed"
        if self.process is None:
            return "queued"
        return "waiting" if self.approvals else "running"

    @property
    def result(self) -> dict[str, Any] | None:
        """What the runner wrote at the end; a runner that was killed leaves a failure."""
        if self._result is None and self.process is not None and self.process.poll() is not None:
            path = self.folder / "result.json"
            ended = self.folder / "jobs.json"
            jobs = json.loads(ended.read_text()) if ended.exists() else {}
            killed = {"conclusion": "failure", "reason": "the runner was killed", "jobs": jobs}
            self._result = json.loads(path.read_text()) if path.exists() else killed
        return self._result

    @property
    def conclusion(self) -> str | None:
        if self.result is not None:
            return str(self.result["conclusion"])
        return "cancelled" if self.status == "completed" else None

    @property
    def reason(self) -> str:
        return str((self.result or {}).get("reason") or "")

    @property
    def waits(self) -> list[dict[str, str]]:
        """What a running run waits for: approvals and turns."""
        path = self.folder / "state.json"
        return list(json.loads(path.read_text())["waiting"]) if path.exists() else []

    @property
    def going(self) -> list[str]:
        """The jobs that have begun and not ended; those that wait for an approval or a turn are among them."""
        path = self.folder / "state.json"
        return list(json.loads(path.read_text())["going"]) if path.exists() and self.result is None else []

    @property
    def ended(self) -> dict[str, Job]:
        """The jobs that have ended, also while others go."""
        path = self.folder / "jobs.json"
        return {name: _job(name, job) for name, job in (json.loads(path.read_text()) if path.exists() else {}).items()}

    @property
    def approvals(self) -> list[str]:
        """The environments that someone must decide about."""
        return [wait["approval"] for wait in self.waits if "approval" in wait]

    @property
    def jobs(self) -> dict[str, Job]:
        return {name: _job(name, job) for name, job in (self.result or {"jobs": {}})["jobs"].items()}

    @property
    def results(self) -> dict[str, str]:
        """The result of each job."""
        return {name: job.result for name, job in self.jobs.items()}

    @property
    def summary(self) -> str:
        """What the jobs wrote for people."""
        return "".join(job.summary for job in self.jobs.values())

    @property
    def seconds(self) -> float:
        result = self.result or {}
        return float(result.get("finished", 0) - result.get("started", 0)) / 1000

    @property
    def log(self) -> str:
        """Everything that was printed, step by step: what to show when a test fails."""
        steps = [(job.name, step) for job in self.jobs.values() for step in job.steps]
        told = [f"== {job} / {step.number} {step.name}: {step.conclusion}\n{step.log}" for job, step in steps]
        refused = [f"== {job.name}: {job.result}: {job.reason}\n" for job in self.jobs.values() if job.reason]
        return "".join([*told, *refused, self.reason])

    def again(self) -> None:
        """Be queued once more, for what failed and what comes after it."""
        self.earlier = (self.result or {"jobs": {}})["jobs"]
        self.attempt += 1
        self.folder = self.folder.parent / f"{self.id}-{self.workflow}-{self.attempt}"
        self.process, self._result = None, None

    def start(self, settings: dict[str, Any]) -> None:
        """Start the runner; `settings` is the rest of its input."""
        self.folder.mkdir(parents=True)
        (self.folder / self.file).write_text(self.text)
        told = {
            **settings,
            "workflow": str(self.folder / self.file),
            "workflow_path": f".github/workflows/{self.file}",
            "folder": str(self.folder),
            "inputs": self.event.inputs,
            "earlier": self.earlier,
            "github": settings["github"] | self._context(),
        }
        (self.folder / "input.json").write_text(json.dumps(told))
        with (self.folder / "runner.log").open("wb") as log:
            self.process = subprocess.Popen(
                ["node", str(RUNNER), str(self.folder / "input.json")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "NO_COLOR": "1"},
            )

    def _context(self) -> dict[str, Any]:
        event = self.event
        return {
            "run_id": self.id,
            "run_number": str(self.number),
            "run_attempt": str(self.attempt),
            "event_name": event.name,
            "event": event.payload,
            "ref": event.ref,
            "sha": event.sha,
            "actor": event.actor,
            "head_ref": event.head_ref,
            "base_ref": event.base_ref,
        }

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the runner, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def as_json(self) -> dict[str, Any]:
        """As the REST API shows it."""
        states = {"running": "in_progress"}
        return {
            "id": int(self.id),
            "run_number": self.number,
            "run_attempt": self.attempt,
            "path": f".github/workflows/{self.file}",
            "name": self.workflow,
            "event": self.event.name,
            "head_branch": self.event.head_ref or self.event.ref.removeprefix("refs/heads/"),
            "head_sha": self.event.head_sha or self.event.sha,
            "status": states.get(self.status, self.status),
            "conclusion": self.conclusion,
            "created_at": f"{self.created:%Y-%m-%dT%H:%M:%SZ}",
            "run_started_at": f"{self.created:%Y-%m-%dT%H:%M:%SZ}",
            "html_url": f"https://github.com/runs/{self.id}",
        }


def _job(name: str, told: dict[str, Any]) -> Job:
    steps = [Step(step["number"], step["name"], step["conclusion"], _read(step["log"])) for step in told["steps"]]
    seconds = (told.get("finished", 0) - told.get("started", 0)) / 1000
    return Job(
        name,
        told["result"],
        told.get("reason") or "",
        told["outputs"],
        steps,
        told["summary"],
        seconds,
        told.get("environment"),
    )


def _read(path: str | None) -> str:
    return Path(path).read_text(errors="replace") if path else ""
