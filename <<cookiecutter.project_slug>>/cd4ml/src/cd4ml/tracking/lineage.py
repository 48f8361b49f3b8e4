"""The lineage of a run: its commit, whether files differ from that commit, and the user or workflow that made it."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from cd4ml.files.git import run_git


@dataclass(frozen=True)
class Lineage:
    """The commit, repository, user and workflow of a run."""

    commit: str | None
    dirty: bool
    """Whether files differ from the commit's, as they do right after a training."""
    repository: str | None
    user: str
    workflow: str | None
    """The address of the workflow's run on GitHub; None if a person made the run."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return the lineage of this folder, from git and the environment."""
        commit = _git("rev-parse", "--verify", "--quiet", "HEAD")
        return cls(
            commit=commit or None,
            dirty=commit is not None and is_dirty(),
            repository=_without_user(_git("config", "--get", "remote.origin.url")),
            user=environment.get("GITHUB_ACTOR") or _user_name(),
            workflow=_workflow(environment),
        )

    def tags(self) -> dict[str, str]:
        """Return the lineage as tags of an MLflow run, under MLflow's own names if it has one, for its pages."""
        tags = {
            "git.commit": self.commit,
            "git.dirty": str(self.dirty).lower(),
            "workflow": self.workflow,
            "mlflow.user": self.user,
            "mlflow.source.name": self.workflow or "make track",
            "mlflow.source.type": "JOB" if self.workflow else "LOCAL",
            "mlflow.source.git.commit": self.commit,
            "mlflow.source.git.repoURL": self.repository,
        }
        return {name: value for name, value in tags.items() if value}


def is_dirty() -> bool:
    """Return whether a file in git differs from the last commit, or a file is neither in git nor ignored."""
    return _git("status", "--porcelain") != ""


def _git(*arguments: str) -> str | None:
    """Return git's output; None if it fails, or is not installed."""
    try:
        done = run_git(*arguments)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _without_user(url: str | None) -> str | None:
    """Return the address of a git remote without user and password."""
    if not url or "://" not in url:
        return url or None
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


def _workflow(environment: Mapping[str, str]) -> str | None:
    if environment.get("GITHUB_ACTIONS") != "true":
        return None
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    return f"{server}/{environment.get('GITHUB_REPOSITORY')}/actions/runs/{environment.get('GITHUB_RUN_ID')}"
