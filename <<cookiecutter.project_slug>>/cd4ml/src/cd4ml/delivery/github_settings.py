"""Find out which secrets and variables are set on GitHub, as far as this process can see; never a secret's value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.delivery.required_settings import ENVIRONMENTS, REPOSITORY, RequiredSetting

PRESENT, MISSING, WRONG, UNKNOWN = "there", "missing", "wrong", "unknown"
_SECRETS, _VARIABLES = 100, 30  # entries a page, the most that GitHub returns


class SettingsView(Protocol):
    """What can be seen of GitHub's settings."""

    def state_of(self, setting: RequiredSetting, place: str) -> str:
        """Return the state of a setting in a place: there, missing, `wrong: ` with the reason, or unknown."""
        ...


@dataclass(frozen=True)
class NoView:
    """Without a token nothing can be seen."""

    def state_of(self, setting: RequiredSetting, place: str) -> str:
        """Return that the state is unknown."""
        return UNKNOWN


@dataclass(frozen=True)
class WorkflowView:
    """What a workflow's step gets: `SET_NAME=true` or `false` for each NAME, and the values of some variables."""

    environment: Mapping[str, str]

    def state_of(self, setting: RequiredSetting, place: str) -> str:
        """Return the state according to the step's environment."""
        is_set = self.environment.get(f"SET_{setting.name}")
        if is_set is None:
            return UNKNOWN
        value = self.environment.get(setting.name, "") if setting.kind == "variable" else ""
        return _state_of_value(setting, value) if value else (PRESENT if is_set == "true" else MISSING)


@dataclass(frozen=True)
class OwnerView:
    """What the repository's owner can see: everything that is set, in each environment and in the repository."""

    secrets: Mapping[str, set[str]]
    variables: Mapping[str, Mapping[str, str]]
    environments: Mapping[str, Any] | None
    """Those that exist, as GitHub describes them; None if the repository can have none (private, on GitHub Free)."""

    @classmethod
    def of_repository(cls, github: GitHub) -> "OwnerView":
        """Read the settings from GitHub.

        Raises:
            GitHubError: the token is not the owner's, or GitHub does not answer.
        """
        environments = _environments(github)
        secrets, variables = {REPOSITORY: _names(github, "actions")}, {REPOSITORY: _values(github, "actions")}
        for name in ENVIRONMENTS:
            exists = name in (environments or {})
            secrets[name] = _names(github, f"environments/{name}") if exists else set()
            variables[name] = _values(github, f"environments/{name}") if exists else {}
        return cls(secrets, variables, environments)

    def state_of(self, setting: RequiredSetting, place: str) -> str:
        """Return the state according to GitHub."""
        in_repository = self.secrets[REPOSITORY] if setting.kind == "secret" else self.variables[REPOSITORY]
        if setting.per_environment and setting.name in in_repository:
            return f"{WRONG}: every job can read the repository's own; remove that one"
        if setting.kind == "secret":
            return PRESENT if setting.name in self.secrets[place] | self.secrets[REPOSITORY] else MISSING
        value = self.variables[place].get(setting.name) or self.variables[REPOSITORY].get(setting.name)
        return _state_of_value(setting, value) if value else MISSING

    def variable(self, name: str) -> str:
        """Return a variable of the repository; empty if it is not set."""
        return self.variables[REPOSITORY].get(name, "")


def _state_of_value(setting: RequiredSetting, value: str) -> str:
    return PRESENT if setting.pattern.fullmatch(value) else f"{WRONG}: not a valid {setting.name}"


def _environments(github: GitHub) -> dict[str, Any] | None:
    try:
        return {entry["name"]: entry for entry in _entries(github, "environments", "environments", _SECRETS)}
    except GitHubError as failure:
        if failure.status != 404:
            raise
        return None


def _names(github: GitHub, path: str) -> set[str]:
    return {entry["name"] for entry in _entries(github, f"{path}/secrets", "secrets", _SECRETS)}


def _values(github: GitHub, path: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in _entries(github, f"{path}/variables", "variables", _VARIABLES)}


def _entries(github: GitHub, path: str, key: str, size: int) -> Iterator[dict[str, Any]]:
    for page in range(1, 21):
        entries = github.get(path, per_page=size, page=page).get(key, [])
        yield from entries
        if len(entries) < size:
            return
