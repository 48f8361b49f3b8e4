"""Read dvc.yaml and dvc.lock, in this folder or at a commit: stages, their outputs, and which of these DVC caches."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.git import file_at
from cd4ml.files.text import read_text


def read_stages(file: str, revision: str = "") -> dict[str, Any]:
    """Return the stages in dvc.yaml or dvc.lock, in this folder or at a commit; empty if the file does not exist.

    Raises:
        UserError: the file is not valid.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    path = Path(file)
    text = file_at(revision, file) if revision else read_text(path, UserError) if path.exists() else None
    try:
        stages: dict[str, Any] = (YAML(typ="safe", pure=True).load(text or "") or {}).get("stages") or {}
    except (YAMLError, AttributeError):
        raise UserError(f"{file}: not valid YAML; after a merge, keep one side of it, then run this again") from None
    return stages


def output_digest(path: Path, revision: str = "") -> str | None:
    """Return the digest of an output in dvc.lock, in this folder or at a commit; None if dvc.lock does not list it.

    Raises:
        UserError: dvc.lock is not valid.
    """
    outputs = [out for stage in read_stages("dvc.lock", revision).values() for out in stage.get("outs", ())]
    return next((out.get("md5") for out in outputs if out["path"] == path.as_posix()), None)


def cached_outputs(revision: str = "") -> dict[str, str]:
    """Return the outputs in dvc.lock that DVC caches, in this folder or at a commit: path to digest."""
    lock, cached = read_stages("dvc.lock", revision), cached_paths(read_stages("dvc.yaml", revision))
    outputs = [out for stage in lock.values() for out in stage.get("outs", ())]
    return {out["path"]: str(out["md5"]) for out in outputs if out["path"] in cached and out.get("md5")}


def cached_paths(pipeline: Mapping[str, Any]) -> set[str]:
    """Return the outputs of dvc.yaml's stages that DVC caches; the others are in git."""
    return {path for stage in pipeline.values() for path, cached in _outputs(stage) if cached}


def _outputs(stage: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield a stage's outputs, each with whether DVC caches it."""
    for entry in (entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, ())):
        if isinstance(entry, str):
            yield entry, True
        else:
            yield from ((path, (options or {}).get("cache") is not False) for path, options in entry.items())
