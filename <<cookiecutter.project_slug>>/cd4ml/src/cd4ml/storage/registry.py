"""A container registry in place of a DVC remote: what dvc.lock names is one image there, copied by skopeo."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cd4ml.errors import UserError
from cd4ml.files.dvc_lock import cached_outputs
from cd4ml.files.git import Completed, run_command
from cd4ml.storage import oci_layout as layout

_PATIENCE = 3600  # seconds to copy an image
_NAME = re.compile(r"(?P<host>[a-z0-9.-]+\.[a-z0-9.-]+|localhost)(?P<port>:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+")
_LOOPBACK = ("127.0.0.1", "localhost")
_ABSENT = re.compile(r"manifest unknown|name unknown|not found|status code 404|name not known", re.IGNORECASE)


class RegistryError(UserError):
    """The registry refuses, does not answer, or lacks what was asked for."""


@dataclass(frozen=True)
class Registry:
    """A repository in a registry, such as ghcr.io/owner/name-objects; docker's own configuration says who we are."""

    name: str

    @classmethod
    def here(cls) -> Self:
        """Return the one that OBJECTS names.

        Raises:
            RegistryError: it is no name of one.
        """
        name = os.environ.get("OBJECTS", "").lower()  # a repository on GitHub may have capitals, one in a registry not
        if not _NAME.fullmatch(name):
            raise RegistryError("OBJECTS is no repository in a registry; write one such as ghcr.io/owner/name-objects")
        return cls(name)

    def has(self, tag: str) -> bool:
        """Return whether there is such an image.

        Raises:
            RegistryError: the registry refuses, or does not answer.
        """
        asked = self._skopeo("inspect", "--raw", f"docker://{self.name}:{tag}")
        if asked.returncode == 0:
            return True
        if _ABSENT.search(asked.stderr):
            return False
        raise RegistryError(f"{self.name} does not say whether it has {tag}: {_reason(asked)}")

    def answers(self) -> bool:
        """Return whether the registry lets us in."""
        try:
            self.has("any")
        except RegistryError:
            return False
        return True

    def push(self, tag: str, folder: Path) -> None:
        """Copy an OCI layout to the registry.

        Raises:
            RegistryError: it refuses, or does not answer.
        """
        done = self._skopeo("copy", "--quiet", "--preserve-digests", f"oci:{folder}", f"docker://{self.name}:{tag}")
        if done.returncode:
            raise RegistryError(f"{self.name} did not take data and models: {_reason(done)}")

    def pull(self, tag: str, folder: Path) -> None:
        """Copy an image from the registry to an OCI layout.

        Raises:
            RegistryError: it is not there, or the registry refuses.
        """
        done = self._skopeo("copy", "--quiet", "--preserve-digests", f"docker://{self.name}:{tag}", f"oci:{folder}")
        if done.returncode and _ABSENT.search(done.stderr):
            raise RegistryError(f"{self.name} lacks {tag}, what dvc.lock names; make push brings it from where it is")
        if done.returncode:
            raise RegistryError(f"{self.name} does not give {tag}: {_reason(done)}")

    def _skopeo(self, verb: str, *words: str) -> Completed:
        if shutil.which("skopeo") is None:
            raise RegistryError("skopeo is not here, which copies images: apt-get install skopeo, brew install skopeo")
        config = Path(os.environ.get("DOCKER_CONFIG", "")) / "config.json"
        login = {"REGISTRY_AUTH_FILE": str(config)} if os.environ.get("DOCKER_CONFIG") and config.exists() else {}
        plain = []
        if re.split("[:/]", self.name)[0] in _LOOPBACK:
            sides = ["src-", "dest-"] if verb == "copy" else [""]
            plain = [f"--{side}tls-verify=false" for side in sides]
        return run_command(["skopeo", verb, *plain, *words], _PATIENCE, login)


def tag(revision: str = "") -> str:
    """Return the name of the image with what dvc.lock names, here or at a commit.

    Raises:
        UserError: it names nothing.
    """
    digests = sorted(set(cached_outputs(revision).values()))
    if not digests:
        raise UserError("dvc.lock names nothing that DVC keeps; make train makes a model")
    return f"dvc-{hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:40]}"


def send() -> str:
    """Bring what dvc.lock names to the registry; return what was done.

    Raises:
        UserError: DVC's cache lacks some of it, or the registry refuses.
    """
    registry, image, wanted, cache = Registry.here(), tag(), cached_outputs(), cache_folder()
    try:
        if registry.has(image):
            return f"{registry.name} has {image} already"
    except RegistryError:
        pass  # a registry may say that it denies what is not there yet; whether it does, the copy shows
    if lacking := layout.missing(cache, wanted):
        raise UserError(f"DVC's cache lacks {', '.join(lacking)}; make train makes what dvc.lock names")
    with _scratch() as folder:
        layout.pack(cache, wanted, Path(folder) / "image")
        registry.push(image, Path(folder) / "image")
    return f"{registry.name} has {image} now: {len(wanted)} outputs"


def fetch(revision: str = "") -> str:
    """Bring what dvc.lock names, here or at a commit, from the registry into DVC's cache; return what was done.

    Raises:
        UserError: the registry lacks it, or refuses; or what it has is not what dvc.lock names.
    """
    registry, image, wanted, cache = Registry.here(), tag(revision), cached_outputs(revision), cache_folder()
    if not layout.missing(cache, wanted):
        return "DVC's cache has all that dvc.lock names"
    with _scratch() as folder:
        registry.pull(image, Path(folder) / "image")
        layout.unpack(Path(folder) / "image", cache)
    if lacking := layout.missing(cache, wanted):
        raise UserError(f"{image} of {registry.name} lacks {', '.join(lacking)}; make push brings it from where it is")
    return f"fetched {image} from {registry.name}"


def cache_folder() -> Path:
    """Return the folder of DVC's cache."""
    from dvc.repo import Repo

    with Repo() as repo:
        store: Any = repo.cache.local
        return Path(store.path)


def _scratch() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder on the disk of DVC's cache, for as long as it is used."""
    folder = Path(".dvc/tmp")
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="objects-", dir=folder)


def _reason(done: Completed) -> str:
    """Return skopeo's last words on why it failed."""
    lines: Mapping[int, str] = dict(enumerate(line for line in done.stderr.splitlines() if line.strip()))
    text = re.sub(r'^time="[^"]*" level=\w+ msg=', "", lines[len(lines) - 1]).strip('"') if lines else "no reason"
    return text[-200:]
