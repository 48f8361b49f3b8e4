"""Run skopeo, which copies images between archives and registries: with docker's logins, and its reason in one line."""

import hashlib
import os
import re
import shutil
import subprocess  # skopeo, with arguments that the library chooses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cd4ml.errors import UserError

_TIMEOUT = 3600  # seconds to copy an image
_LOOPBACK = ("127.0.0.1", "localhost")
_LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Ended:
    """How a command of skopeo's ended."""

    ok: bool
    printed: bytes
    said: str
    """What it printed to standard error."""

    @property
    def reason(self) -> str:
        """Why it failed: the last line that it printed, without the time and the level before it."""
        lines = [line for line in self.said.splitlines() if line.strip()]
        message = re.sub(r'^time="[^"]*" level=\w+ msg=', "", lines[-1]).strip('"') if lines else "no reason given"
        return re.sub(r"[\x00-\x1f]", "", message)[-_LONGEST:]

    @property
    def belongs_to_another_repository(self) -> bool:
        """Whether GitHub's registry says that the package is not the repository's."""
        return "write_package" in self.said


PUSHED_BY_HAND = (
    "it was first pushed by hand: give the repository access in the package's settings (cd4ml/docs/github.md)"
)
"""What to say where `belongs_to_another_repository`."""


def skopeo(verb: str, *arguments: str) -> Ended:
    """Run one of skopeo's verbs with the logins of docker's configuration, and return how it ended.

    Raises:
        UserError: skopeo is not installed.
    """
    check_installed()
    command = ["skopeo", verb, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT, env=os.environ | _login())
    except subprocess.TimeoutExpired:
        return Ended(ok=False, printed=b"", said=f"no answer in {_TIMEOUT} seconds")
    return Ended(done.returncode == 0, done.stdout, done.stderr.decode("utf-8", errors="replace"))


def check_installed() -> None:
    """Check that skopeo is here.

    Raises:
        UserError: it is not; with how to install it.
    """
    if shutil.which("skopeo") is None:
        raise UserError("skopeo, which copies images, was not found: apt-get or brew install skopeo")


def is_encrypted(name: str) -> bool:
    """Return whether the registry that a name begins with is asked over TLS: every one but those on this machine."""
    return re.split("[:/]", name)[0] not in _LOOPBACK


def digest_of(image: str, *options: str) -> str:
    """Return the digest of an image, which is the same in an archive and in every registry.

    Args:
        image: with skopeo's transport, such as docker:// before a name in a registry.
        options: of `skopeo inspect`.

    Raises:
        UserError: skopeo is not installed, or cannot read the image; the message is its reason.
    """
    shown = skopeo("inspect", *options, "--raw", image)
    if not shown.ok:
        raise UserError(shown.reason)
    return f"sha256:{hashlib.sha256(shown.printed).hexdigest()}"


def _login() -> Mapping[str, str]:
    """Return what lets skopeo read docker's logins where docker does: it knows DOCKER_CONFIG only by its own name."""
    config = os.environ.get("DOCKER_CONFIG", "")
    file = Path(config) / "config.json"
    if os.environ.get("REGISTRY_AUTH_FILE") or not config or not file.is_file():
        return {}
    return {"REGISTRY_AUTH_FILE": str(file)}
