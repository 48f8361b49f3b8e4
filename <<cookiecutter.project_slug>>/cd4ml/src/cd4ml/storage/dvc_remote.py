"""The DVC remote: its name, whether it can be reached, which files it lacks, and how to upload these."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cd4ml.errors import UserError
from cd4ml.files.git import PASSWORD_IN_URL
from cd4ml.settings.project import read_project

if TYPE_CHECKING:
    from dvc.repo import Repo

_FOLDER_SUFFIX = ".dir"  # of a digest that stands for a folder


def default_remote() -> str:
    """Return the name of DVC's default remote; empty if there is none."""
    return str(_config()["core"].get("remote") or "")


def unreachable_reason() -> str:
    """Return why data and models cannot be fetched here, as in a fork's pull request; empty if they can be.

    They are in the DVC remote or, without one, in the registry that OBJECTS names.
    """
    if name := default_remote():
        url = str(_config()["remote"].get(name, {}).get("url", ""))
        project = read_project()
        if url.startswith(project.bucket_scheme) and os.environ.get("SIGNED_IN") == "false":
            return f"the DVC remote {name} is on {project.cloud}, and this run is not signed in there"
        return ""
    if not os.environ.get("OBJECTS"):
        return "there is no DVC remote, and no registry in its place"
    if is_fork_pull_request():
        from cd4ml.storage.registry import Registry

        registry = Registry.from_environment()
        return "" if registry.is_accessible() else f"{registry.name} gives a fork's pull request no access"
    return ""


def is_fork_pull_request() -> bool:
    """Return whether this is a workflow run for a pull request from another repository, which gets no secrets."""
    try:
        event: Any = json.loads(Path(os.environ.get("GITHUB_EVENT_PATH", "")).read_bytes())
        head_repository = event["pull_request"]["head"]["repo"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return head_repository is None or head_repository["full_name"] != os.environ.get("GITHUB_REPOSITORY")


def _config() -> Any:
    from dvc.config import Config

    return Config.from_cwd()


def missing_in_remote() -> list[str]:
    """Return the outputs of which DVC's default remote lacks a file; `dvc status --cloud` does not check folders.

    Raises:
        UserError: the remote does not answer, or denies access.
    """
    from dvc.repo import Repo

    with Repo() as repo, _translate_errors():
        return sorted(path for path, digests in _missing_by_output(repo).items() if digests)


def upload_missing() -> None:
    """Copy each file that the remote lacks from DVC's cache.

    Raises:
        UserError: the cache lacks it too, or the remote does not answer or denies access.
    """
    from dvc.repo import Repo

    with Repo() as repo, _translate_errors():
        remote: Any = repo.cloud.get_remote_odb()
        cache: Any = repo.cache.local
        for path, digests in _missing_by_output(repo).items():
            for digest in sorted(digests):
                if not Path(cache.oid_to_path(digest)).exists():
                    raise UserError(f"DVC's cache and its remote lack a file of {path}; make train makes it again")
                remote.fs.makedirs(remote.fs.parent(remote.oid_to_path(digest)), exist_ok=True)
                remote.fs.put_file(cache.oid_to_path(digest), remote.oid_to_path(digest))


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as failure:  # the libraries of the clouds have no common class of errors
        message = PASSWORD_IN_URL.sub("", " ".join(str(failure).split()) or type(failure).__name__)[:200]
        raise UserError(f"the DVC remote does not answer: {message}; are its credentials set?") from None


def _missing_by_output(repo: "Repo") -> dict[str, set[str]]:
    """Return for each output the digests of its files that the remote lacks."""
    remote: Any = repo.cloud.get_remote_odb()
    outputs = [(str(out.def_path), out.hash_info.value) for out in repo.index.outs if out.use_cache and out.hash_info]
    absent = _absent(remote, [digest for _, digest in outputs])
    missing = {path: {digest} & absent for path, digest in outputs}
    for path, digest in outputs:
        if digest.endswith(_FOLDER_SUFFIX) and digest not in absent:
            with remote.fs.open(remote.oid_to_path(digest)) as file:
                missing[path] = _absent(remote, [entry["md5"] for entry in json.load(file)])
    return missing


def _absent(remote: Any, digests: list[str]) -> set[str]:
    exists = remote.fs.exists([remote.oid_to_path(digest) for digest in digests])
    return {digest for digest, present in zip(digests, exists, strict=True) if not present}
