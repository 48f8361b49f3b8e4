"""Find the stages whose dvc.lock entry does not match this commit's code, parameters and contract.

Files that DVC keeps are ignored: a fresh clone has none of them, and a laptop may have those of another commit.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.dvc_lock import cached_paths, read_stages

Reason = tuple[str, str]
"""A stage, and why it would run again."""


def stale_stages() -> list[Reason]:
    """Return the stages that are out of date, each with a reason. A missing file that DVC keeps is not a reason.

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
    lock, plan = read_stages("dvc.lock"), read_stages("dvc.yaml")
    cached = cached_paths(plan)
    reasons = [
        *((stage, "was never run") for stage in plan if stage not in lock),
        *((stage, why) for stage in plan if stage in lock for why in changes(status.get(stage, []), cached)),
        *outdated_inputs(lock),
    ]
    return list(dict.fromkeys(reasons))


def changes(entries: list[Any], ignored: set[str]) -> Iterator[str]:
    """Return the changes that `dvc status` lists for a stage, except those of the ignored paths."""
    for entry in entries:
        if isinstance(entry, str):  # such as "changed command"
            yield entry
            continue
        for kind in ("changed deps", "changed outs"):
            for path, change in entry.get(kind, {}).items():
                if isinstance(change, dict):
                    yield f"{path}: {', '.join(change)}"
                elif not _within(path, ignored):
                    yield f"{path}: {change}"


def outdated_inputs(lock: Mapping[str, Any]) -> Iterator[Reason]:
    """Return the stages that read an older version of a file than the one that its own stage wrote last."""
    written = {out["path"]: out.get("md5") for stage in lock.values() for out in stage.get("outs", ())}
    for name, stage in lock.items():
        for dependency in stage.get("deps", ()):
            path = dependency["path"]
            if path in written and dependency.get("md5") != written[path]:
                yield name, f"{path}: written again since"


def _within(path: str, folders: set[str]) -> bool:
    return path in folders or any(path.startswith(f"{folder}/") for folder in folders)
