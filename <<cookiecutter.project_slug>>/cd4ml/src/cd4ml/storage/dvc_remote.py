"""Where data and models are kept besides here: a DVC remote, or the registry that OBJECTS names in its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cd4ml.errors import UserError
from cd4ml.files.git import PASSWORD_IN_URL

if TYPE_CHECKING:
    from dvc.repo import Repo
import json
import os
from pathlib import Path
from typing import Any

from cd4ml.settings.project import read_project

_FOLDER = ".dir"  # how DVC marks a digest that stands for a folder


def dvc_remote() -> str:
    """Return the name of DVC's default remote; empty where there is none."""
    return str(_config()["core"].get("remote") or "")


def out_of_reach() -> str:
    """Return why what is kept cannot be had from here, as a fork's pull request cannot; empty where it can."""
    if name := dvc_remote():
        url = str(_config()["remote"].get(name, {}).get("url", ""))
        project = read_project()
        if url.startswith(project.bucket_scheme) and os.environ.get("SIGNED_IN") == "false":
            return f"the DVC remote {name} is on {project.cloud}, and this run is not signed in there"
        return ""
    if not os.environ.get("OBJECTS"):
        return "there is no DVC remote, and no registry in its place"
    if of_fork():
        from cd4ml.storage.registry import Registry

        registry = Registry.here()
        return "" if registry.answers() else f"{registry.name} does not let a fork's pull request in"
    return ""


def of_fork() -> bool:
    """Return whether this runs for a pull request from another repository, which is given no secret."""
    try:
        event: Any = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_bytes())
        home = event["pull_request"]["head"]["repo"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return home is None or home["full_name"] != os.environ.get("GITHUB_REPOSITORY")


def _config() -> Any:
    from dvc.config import Config

    return Config.from_cwd()


def missing_in_remote() -> list[str]:
    """Return the outputs of which DVC's default remote lacks a file; `dvc status --cloud` does not look into folders.

    Raises:
        UserError: the remote does not answer, or refuses.
    """
    from dvc.repo import Repo

    with Repo() as repo, _explained():
        return sorted(path for path, digests in _lacking(repo).items() if digests)


def put_what_is_missing() -> None:
    """Copy what the remote lacks from DVC's cache, file by file.

    Raises:
        UserError: the cache lacks it too, or the remote refuses.
    """
    from dvc.repo import Repo

    with Repo() as repo, _explained():
        store: Any = repo.cloud.get_remote_odb()
        cache: Any = repo.cache.local
        for path, digests in _lacking(repo).items():
            for digest in sorted(digests):
                if not Path(cache.oid_to_path(digest)).exists():
                    raise UserError(f"DVC's cache and its remote lack a file of {path}; make train makes it again")
                store.fs.makedirs(store.fs.parent(store.oid_to_path(digest)), exist_ok=True)
                store.fs.put_file(cache.oid_to_path(digest), store.oid_to_path(digest))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as failure:  # each cloud's library has its own
        told = PASSWORD_IN_URL.sub("", " ".join(str(failure).split()) or type(failure).__name__)[:200]
        raise UserError(f"the DVC remote does not answer: {told}; are its credentials set?") from None


def _lacking(repo: "Repo") -> dict[str, set[str]]:
    """Return what the remote lacks of each output."""
    store: Any = repo.cloud.get_remote_odb()
    named = [(str(out.def_path), out.hash_info.value) for out in repo.index.outs if out.use_cache and out.hash_info]
    absent = _absent(store, [digest for _, digest in named])
    lacking = {path: {digest} & absent for path, digest in named}
    for path, digest in named:
        if digest.endswith(_FOLDER) and digest not in absent:
            with store.fs.open(store.oid_to_path(digest)) as file:
                lacking[path] = _absent(store, [entry["md5"] for entry in json.load(file)])
    return lacking


def _absent(store: Any, digests: list[str]) -> set[str]:
    there = store.fs.exists([store.oid_to_path(digest) for digest in digests])
    return {digest for digest, found in zip(digests, there, strict=True) if not found}
