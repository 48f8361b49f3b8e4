"""Whether dvc.lock names what git holds: the code, parameters and contract of this commit.

What DVC keeps is not looked at: a fresh clone has none of it, and a laptop may have another commit's.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..git import file_at

Reason = tuple[str, str]
"""A stage, and why it would run again."""


def stale() -> list[Reason]:
    """Return the stages that would run again although nothing but what DVC keeps is missing, with the reasons.

    Raises:
        UserError: dvc.yaml or dvc.lock cannot be read.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            status: dict[str, Any] = repo.status()
    except DvcException as failure:
        raise UserError(f"dvc status failed: {' '.join(str(failure).split())[:200]}") from None
    lock, plan = stages("dvc.lock"), stages("dvc.yaml")
    found = [
        *((stage, "was never run") for stage in plan if stage not in lock),
        *((stage, why) for stage in plan if stage in lock for why in reasons(status.get(stage, []), kept(plan))),
        *broken_chain(lock),
    ]
    return list(dict.fromkeys(found))


def kept(plan: Mapping[str, Any]) -> set[str]:
    """Return the paths that DVC keeps, of all stages: those in git are not among them."""
    return {path for stage in plan.values() for path, in_git in _outputs(stage) if not in_git}


def reasons(entries: list[Any], kept: set[str]) -> Iterator[str]:
    """Return why a stage would run again, as `dvc status` has it, but for what DVC keeps."""
    for entry in entries:
        if isinstance(entry, str):  # such as "changed command"
            yield entry
            continue
        for change in ("changed deps", "changed outs"):
            for path, how in entry.get(change, {}).items():
                if isinstance(how, dict):
                    yield f"{path}: {', '.join(how)}"
                elif not _within(path, kept):
                    yield f"{path}: {how}"


def broken_chain(lock: Mapping[str, Any]) -> Iterator[Reason]:
    """Return the stages that read another state of a file than the one that its own stage wrote last."""
    written = {out["path"]: out.get("md5") for stage in lock.values() for out in stage.get("outs", ())}
    for name, stage in lock.items():
        for read in stage.get("deps", ()):
            if read["path"] in written and read.get("md5") != written[read["path"]]:
                yield name, f"{read['path']}: made again since"


def _within(path: str, kept: set[str]) -> bool:
    return path in kept or any(path.startswith(f"{folder}/") for folder in kept)


def _outputs(stage: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Return a stage's outputs, each with whether it is in git instead of DVC's cache."""
    for entry in (entry for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, ())):
        if isinstance(entry, str):
            yield entry, False
        else:
            yield from ((path, (said or {}).get("cache") is False) for path, said in entry.items())


def named(revision: str = "") -> dict[str, str]:
    """Return what DVC keeps of the state that dvc.lock names, here or at a commit: path to digest."""
    lock, in_cache = stages("dvc.lock", revision), kept(stages("dvc.yaml", revision))
    outs = [out for stage in lock.values() for out in stage.get("outs", ())]
    return {out["path"]: str(out["md5"]) for out in outs if out["path"] in in_cache and out.get("md5")}


def stages(file: str, revision: str = "") -> dict[str, Any]:
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
