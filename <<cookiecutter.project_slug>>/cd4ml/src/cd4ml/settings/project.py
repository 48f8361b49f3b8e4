"""[tool.cd4ml] of the project's pyproject.toml: whose library this is, and where it ships to."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cd4ml.errors import UserError

PYPROJECT = Path("pyproject.toml")

Platform = Literal["cloud-run", "fargate", "aci"]
Credentials = Literal["service-account", "oidc"]
Registry = Literal["cloud", "ghcr", "docker-hub"]


class ProjectError(UserError):
    """pyproject.toml does not say what the library has to know of the project."""


class Project(BaseModel):
    """The project in this folder."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    """The project's name, also that of its image, its services and its experiment in MLflow."""
    package: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """The team's package in src/, which holds features.py and model.py."""
    platform: Platform
    credentials: Credentials
    registry: Registry
    repository: str = ""
    """The address of the repository; empty if pyproject.toml names none."""

    @property
    def features(self) -> Path:
        """The team's features.py."""
        return Path("src") / self.package / "features.py"

    @property
    def model(self) -> Path:
        """The team's model.py."""
        return Path("src") / self.package / "model.py"

    @property
    def bucket_scheme(self) -> str:
        """What the address of a DVC remote in the platform's cloud begins with."""
        return {"cloud-run": "gs://", "fargate": "s3://", "aci": "azure://"}[self.platform]

    @property
    def cloud(self) -> str:
        """The name of the platform's cloud."""
        return {"cloud-run": "Google Cloud", "fargate": "AWS", "aci": "Azure"}[self.platform]


def read_project(path: Path = PYPROJECT) -> Project:
    """Return the project that a pyproject.toml describes.

    Raises:
        ProjectError: the file is absent, is not TOML, or its [tool.cd4ml] is incomplete or wrong; with the key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{path} is not in this folder; run this from the project's folder") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ProjectError(f"{path}: not valid TOML: {broken}") from None
    section = content.get("tool", {}).get("cd4ml")
    if not isinstance(section, dict):
        raise ProjectError(f"{path} has no [tool.cd4ml]; add it, with package, platform, credentials and registry")
    project = content.get("project", {})
    known = {"name": project.get("name", ""), "repository": project.get("urls", {}).get("Repository", "")}
    try:
        return Project.model_validate(known | section)
    except ValidationError as invalid:
        raise ProjectError(f"{path}: {_describe(invalid)}") from None


def _describe(invalid: ValidationError) -> str:
    error = invalid.errors()[0]
    key = "tool.cd4ml." + ".".join(map(str, error["loc"]))
    if error["type"] == "missing":
        return f"{key} is missing; add it"
    if error["type"] == "extra_forbidden":
        return f"{key} is not a known key; check its spelling, or remove it"
    expected = error.get("ctx", {}).get("expected", error["msg"].removeprefix("Input should be "))
    return f'{key} is "{error["input"]}"; expected {expected}'
