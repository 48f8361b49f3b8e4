"""Bring a project that was baked before up to date with a new bake, touching only what differs."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path


def baked_files(project: Path) -> set[str]:
    """The files a bake made, relative to the project; git's own are not among them."""
    files = (path.relative_to(project) for path in project.rglob("*") if path.is_file() or path.is_symlink())
    return {str(path) for path in files if path.parts[0] != ".git"}


def refresh(project: Path, baked: Path) -> tuple[Path, str]:
    """Make `project` hold what `baked` holds; returns it, and what changed in words.

    A file that is the same is left alone, so that nothing made from it is made again. What the bake does not
    know (the environment, data, models, the caches, git) stays. A file that the last bake made and this
    one does not is removed; a list beside the project remembers them.
    """
    made = project.with_name(f".{project.name}.json")
    files = baked_files(baked)
    if not project.exists():
        baked.rename(project)
        changed, gone, words = files, set(), f"made, {len(files)} files"
    else:
        before = set(json.loads(made.read_text(encoding="utf-8"))) if made.is_file() else set()
        changed = {name for name in files if differ(baked / name, project / name)}
        gone = {name for name in before - files if (project / name).exists()}
        for name in changed:
            put(baked / name, project / name)
        for name in gone:
            (project / name).unlink()
        words = f"{len(changed)} of {len(files)} files changed" if changed or gone else "nothing changed"
        words += f", {len(gone)} removed" if gone else ""
    new = made.with_name(f"{made.name}.{os.getpid()}")
    new.write_text(json.dumps(sorted(files)), encoding="utf-8")
    new.replace(made)
    return project, words


def differ(one: Path, other: Path) -> bool:
    """Whether `other` is missing, or differs in bytes or permissions."""
    if not other.is_file() or one.stat().st_mode != other.stat().st_mode:
        return True
    return one.read_bytes() != other.read_bytes()


def put(source: Path, target: Path) -> None:
    """Copy a file with its permissions, in one rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copy(source, new)
    new.replace(target)
