"""What people and programs make on GitHub besides commits: pull requests, issues, labels, releases, deployments."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.delivery.github.tokens import Holder

if TYPE_CHECKING:
    from tests.delivery.github.repository import Repository
    from tests.delivery.github.runs import Run

Json = dict[str, Any]


class Work:
    """The records of one repository, in the shape in which the REST API shows them."""

    owner: str
    name: str
    url: str
    api: str
    private: bool
    owner_id: int
    repository_id: int
    main: Repository
    repositories: dict[str, Repository]

    def __init__(self) -> None:
        self.pulls: dict[int, Json] = {}
        self.issues: dict[int, Json] = {}  # pull requests are issues too
        self.comments: dict[int, Json] = {}
        self.labels: dict[str, Json] = {}
        self.releases: list[Json] = []
        self.immutable_releases = True  # a setting, for which organisations have a policy: nothing is attached later
        self.assets: dict[int, bytes] = {}
        self.deployments: list[Json] = []
        self.deployment_statuses: dict[int, list[Json]] = {}
        self.statuses: dict[str, list[Json]] = {}
        self.made_checks: list[Json] = []
        self.attestations: list[Json] = []
        self.runs: list[Run] = []
        self.recorded: set[str] = set()  # runs whose deployments are known
        self._ids = itertools.count(9001)

    @property
    def repository(self) -> str:
        return f"{self.owner}/{self.name}"

    def now(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def pull_event(self, pull: Json, action: str, holder: Holder, **more: Any) -> None:
        """Tell a pull request's news to whatever listens."""
        raise NotImplementedError

    def next_id(self) -> int:
        return next(self._ids)

    def user(self, holder: Holder) -> Json:
        if holder.kind == "person":
            return {"login": holder.actor, "type": "User"}
        return {"login": "github-actions[bot]" if holder.kind == "workflow" else holder.actor, "type": "Bot"}

    def repository_json(self, full_name: str = "") -> Json:
        """The repository, or a fork of it."""
        owner = full_name.partition("/")[0] or self.owner
        fork = owner != self.owner
        return {
            "id": self.repository_id + fork,
            "name": self.name,
            "full_name": f"{owner}/{self.name}",
            "private": self.private,
            "owner": {"login": owner, "id": self.owner_id + fork, "type": "User"},
            "fork": fork,
            "default_branch": "main",
            "visibility": "private" if self.private else "public",
            "html_url": f"{self.url}/{owner}/{self.name}",
        }

    def make_pull(self, head: str, base: str, title: str, body: str, holder: Holder, fork: str = "") -> Json:
        full_name = f"{fork or self.owner}/{self.name}"
        sha = self.repositories[full_name].refs()[f"refs/heads/{head}"]
        issue = self.make_issue(title, body, [], holder)
        pull = issue | {
            "head": {
                "ref": head,
                "sha": sha,
                "label": f"{fork or self.owner}:{head}",
                "repo": self.repository_json(full_name),
            },
            "base": {"ref": base, "sha": self.main.refs()[f"refs/heads/{base}"], "repo": self.repository_json()},
            "html_url": f"{self.url}/{self.repository}/pull/{issue['number']}",
            "draft": False,
            "merged": False,
            "merge_commit_sha": None,
            "author_association": "CONTRIBUTOR" if fork else "OWNER",
        }
        self.pulls[pull["number"]] = pull
        self.pull_event(pull, "opened", holder)
        return pull

    def make_issue(self, title: str, body: str, labels: list[str], holder: Holder) -> Json:
        number = 1 + len(self.issues)
        issue = {
            "number": number,
            "id": self.next_id(),
            "title": title,
            "body": body,
            "state": "open",
            "user": self.user(holder),
            "labels": [{"name": name} for name in labels],
            "html_url": f"{self.url}/{self.repository}/issues/{number}",
        }
        self.issues[number] = issue
        return issue

    def make_comment(self, issue: int, body: str, holder: Holder) -> Json:
        number = self.next_id()
        association = "OWNER" if holder.kind == "person" and holder.actor == self.owner else "NONE"
        entry = {
            "id": number,
            "issue": issue,
            "body": body,
            "user": self.user(holder),
            "author_association": association,
        }
        self.comments[number] = entry
        return entry

    def add_label(self, number: int, name: str, holder: Holder) -> None:
        labels = self.issues[number]["labels"]  # the same list as the pull request's
        if name in {label["name"] for label in labels}:
            return
        self.labels.setdefault(name, {"name": name})
        labels.append({"name": name})
        if number in self.pulls:
            self.pull_event(self.pulls[number], "labeled", holder, label={"name": name})

    def comments_on(self, number: int) -> list[str]:
        """The comments of an issue or pull request."""
        return [comment["body"] for comment in self.comments.values() if comment["issue"] == number]

    def changed_by(self, pull: Json) -> list[str]:
        start = self.main.git("merge-base", f"refs/heads/{pull['base']['ref']}", pull["head"]["sha"])
        return self.main.changed(start, pull["head"]["sha"])

    def make_deployment(self, told: Json, holder: Holder) -> Json:
        commit = self.main.commit(told["ref"]) or told["ref"]
        preset = {"environment": "production", "task": "deploy", "payload": {}, "description": ""}
        entry = {
            "id": self.next_id(),
            **preset,
            **told,
            "sha": commit,
            "creator": self.user(holder),
            "created_at": self.now(),
        }
        self.deployments.append(entry)
        return entry

    def record_deployments(self, run: Run) -> None:
        """A job with an environment leaves a deployment, unless it says `deployment: false`."""
        for job in run.jobs.values():
            if run.earlier.get(job.name, {}).get("result") == "success":
                continue  # an earlier attempt left it
            if job.environment and job.environment["deployment"] and job.steps:
                robot = Holder("workflow", "github-actions[bot]")
                entry = self.make_deployment({"ref": run.event.sha, "environment": job.environment["name"]}, robot)
                state = "success" if job.result == "success" else "failure"
                url = job.environment.get("url", "")
                self.deployment_statuses[entry["id"]] = [{"id": self.next_id(), "state": state, "environment_url": url}]

    def checks(self) -> list[Json]:
        """Check runs: one for each job of each run, and those made through the API."""
        jobs = [
            {
                "name": job.name,
                "head_sha": run.event.head_sha or run.event.sha,
                "status": "completed",
                "conclusion": job.result,
            }
            for run in self.runs
            for job in run.jobs.values()
        ]
        return jobs + self.made_checks
