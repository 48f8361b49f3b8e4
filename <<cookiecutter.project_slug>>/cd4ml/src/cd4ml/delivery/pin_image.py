"""The verb `pin-image`: write the digests of the base images into the Dockerfile, all of them or none."""

import re
import subprocess  # the container engine, and nothing else
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cd4ml.delivery.github_settings import PRESENT
from cd4ml.delivery.programs import find_engine
from cd4ml.delivery.repository_settings import Row
from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.files.text import read_text
from cd4ml.terminal.arguments import Arguments

DOCKERFILE = Path("Dockerfile")
NOT_PINNED = "not pinned, optional"
_PATIENCE = 600  # seconds in which an image is pulled
# A name with a tag, and no variable: what dependabot reads, too.
_BASE = re.compile(r"^FROM (?P<name>[^\s@$]+:[^\s@$/]+)(?:@(?P<digest>\S+))?(?=\s)", re.MULTILINE)
_DIGEST = re.compile(r"^Digest: (sha256:[0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class BaseImage:
    """An image that the Dockerfile begins with."""

    name: str
    """With its tag, such as `python:3.12-slim`."""
    digest: str | None
    """What it is pinned to: `sha256:` and 64 hexadecimal digits; None if it is not pinned."""


def main(argv: list[str]) -> None:
    """Ask the registries which digests the tags name now, and write them into the Dockerfile beside the tags.

    Raises:
        UserError: there is no Dockerfile or no base image in it, or an image cannot be pulled; nothing was changed.
    """
    Arguments("pin-image").parse_args(argv)
    if not DOCKERFILE.is_file():
        raise UserError("there is no Dockerfile in this folder")
    text = read_text(DOCKERFILE, UserError)
    bases = base_images(text)
    if not bases:
        raise UserError(f"{DOCKERFILE} names no base image as NAME:TAG after FROM, so there is nothing to pin")
    digests = {base.name: ask_digest(base.name) for base in bases}
    write_text(DOCKERFILE, pinned(text, digests))
    for base in bases:
        state = "as before" if base.digest == digests[base.name] else "new"
        print(f"{base.name}@{digests[base.name]}  {state}")
    print(f"next: make image, make smoke, and commit {DOCKERFILE}; dependabot renews the digests")


def base_images(dockerfile: str) -> list[BaseImage]:
    """Return the base images of a Dockerfile's text that are named as NAME:TAG, in their order."""
    return [BaseImage(found["name"], found["digest"]) for found in _BASE.finditer(dockerfile)]


def pinned(dockerfile: str, digests: Mapping[str, str]) -> str:
    """Return a Dockerfile's text with the digest of each of its base images, by name, beside the tag."""
    return _BASE.sub(lambda found: f"FROM {found['name']}@{digests[found['name']]}", dockerfile)


def ask_digest(name: str) -> str:
    """Return the digest that a tag names now, from the image's registry.

    Raises:
        UserError: there is no container engine, or it cannot pull the image.
    """
    engine = find_engine("asks the registries")
    try:
        pull = [engine, "pull", name]
        done = subprocess.run(pull, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{name} was not pulled within {_PATIENCE // 60} minutes; the Dockerfile is unchanged"
        ) from None
    digest = _DIGEST.search(done.stdout)
    if done.returncode or digest is None:
        reason = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it named no digest"]
        raise UserError(f"{engine} pull {name}: {reason[0][:200]}; the Dockerfile is unchanged")
    return digest[1]


def image_rows() -> Iterator[Row]:
    """Return a row for doctor's table for each base image, if there is a Dockerfile here."""
    if DOCKERFILE.is_file():
        for base in base_images(read_text(DOCKERFILE, UserError)):
            missing = base.digest is None
            state, command = (NOT_PINNED, "uv run cd4ml pin-image") if missing else (PRESENT, "")
            yield Row(base.name, str(DOCKERFILE), state, command)
