"""Read dvc.yaml and dvc.lock, here or at a commit: stages, their outputs, and what DVC keeps of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.git import file_at


def read_stages(file: str, revision: str = "") -> dict[str, Any]:
    """Return the stages in dvc.yaml or dvc.lock, here or at a commit; none where there is no such file.

    Raises:
        UserError: it cannot be read.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    path = Path(file)
    text = file_at(revision, file) if revision else path.read_text(encoding="utf-8") if path.exists() else None
    try:
        found: dict[str, Any] = (YAML(typ="safe", pure=True).load(text or "") or {}).get("stages") or {}
    except (YAMLError, AttributeError):
        raise UserError(f"{file} cannot be read; after a merge, keep one side of it, then run this again") from None
    return found


def output_digest(path: Path, revision: str = "") -> str | None:
    """Return the digest by which dvc.lock, here or at a commit, names an output; None if it names no such output.

    Raises:
        UserError: dvc.lock cannot be read.
    """
    outputs = [out for stage in read_stages("dvc.lock", revision).values() for out in stage.get("outs", ())]
    return next((out.get("md5") for out in outputs if out["path"] == path.as_posix()), None)


def cached_outputs(revision: str = "") -> dict[str, str]:
    """Return what DVC keeps of the state that dvc.lock names, here or at a commit: path to digest."""
    lock, in_cache = read_stages("dvc.lock", revision), cached_paths(read_stages("dvc.yaml", revision))
    outs = [out for stage in lock.values() for out in stage.get("outs", ())]
    return {out["path"]: str(out["md5"]) for out in outs if out["path"] in in_cache and out.get("md5")}


def cached_paths(plan: Mapping[str, Any]) -> set[str]:
    """Return the paths that DVC keeps, of all stages: those in git are not among them."""
    return {path for stage in plan.values() for path, in_git in _outputs(stage) if not in_git}


def _outputs(stage: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Return a stage's outputs, each with whether it is in git instead of DVC's cache."""
    for entry in (entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, ())):
        if isinstance(entry, str):
            yield entry, False
        else:
            yield from ((path, (said or {}).get("cache") is False) for path, said in entry.items())
