"""A project on a GitHub of its own, with the cloud that it is shipped to, all on loopback."""

from __future__ import annotations

import json
import os
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from unittest import mock

import fsspec
from cd4ml.prediction_log.read import read

from tests.delivery.github import Environment, GitHub, Run
from tests.delivery.world import (
    keep_at,
    missing,
    no_known_vulnerability,
    open_registry,
    path,
    report,
    settings,
)
from tests.project.baked import Project

Need = Callable[[str, object, str], None]

KEY = "a-key-of-the-service"
IDENTITIES = {"reader": "reader", "trainer": "trainer", "staging": "deployer", "production": "deployer"}


class Cloud(Protocol):
    """A cloud in which a project was set up, as its workflows find it."""

    @property
    def remote(self) -> dict[str, str]:
        """The DVC remote: its url, and how it is reached."""

    @property
    def storage(self) -> dict[str, str]:
        """The variables with which somebody at a desk finds that remote."""

    @property
    def log(self) -> str:
        """Where the predictions of its services go, without the environment."""

    @property
    def settings(self) -> dict[str, str]:
        """What every step of a workflow inherits, besides what GitHub gives it."""

    @property
    def variables(self) -> dict[str, str]:
        """The repository's variables."""

    @property
    def tools(self) -> list[str]:
        """Folders of its command line, where that is not on the PATH."""

    def keys(self, github: GitHub) -> None:
        """Give each environment of GitHub's the key of its own identity."""

    def trust(self, github: GitHub) -> None:
        """Let each environment sign in as its own identity by what GitHub says of it, without a key."""

    def ask(self, path: str, body: Any = None) -> Any:
        """Ask production, as a client does that has a key."""


C = TypeVar("C", bound=Cloud)
SetUp = Callable[[Need, Path, str], AbstractContextManager[C]]  # a folder of its own, and the registry's address


@dataclass(frozen=True)
class Delivery(Generic[C]):
    """A project on its GitHub, with the cloud that it is shipped to."""

    project: Project
    github: GitHub
    cloud: C

    def answers(self) -> dict[str, Any]:
        """What production answers to the example in its own documentation; it must."""
        document = self.cloud.ask("/openapi.json")
        example = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
        told: dict[str, Any] = self.cloud.ask("/predict", example)
        return told

    def change(self, branch: str, file: str, old: str, new: str, title: str) -> int:
        """Propose a change of a file, on top of main; return the pull request's number."""
        self.project.run("git", "fetch", "--quiet", self.github.clone_url, "main")
        self.project.run("git", "checkout", "--quiet", "-B", branch, "FETCH_HEAD")
        self.project.replace(file, old, new)
        self.project.commit(title)
        self.github.push(self.project.folder, branch)
        return self.github.open_pull_request(branch, title)

    def release(self, number: int) -> Run:
        """Merge a pull request, and approve what cd has brought to staging; return cd's run."""
        self.github.merge(number)
        self.github.run_all()
        run = self.github.last("cd")
        self.approve(run)
        return run

    def train(self, message: str) -> None:
        """Train and judge here, and commit that with its objects in the bucket, as a data scientist does."""
        for verb in ("train", "gate", "push"):
            self.project.make(verb, settings=self.cloud.storage)
        self.project.commit(message)

    def ship(self) -> Run:
        """Let cd take what main names as far as it goes, and approve it if it asks."""
        return self.follow(self.github.dispatch("cd"))

    def follow(self, run: Run) -> Run:
        """Let a run go as far as it does, and approve it if it asks; return it."""
        self.github.run_all()
        if run.approvals:
            self.approve(run)
        return run

    def approve(self, run: Run) -> None:
        """Approve a run that asks for it, and let it go on to its end."""
        assert run.approvals == ["approval"], report(run)
        self.github.approve(run)
        self.github.run_all()

    def recorded(self, environment: str) -> list[dict[str, Any]]:
        """What the prediction log of an environment's services has in the cloud's bucket by now."""
        fsspec.get_filesystem_class(self.cloud.log.partition("://")[0]).clear_instance_cache()
        today = datetime.now(UTC).date()
        with mock.patch.dict(os.environ, self.cloud.storage):
            table = read(f"{self.cloud.log}/{environment}", today - timedelta(days=1), today)
        return list(table.to_pylist())

    @property
    def live(self) -> str:
        """The commit that the log on `production` says is live."""
        commit: str = json.loads(self.github.main.file("production", "release.json"))["commit"]
        return commit


@contextmanager
def delivered(
    project: Project,
    need: Need,
    folder: Path,
    set_up: SetUp[C],
    credentials: str = "service-account",
    *,
    newly_installed: bool = False,
) -> Iterator[Delivery[C]]:
    """Give a committed project all that its workflows ask for, until the block ends.

    Its jobs share environments, unless everything is to be `newly_installed` in each. Without `credentials` GitHub is
    told nothing of how its jobs sign in.
    """
    need("registry", not missing(), f"{missing()} is not installed")
    with (
        open_registry(folder / "registry") as registry,
        no_known_vulnerability() as osv,
        set_up(need, folder / "cloud", registry) as cloud,
    ):
        keep_at(project, **cloud.remote)
        project.commit("keep objects in the bucket")
        world = settings(AUDIT_URL=osv, **({"CANARY_PAUSE": "0"} | cloud.settings))
        with GitHub(
            folder / "github", path=":".join([*cloud.tools, path(newly_installed)]), settings=world, parallel=1
        ) as github:
            environments(github)
            if credentials == "oidc":
                cloud.trust(github)
            elif credentials:
                cloud.keys(github)
            github.vars |= cloud.variables | {"CANARY_SECONDS": "1", "CONTAINER_REGISTRY": registry}
            yield Delivery(project, github, cloud)


def environments(github: GitHub) -> None:
    """Make the environments as the docs have them, and give those that ask the service its key."""
    for name, identity in IDENTITIES.items():
        secrets = {"SERVICE_API_KEYS": KEY} if identity == "deployer" else {}
        github.environments[name] = Environment(secrets=secrets, branches=["main"] if name == "production" else [])
    github.environments["approval"] = Environment(reviewers=True, branches=["main"])


def ask(
    url: str, body: Any = None, trusted: ssl.SSLContext | None = None, headers: dict[str, str] | None = None
) -> Any:
    """Ask a service with the key, for JSON."""
    told = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), told)
    with urllib.request.urlopen(request, timeout=60, context=trusted) as reply:
        return json.load(reply)
