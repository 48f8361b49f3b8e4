"""The verb `build-image`: build the image that serves models/bundle, in the container engine."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cd4ml.bundle.manifest import Manifest
from cd4ml.errors import UserError
from cd4ml.files.git import run_git
from cd4ml.files.text import read_text
from cd4ml.image.bundle import extras, read_accepted_bundle
from cd4ml.image.engine import image_name, run_engine
from cd4ml.settings.project import Project, read_project
from cd4ml.terminal.arguments import Arguments

_BUILDKIT = {
    "DOCKER_BUILDKIT": "1",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",  # an attestation beside it would make two digests of one image
}
_DOCKERFILE = Path("Dockerfile")
_LABEL = "org.opencontainers.image.base"
_LOGIN = re.compile(r"UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)")


def main(argv: list[str]) -> None:
    """Build the image, and print its name.

    Raises:
        UserError: the bundle is missing, altered, or not accepted by the gate; or the engine is missing or fails.
    """
    Arguments("build-image").parse_args(argv)
    project = read_project()
    build(project, read_accepted_bundle())
    print(f"built {image_name(project)}; next: make smoke")


def build(project: Project, manifest: Manifest) -> None:
    """Build the image of a bundle, under the name that `image_name` returns.

    Raises:
        UserError: the engine is missing or fails, or the Dockerfile is not UTF-8.
    """
    print(f"{manifest.version} is whole, and the gate accepted it")
    base = base_image(read_text(_DOCKERFILE, UserError) if _DOCKERFILE.is_file() else "")
    if base and "@" not in base:
        print(f"build-image: {base} is not pinned by its digest: uv run cd4ml pin-image", file=sys.stderr)
    values = {
        "EXTRAS": " ".join(extras(manifest, project)),
        "VERSION": manifest.version,
        "BUNDLE": manifest.digest,
        "SOURCE": source(project, os.environ),
        "REVISION": revision(),
    }
    arguments = [word for name, value in values.items() for word in ("--build-arg", f"{name}={value}")]
    options = ["--tag", image_name(project), *logins(os.environ), *arguments, *labels(base)]
    run_engine("build", *options, ".", environment=_BUILDKIT)


def base_image(dockerfile: str) -> str:
    """Return what a Dockerfile's stage `base` begins with; empty if it has none."""
    found = re.search(r"^FROM (.*) AS base$", dockerfile, re.MULTILINE)
    return found[1] if found else ""


def labels(base: str) -> Iterator[str]:
    """Return the options that label the image with its base image."""
    name, _, digest = base.partition("@")
    for key, value in (("name", name), ("digest", digest)):
        if value:
            yield from ("--label", f"{_LABEL}.{key}={value}")


def logins(environment: Mapping[str, str]) -> Iterator[str]:
    """Return the options that pass on, as secrets, what package indexes ask for; the Dockerfile takes what it names."""
    for name in sorted(environment):
        if _LOGIN.fullmatch(name) and environment[name]:
            yield from ("--secret", f"id={name},env={name}")


def revision() -> str:
    """Return the commit that is checked out; empty where there is none, or no git."""
    try:
        head = run_git("rev-parse", "--verify", "--quiet", "HEAD")
    except FileNotFoundError:
        return ""
    return head.stdout.strip() if head.returncode == 0 else ""


def source(project: Project, environment: Mapping[str, str]) -> str:
    """Return the address of the repository: the one whose workflow this is, or pyproject.toml's."""
    repository = environment.get("GITHUB_REPOSITORY")
    server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
    return f"{server}/{repository}" if repository else project.repository
