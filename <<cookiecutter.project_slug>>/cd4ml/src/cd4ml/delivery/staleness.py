"""Whether dvc.lock names what git holds: the code, parameters and contract of this commit.

What DVC keeps is not looked at: a fresh clone has none of it, and a laptop may have another commit's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.dvc_lock import kept, stages

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
