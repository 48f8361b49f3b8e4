"""A container registry instead of a DVC remote: the files that dvc.lock lists are one image, which skopeo copies."""

import hashlib
import json
import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cd4ml.errors import UserError
from cd4ml.files.dvc_lock import cached_outputs
from cd4ml.files.temporary import temporary_folder
from cd4ml.storage import oci_layout
from cd4ml.storage.skopeo import PUSHED_BY_HAND, Ended, is_encrypted, skopeo

_NAME = re.compile(r"(?P<host>[a-z0-9.-]+\.[a-z0-9.-]+|localhost)(?P<port>:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+")
_ABSENT = re.compile(r"manifest unknown|name unknown|not found|status code 404|name not known", re.IGNORECASE)


class RegistryError(UserError):
    """The registry denies access, does not answer, or lacks the image."""


@dataclass(frozen=True)
class Registry:
    """A repository in a registry, such as ghcr.io/owner/name-objects; docker's configuration holds the credentials."""

    name: str

    @classmethod
    def from_environment(cls) -> Self:
        """Return the repository that OBJECTS names.

        Raises:
            RegistryError: OBJECTS is not a valid name.
        """
        name = os.environ.get("OBJECTS", "").lower()  # GitHub allows capital letters in a repository, a registry not
        if not _NAME.fullmatch(name):
            raise RegistryError(
                "OBJECTS is not a repository in a registry; write one such as ghcr.io/owner/name-objects"
            )
        return cls(name)

    def has(self, tag: str) -> bool:
        """Return whether the repository has an image with this tag.

        Raises:
            RegistryError: the registry denies access, or does not answer.
        """
        done = self._skopeo("inspect", "--raw", f"docker://{self.name}:{tag}")
        if done.ok:
            return True
        if _ABSENT.search(done.said):
            return False
        raise RegistryError(f"cannot read whether {self.name} has {tag}: {done.reason}")

    def is_accessible(self) -> bool:
        """Return whether the registry answers, and grants access to this repository."""
        try:
            self.has("any")
        except RegistryError:
            return False
        return True

    def push(self, tag: str, folder: Path) -> None:
        """Copy an OCI layout to the registry.

        Raises:
            RegistryError: the registry denies access, or does not answer.
        """
        done = self._skopeo("copy", "--quiet", "--preserve-digests", f"oci:{folder}", f"docker://{self.name}:{tag}")
        if not done.ok:
            advice = f"; {PUSHED_BY_HAND}" if done.belongs_to_another_repository else ""
            raise RegistryError(f"cannot push data and models to {self.name}: {done.reason}{advice}")

    def pull(self, tag: str, folder: Path) -> None:
        """Copy an image from the registry to an OCI layout.

        Raises:
            RegistryError: there is no such image, or the registry denies access or does not answer.
        """
        done = self._skopeo("copy", "--quiet", "--preserve-digests", f"docker://{self.name}:{tag}", f"oci:{folder}")
        if not done.ok and _ABSENT.search(done.said):
            raise RegistryError(
                f"{self.name} lacks {tag}, the files that dvc.lock lists; run make push on a machine that has them"
            )
        if not done.ok:
            raise RegistryError(f"cannot fetch {tag} from {self.name}: {done.reason}")

    def _skopeo(self, verb: str, *arguments: str) -> Ended:
        sides = ["src-", "dest-"] if verb == "copy" else [""]
        plain_http = [] if is_encrypted(self.name) else [f"--{side}tls-verify=false" for side in sides]
        try:
            return skopeo(verb, *plain_http, *arguments)
        except UserError as missing:
            raise RegistryError(str(missing)) from None


def image_tag(revision: str = "") -> str:
    """Return the tag of the image with the files that dvc.lock lists, in this folder or at a commit.

    Raises:
        UserError: dvc.lock lists none.
    """
    digests = sorted(set(cached_outputs(revision).values()))
    if not digests:
        raise UserError("dvc.lock lists no file that DVC caches; make train makes a model")
    return f"dvc-{hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:40]}"


def push_objects() -> str:
    """Copy the files that dvc.lock lists from DVC's cache to the registry; return what was done.

    Raises:
        UserError: the cache lacks one of them, or the registry denies access or does not answer.
    """
    registry, tag, outputs, cache = Registry.from_environment(), image_tag(), cached_outputs(), cache_folder()
    try:
        if registry.has(tag):
            return f"{registry.name} has {tag} already"
    except RegistryError:
        pass  # some registries deny access to a repository that does not exist yet; pushing creates it
    if missing := oci_layout.missing(cache, outputs):
        raise UserError(f"DVC's cache lacks {', '.join(missing)}; make train makes what dvc.lock lists")
    with _scratch_folder() as folder:
        oci_layout.pack(cache, outputs, folder / "image")
        registry.push(tag, folder / "image")
    return f"{registry.name} has {tag} now: {len(outputs)} outputs"


def fetch_objects(revision: str = "") -> str:
    """Fetch the files that dvc.lock lists, in this folder or at a commit, into DVC's cache; return what was done.

    Raises:
        UserError: the registry lacks the image or one of its files, denies access or does not answer, or a file's
            content does not match its digest.
    """
    registry, tag = Registry.from_environment(), image_tag(revision)
    outputs, cache = cached_outputs(revision), cache_folder()
    if not oci_layout.missing(cache, outputs):
        return "DVC's cache has all files that dvc.lock lists"
    with _scratch_folder() as folder:
        registry.pull(tag, folder / "image")
        oci_layout.unpack(folder / "image", cache)
    if missing := oci_layout.missing(cache, outputs):
        raise UserError(
            f"{tag} of {registry.name} lacks {', '.join(missing)}; run make push on a machine that has them"
        )
    return f"fetched {tag} from {registry.name}"


def cache_folder() -> Path:
    """Return the folder of DVC's cache."""
    from dvc.repo import Repo

    with Repo() as repo:
        cache: Any = repo.cache.local
        return Path(cache.path)


def _scratch_folder() -> AbstractContextManager[Path]:
    """Return a temporary folder on the disk of DVC's cache."""
    folder = Path(".dvc/tmp")
    folder.mkdir(parents=True, exist_ok=True)
    return temporary_folder("objects-", folder)
