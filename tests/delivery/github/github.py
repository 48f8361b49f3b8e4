"""GitHub as a test uses it: push, open, merge, label, dispatch, approve, and run what that starts."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.delivery.github import server, triggers
from tests.delivery.github.events import Events
from tests.delivery.github.repository import Repository
from tests.delivery.github.runs import ACTIONS, Environment, Event, Run
from tests.delivery.github.tokens import Holder, mint

PATIENCE = 1800  # seconds that run_all may take


class GitHub(Events):
    """One repository on a GitHub of its own; leave its `with` block to end what it started.

    `path` is the PATH of every step, `settings` the only variables that steps inherit; `parallel` is how many jobs of a
    run, and how many runs, go at once.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "flight-delays",
        owner: str = "acme",
        private: bool = True,
        path: str | None = None,
        settings: dict[str, str] | None = None,
        parallel: int = 2,
    ) -> None:
        super().__init__()
        self.folder, self.name, self.owner, self.private = folder, name, owner, private
        self.owner_id, self.repository_id = 1001, 2002
        self.path, self.settings, self.parallel = path or os.environ["PATH"], settings or {}, parallel
        self.vars: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.environments: dict[str, Environment] = {}
        self.has_environments = True  # a private repository on GitHub Free has none
        self.protected: dict[str, list[str]] = {}
        self.workflows_may_open_pull_requests = True
        self.dies_after: tuple[str, str] | None = None  # job, pattern of a step: the next runner is killed after it
        self.grace = 300  # seconds that GitHub leaves to the steps of a job that was cancelled or took too long
        self.calls: list[tuple[str, str, int]] = []  # of the REST API: method, path, status
        self.lock = threading.RLock()
        self.person = Holder("person", owner)
        self.main = Repository(folder / f"{owner}/{name}.git")
        self.main.create()
        self.repositories = {self.repository: self.main}
        self._server = server.Server(self)
        self.url, self.api = self._server.url, self._server.url + server.API

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the runs that still go, and the server."""
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL):
            going = [run.process for run in self.runs if run.process is not None and run.process.poll() is None]
            for process in going:
                process.send_signal(number)
            for process in going:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(30)
        self._server.close()

    @property
    def clone_url(self) -> str:
        """Where the owner of the repository pushes to and clones from."""
        return self.url_for(self.person)

    def url_for(self, holder: Holder, repository: str = "") -> str:
        return f"{self.url.replace('//', f'//{holder.actor}:{mint(holder)}@')}/{repository or self.repository}"

    def token(self, **permissions: str) -> str:
        """A token as a job has it: `token(contents="read")`; scopes with a hyphen are written with an underscore."""
        return mint(
            Holder("workflow", "github-actions[bot]", {name.replace("_", "-"): v for name, v in permissions.items()})
        )

    # What people do

    def push(self, folder: Path, branch: str = "main", force: bool = False, holder: Holder | None = None) -> None:
        """Push the commit that a folder is at to a branch, as a person does."""
        more = ["--force"] if force else []
        self._git(folder, "push", "--quiet", *more, self.url_for(holder or self.person), f"HEAD:refs/heads/{branch}")

    def push_to_fork(self, folder: Path, branch: str, stranger: str = "mallory") -> None:
        """Push to a stranger's fork, which is made when it is not there."""
        fork = f"{stranger}/{self.name}"
        if fork not in self.repositories:
            copy = Repository(self.folder / f"{fork}.git")
            copy.create()
            copy.git("fetch", "--quiet", str(self.main.folder), "+refs/heads/*:refs/heads/*")
            self.repositories[fork] = copy
        self._git(
            folder,
            "push",
            "--quiet",
            "--force",
            self.url_for(Holder("person", stranger), fork),
            f"HEAD:refs/heads/{branch}",
        )

    def open_pull_request(
        self, head: str, title: str = "A change", base: str = "main", body: str = "", fork: str = ""
    ) -> int:
        """Open a pull request, from a stranger's fork when one is named; return its number."""
        with self.lock:
            holder = Holder("person", fork) if fork else self.person
            return int(self.make_pull(head, base, title, body, holder, fork)["number"])

    def merge(self, number: int) -> str:
        """Merge a pull request as its owner does; return the merge commit."""
        with self.lock:
            return self.merge_as(number, self.person)

    def label(self, number: int, name: str) -> None:
        with self.lock:
            self.add_label(number, name, self.person)

    def dispatch(self, workflow: str, inputs: dict[str, Any] | None = None, ref: str = "main") -> Run:
        """Start a workflow by hand."""
        with self.lock:
            self.start_dispatch(file_of(workflow), ref, inputs or {}, self.person)
            return self.runs[-1]

    def tick(self, workflow: str) -> Run:
        """Let the schedule of a workflow come round."""
        with self.lock:
            file = file_of(workflow)
            text = self.main.workflows("main")[file]
            assert "schedule" in triggers.events_of(text), f"{workflow} has no schedule"
            sha = self.main.refs()["refs/heads/main"]
            return self.queue(
                file, text, Event("schedule", "refs/heads/main", sha, self.payload(self.person), self.owner)
            )

    def approve(self, run: Run, environment: str | None = None) -> None:
        self._decide(run, environment, "approved")

    def reject(self, run: Run, environment: str | None = None) -> None:
        self._decide(run, environment, "rejected")

    def cancel(self, run: Run) -> None:
        """Cancel a run: its steps with always() still go."""
        if run.process is None:
            run.cancelled = True
        run.signal(signal.SIGTERM)

    def rerun_failed(self, run: Run) -> None:
        """Let a run's failed jobs go again, with what comes after them: the button `Re-run failed jobs`."""
        assert run.conclusion == "failure", f"run {run.id} is {run.conclusion or run.status}"
        with self.lock:
            self.recorded.discard(run.id)
            run.again()

    def _decide(self, run: Run, environment: str | None, decision: str) -> None:
        name = environment or run.approvals[0]
        assert name in run.approvals, f"run {run.id} does not wait for {name}"
        new = run.folder / f"decisions/.{name}"
        new.write_text(decision)
        new.rename(run.folder / f"decisions/{name}")
        self._until(lambda: name not in run.approvals)

    # Runs

    def run_all(self, patience: float = PATIENCE) -> list[Run]:
        """Run what is queued, and what that starts, until nothing goes on; return the runs that this started.

        Runs that wait for an approval are left waiting.
        """
        known = {run.id for run in self.runs if run.process is not None}
        end = time.monotonic() + patience
        while True:
            with self.lock:
                self._record_ended()
                going = [run for run in self.runs if run.process is not None and run.status == "running"]
                active = [run for run in going if not self._blocked(run)]
                queued = [run for run in self.runs if run.status == "queued"]
            if queued and len(active) < self.parallel:
                self._start(queued[0])
            elif not active and not queued:
                return [run for run in self.runs if run.process is not None and run.id not in known]
            assert time.monotonic() < end, (
                f"still going after {patience} s: {[(run.workflow, run.waits) for run in going]}"
            )
            time.sleep(0.05)

    def last(self, workflow: str) -> Run:
        """The newest run of a workflow."""
        return [run for run in self.runs if run.file == file_of(workflow)][-1]

    def run(self, number: str) -> Run:
        return next(run for run in self.runs if run.id == str(number))

    def _start(self, run: Run) -> None:
        token = {
            "default": {"contents": "read", "packages": "read"},
            "maximum": "write" if run.event.trusted else "read",
        }
        dies = dict(zip(("job", "step"), self.dies_after or (), strict=False))
        run.start(
            {
                "actions": [str(ACTIONS)],
                "path": self.path,
                "pass": self.settings,
                "token": token,
                "parallel": self.parallel,
                "artifacts": str(self.folder / "artifacts"),
                "concurrency": str(self.folder / "concurrency"),
                "vars": self.vars,
                "dies_after": dies or None,
                "grace": self.grace,
                "secrets": self.secrets if run.event.trusted else {},
                "environments": {name: environment.as_input() for name, environment in self.environments.items()},
                "github": {
                    "repository": self.repository,
                    "repository_id": str(self.repository_id),
                    "server_url": self.url,
                    "repository_owner_id": str(self.owner_id),
                    "api_url": self.api,
                },
            }
        )
        started = run.folder / "state.json"
        self._until(
            lambda: started.exists() or run.status == "completed"
        )  # its turn in a group is taken: order is kept

    def _blocked(self, run: Run) -> bool:
        """Whether all that a run waits for is someone else's approval."""
        holders = [wait["holder"] for wait in run.waits if "holder" in wait]
        return bool(holders) and all(self.run(holder).status == "waiting" for holder in holders)

    def _record_ended(self) -> None:
        for run in self.runs:
            if run.status == "completed" and run.id not in self.recorded:
                self.recorded.add(run.id)
                self.record_deployments(run)

    def _until(self, done: Any, patience: float = 120) -> None:
        end = time.monotonic() + patience
        while not done():
            assert time.monotonic() < end, "nothing happened"
            time.sleep(0.02)

    def _git(self, folder: Path, *arguments: str) -> None:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
        )
        assert done.returncode == 0, done.stderr


def file_of(workflow: str) -> str:
    """The file of a workflow: cd.yml for `cd`."""
    return f"{workflow.removesuffix('.yml')}.yml"
