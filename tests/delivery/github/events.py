"""What happens on GitHub: which runs start when refs move, pull requests change, or someone dispatches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.delivery.github import triggers
from tests.delivery.github.repository import NOBODY, Repository
from tests.delivery.github.runs import Event, Run
from tests.delivery.github.tokens import Holder
from tests.delivery.github.work import Work


class Events(Work):
    """The events of one repository, and the queue of runs that they fill."""

    folder: Path

    def received(self, repository: Repository, before: dict[str, str], after: dict[str, str], holder: Holder) -> None:
        """Refs moved: tell the pull requests, and start what listens, unless a job's own token did it."""
        for ref in sorted(set(before) | set(after)):
            old, new = before.get(ref, NOBODY), after.get(ref, NOBODY)
            if old == new:
                continue
            self._follow(repository, ref, new, holder)
            if repository is self.main and holder.starts_runs and new != NOBODY:
                self._pushed(ref, old, new, holder)

    def _pushed(self, ref: str, old: str, new: str, holder: Holder) -> None:
        message = self.main.git("log", "-1", "--format=%B", new)
        payload = self.payload(holder) | {
            "ref": ref,
            "before": old,
            "after": new,
            "created": old == NOBODY,
            "deleted": False,
            "forced": old != NOBODY and not self.main.contains(new, old),
            "head_commit": {"id": new, "message": message},
        }
        for name, text in self.main.workflows(new).items():
            if triggers.push_starts(text, ref, self.main.changed(old, new), message):
                self.queue(name, text, Event("push", ref, new, payload, holder.actor))

    def _follow(self, repository: Repository, ref: str, new: str, holder: Holder) -> None:
        """A pull request's branch has new commits."""
        full_name = next(name for name, known in self.repositories.items() if known is repository)
        for pull in self.pulls.values():
            head = pull["head"]
            same = head["repo"]["full_name"] == full_name and ref == f"refs/heads/{head['ref']}"
            if pull["state"] == "open" and same and new != NOBODY:
                head["sha"] = new
                self.pull_event(pull, "synchronize", holder)

    def pull_event(self, pull: dict[str, Any], action: str, holder: Holder, **more: Any) -> None:
        """Start what listens to a pull request; nothing when it conflicts, or a job's own token did it."""
        number, base = pull["number"], pull["base"]["ref"]
        source = self.repositories[pull["head"]["repo"]["full_name"]]
        fork = source is not self.main
        self.main.git("fetch", "--quiet", str(source.folder), f"+{pull['head']['sha']}:refs/pull/{number}/head")
        pull["base"]["sha"] = self.main.refs()[f"refs/heads/{base}"]
        merged = self.main.merge(
            pull["base"]["sha"], pull["head"]["sha"], f"Merge {pull['head']['sha']} into {pull['base']['sha']}"
        )
        pull["mergeable"] = merged is not None
        if merged is None or action == "closed":
            return
        self.main.set(f"refs/pull/{number}/merge", merged)
        if not holder.starts_runs:
            return
        message = self.main.git("log", "-1", "--format=%B", pull["head"]["sha"])
        payload = self.payload(holder) | {"action": action, "number": number, "pull_request": pull, **more}
        changed = self.main.changed(
            self.main.git("merge-base", pull["base"]["sha"], merged + "^2"), pull["head"]["sha"]
        )
        for name, text in self.main.workflows(merged).items():
            if triggers.pull_request_starts(text, action, base, changed, message):
                event = Event(
                    "pull_request",
                    f"refs/pull/{number}/merge",
                    merged,
                    payload,
                    holder.actor,
                    head_ref=pull["head"]["ref"],
                    base_ref=base,
                    head_sha=pull["head"]["sha"],
                    trusted=not fork,
                )
                self.queue(name, text, event)

    def start_dispatch(self, workflow: str, ref: str, inputs: dict[str, Any], holder: Holder) -> None:
        """Queue a workflow_dispatch; a job's own token may do that too.

        Raises:
            LookupError: there is no such workflow or branch.
            RefusedError: the inputs do not fit.
        """
        sha = self.main.commit(f"refs/heads/{ref}")
        if sha is None or workflow not in self.main.workflows("main"):
            raise LookupError(workflow)
        text = self.main.workflows(sha)[workflow]
        payload = self.payload(holder) | {
            "inputs": inputs,
            "ref": f"refs/heads/{ref}",
            "workflow": f".github/workflows/{workflow}",
        }
        event = Event(
            "workflow_dispatch", f"refs/heads/{ref}", sha, payload, holder.actor, triggers.dispatch_inputs(text, inputs)
        )
        self.queue(workflow, text, event)

    def start_repository_dispatch(self, kind: str, client_payload: dict[str, Any], holder: Holder) -> None:
        sha = self.main.refs()["refs/heads/main"]
        payload = self.payload(holder) | {"action": kind, "client_payload": client_payload}
        for name, text in self.main.workflows(sha).items():
            if triggers.repository_dispatch_starts(text, kind):
                self.queue(name, text, Event("repository_dispatch", "refs/heads/main", sha, payload, holder.actor))

    def move(self, ref: str, commit: str | None, holder: Holder) -> None:
        """Move a ref through the API, with what follows from that."""
        before = self.main.refs()
        self.main.set(ref, commit)
        self.received(self.main, before, self.main.refs(), holder)

    def merge_as(self, number: int, holder: Holder) -> str:
        pull = self.pulls[number]
        base = pull["base"]["ref"]
        onto = self.main.refs()[f"refs/heads/{base}"]
        merged = self.main.merge(onto, pull["head"]["sha"], f"Merge pull request #{number}\n\n{pull['title']}")
        if merged is None or pull["state"] != "open":
            raise ValueError(f"#{number} conflicts with {base}, or is closed")
        pull.update(state="closed", merged=True, merge_commit_sha=merged)
        self.move(f"refs/heads/{base}", merged, holder)
        return merged

    def payload(self, holder: Holder) -> dict[str, Any]:
        return {"repository": self.repository_json(), "sender": self.user(holder)}

    def queue(self, file: str, text: str, event: Event) -> Run:
        number = 1 + sum(run.file == file for run in self.runs)
        identity = str(7001 + len(self.runs))
        run = Run(identity, number, file, text, event, self.folder / f"runs/{identity}-{file.removesuffix('.yml')}")
        self.runs.append(run)
        return run
