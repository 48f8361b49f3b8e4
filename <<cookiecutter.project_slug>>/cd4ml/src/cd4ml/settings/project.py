"""Read [tool.cd4ml] in the project's pyproject.toml: the team's package, and the platform that runs the service.

Imports the standard library only, so that a verb with nothing to do returns quickly.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.text import read_text

PYPROJECT = Path("pyproject.toml")
_CHOICES = {
    "platform": ("cloud-run", "fargate", "aci", "docker-host"),
    "credentials": ("service-account", "oidc"),
    "registry": ("cloud", "ghcr", "docker-hub"),
}
_OPTIONAL = {"prediction_log": ("off", "stdout", "bucket")}


class ProjectError(UserError):
    """pyproject.toml lacks a setting that the library needs, or has a wrong one."""


@dataclass(frozen=True)
class Project:
    """What pyproject.toml says about the project."""

    name: str
    """The project's name; also the name of its image, its services and its experiment in MLflow."""
    repository: str
    """The URL of its repository; empty if pyproject.toml has none."""
    package: str
    """The team's package in src/, which contains features.py and model.py."""
    platform: str
    """cloud-run, fargate, aci or docker-host."""
    credentials: str
    """How workflows sign in to the cloud: service-account or oidc."""
    registry: str
    """Where images are published besides the cloud's own registry: cloud (nowhere else), ghcr or docker-hub."""
    prediction_log: str = "off"
    """Where deployed services write their predictions: off, stdout, or bucket, the one that bootstrap makes."""
    default_branch: str = ""
    """The repository's default branch; empty: ask git's remote."""
    region: str = ""
    """The region of the cloud that is suggested; empty: one of the library's choice."""
    index: str = ""
    """The package index in place of the public one, as NAME=URL; empty if there is none."""
    index_login: bool = False
    """Whether that index asks for a name and a password."""

    @property
    def features(self) -> Path:
        """The team's features.py."""
        return Path("src") / self.package / "features.py"

    @property
    def model(self) -> Path:
        """The team's model.py."""
        return Path("src") / self.package / "model.py"

    @property
    def split(self) -> Path:
        """The team's split.py, which need not exist."""
        return Path("src") / self.package / "split.py"

    @property
    def metrics(self) -> Path:
        """The team's metrics.py, which need not exist."""
        return Path("src") / self.package / "metrics.py"

    @property
    def service(self) -> Path:
        """The team's service.py, which need not exist."""
        return Path("src") / self.package / "service.py"

    @property
    def notify(self) -> Path:
        """The team's notify.py, which need not exist."""
        return Path("src") / self.package / "notify.py"

    @property
    def card(self) -> Path:
        """The team's template of the model card, which need not exist."""
        return Path("src") / self.package / "model_card.md.jinja"

    @property
    def bucket_scheme(self) -> str:
        """The scheme of a DVC remote's URL in the platform's cloud, or over ssh on a host."""
        return {"cloud-run": "gs://", "fargate": "s3://", "aci": "azure://", "docker-host": "ssh://"}[self.platform]

    @property
    def log_extra(self) -> str:
        """The extra of the library that the image needs for the prediction log; empty if it needs none."""
        extra = {"cloud-run": "log-gs", "fargate": "log-s3", "aci": "log-azure"}.get(self.platform, "")
        return extra if self.prediction_log == "bucket" else ""

    @property
    def cloud(self) -> str:
        """The name of the platform's cloud."""
        names = {"cloud-run": "Google Cloud", "fargate": "AWS", "aci": "Azure", "docker-host": "the host"}
        return names[self.platform]


def read_project(path: Path = PYPROJECT) -> Project:
    """Return the project that pyproject.toml describes.

    Raises:
        ProjectError: the file does not exist or is not TOML, or a key of [tool.cd4ml] is missing, unknown or wrong.
    """
    try:
        content = tomllib.loads(read_text(path, ProjectError))
    except FileNotFoundError:
        raise ProjectError(f"{path} does not exist; run this from the project's folder") from None
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path}: not valid TOML: {error}") from None
    section = content.get("tool", {}).get("cd4ml")
    if not isinstance(section, dict):
        raise ProjectError(f"{path}: [tool.cd4ml] is missing; add it, with the keys package, {', '.join(_CHOICES)}")
    _check(section, path)
    project = content.get("project", {})
    repository = str(project.get("urls", {}).get("Repository", ""))
    index, login = _default_index(content.get("tool", {}).get("uv", {}))
    return Project(str(project.get("name", "")), repository, **section, index=index, index_login=login)


def _default_index(uv: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the index that [tool.uv] names in place of the public one, as NAME=URL, and whether it asks who reads."""
    for index in uv.get("index", []):
        if isinstance(index, dict) and index.get("default") and index.get("name"):
            return f"{index['name']}={index.get('url', '')}", index.get("authenticate") == "always"
    return "", False


def _check(section: Mapping[str, Any], path: Path) -> None:
    """Check the keys of [tool.cd4ml].

    Raises:
        ProjectError: a key is missing, unknown or wrong.
    """
    for key in section.keys() - {"package", "default_branch", "region", *_CHOICES, *_OPTIONAL}:
        raise ProjectError(f"{path}: tool.cd4ml.{key} is not a known key; check its spelling, or remove it")
    for key in ("package", *_CHOICES):
        if key not in section:
            raise ProjectError(f"{path}: tool.cd4ml.{key} is missing; add it")
    if not (isinstance(section["package"], str) and section["package"].isidentifier()):
        raise ProjectError(
            f'{path}: tool.cd4ml.package is "{section["package"]}"; expected the name of a package in src/'
        )
    if not isinstance(section.get("default_branch", ""), str):
        raise ProjectError(f"{path}: tool.cd4ml.default_branch is no text; expected the name of a branch")
    if not (isinstance(section.get("region", ""), str) and section.get("region", "a").replace("-", "").isalnum()):
        raise ProjectError(f'{path}: tool.cd4ml.region is "{section["region"]}"; expected a region of the cloud')
    for key, choices in (_CHOICES | {key: choices for key, choices in _OPTIONAL.items() if key in section}).items():
        if section[key] not in choices:
            raise ProjectError(f'{path}: tool.cd4ml.{key} is "{section[key]}"; expected {", ".join(choices)}')
