"""What of GitHub's settings can be seen from here: whether a secret is set, never what it holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cd4ml.delivery.github import GitHub
from cd4ml.delivery.required_settings import ENVIRONMENTS, REPOSITORY, Need

THERE, MISSING, WRONG, UNSEEN = "there", "missing", "wrong", "not seen"
_SECRETS, _VARIABLES = 100, 30  # entries a page, the most that GitHub gives


class Sight(Protocol):
    """One who sees settings."""

    def of(self, need: Need, place: str) -> str:
        """Return whether a need is there in a place, missing, wrong and why, or not seen."""
        ...


@dataclass(frozen=True)
class FromNowhere:
    """Without a token nothing is seen."""

    def of(self, need: Need, place: str) -> str:
        """Return that it is not seen."""
        return UNSEEN


@dataclass(frozen=True)
class FromWorkflow:
    """A step is told by `SET_NAME=true` or `false` whether NAME is set, and may be given variables themselves."""

    environment: Mapping[str, str]

    def of(self, need: Need, place: str) -> str:
        """Return whether the step's own environment says that it is there."""
        told = self.environment.get(f"SET_{need.name}")
        if told is None:
            return UNSEEN
        value = self.environment.get(need.name, "") if need.kind == "variable" else ""
        return _shaped(need, value) if value else (THERE if told == "true" else MISSING)


@dataclass(frozen=True)
class FromOwner:
    """The repository's owner sees what is set in each place: an environment, or the repository."""

    secrets: Mapping[str, set[str]]
    variables: Mapping[str, Mapping[str, str]]
    environments: Mapping[str, Any]
    """Those that there are, as GitHub describes them."""

    @classmethod
    def of_repository(cls, github: GitHub) -> "FromOwner":
        """Ask GitHub.

        Raises:
            GitHubError: it refuses, as it does to all but the owner.
        """
        there = {one["name"]: one for one in _entries(github, "environments", "environments", _SECRETS)}
        secrets, variables = {REPOSITORY: _names(github, "actions")}, {REPOSITORY: _values(github, "actions")}
        for name in ENVIRONMENTS:
            secrets[name] = _names(github, f"environments/{name}") if name in there else set()
            variables[name] = _values(github, f"environments/{name}") if name in there else {}
        return cls(secrets, variables, there)

    def of(self, need: Need, place: str) -> str:
        """Return what GitHub says of it."""
        everywhere = self.secrets[REPOSITORY] if need.kind == "secret" else self.variables[REPOSITORY]
        if need.apart and need.name in everywhere:
            return f"{WRONG}: every job can read the repository's own; remove that one"
        if need.kind == "secret":
            return THERE if need.name in self.secrets[place] | self.secrets[REPOSITORY] else MISSING
        value = self.variables[place].get(need.name) or self.variables[REPOSITORY].get(need.name)
        return _shaped(need, value) if value else MISSING

    def variable(self, name: str) -> str:
        """Return a variable of the repository; empty where it is not set."""
        return self.variables[REPOSITORY].get(name, "")


def _shaped(need: Need, value: str) -> str:
    return THERE if need.shape.fullmatch(value) else f"{WRONG}: no {need.name} looks like this"


def _names(github: GitHub, place: str) -> set[str]:
    return {one["name"] for one in _entries(github, f"{place}/secrets", "secrets", _SECRETS)}


def _values(github: GitHub, place: str) -> dict[str, str]:
    return {one["name"]: one["value"] for one in _entries(github, f"{place}/variables", "variables", _VARIABLES)}


def _entries(github: GitHub, path: str, key: str, size: int) -> Iterator[dict[str, Any]]:
    for page in range(1, 21):
        entries = github.get(path, per_page=size, page=page).get(key, [])
        yield from entries
        if len(entries) < size:
            return
