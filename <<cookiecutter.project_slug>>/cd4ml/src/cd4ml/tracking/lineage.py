"""Where a run comes from: the commit, whether it holds this state, and who or which workflow it was."""

import getpass
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Lineage:
    """What is known of a run besides its files."""

    commit: str | None
    dirty: bool
    """Whether files differ from the commit's, as they do right after a training."""
    repository: str | None
    by: str
    workflow: str | None
    """The address of the workflow's run on GitHub; None: a person's."""

    @classmethod
    def here(cls, environment: Mapping[str, str]) -> Self:
        """Return the lineage of this folder, as git and the environment have it."""
        commit = _git("rev-parse", "--verify", "--quiet", "HEAD")
        return cls(
            commit=commit or None,
            dirty=commit is not None and is_dirty(),
            repository=_without_user(_git("config", "--get", "remote.origin.url")),
            by=environment.get("GITHUB_ACTOR") or _user(),
            workflow=_workflow(environment),
        )

    def tags(self) -> dict[str, str]:
        """Return the lineage as tags, MLflow's own where it has one, so that its pages show them."""
        tags = {
            "git.commit": self.commit,
            "git.dirty": str(self.dirty).lower(),
            "workflow": self.workflow,
            "mlflow.user": self.by,
            "mlflow.source.name": self.workflow or "make track",
            "mlflow.source.type": "JOB" if self.workflow else "LOCAL",
            "mlflow.source.git.commit": self.commit,
            "mlflow.source.git.repoURL": self.repository,
        }
        return {name: value for name, value in tags.items() if value}


def is_dirty() -> bool:
    """Return whether a file in git differs from the last commit, or one is not in git and not ignored."""
    return _git("status", "--porcelain") != ""


def _git(*words: str) -> str | None:
    """Return what git says; None where it fails, or is not here."""
    try:
        done = subprocess.run(["git", *words], capture_output=True, check=False, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _without_user(url: str | None) -> str | None:
    """Return a remote's address without user and password."""
    if not url or "://" not in url:
        return url or None
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


def _workflow(environment: Mapping[str, str]) -> str | None:
    if environment.get("GITHUB_ACTIONS") != "true":
        return None
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    return f"{server}/{environment.get('GITHUB_REPOSITORY')}/actions/runs/{environment.get('GITHUB_RUN_ID')}"
