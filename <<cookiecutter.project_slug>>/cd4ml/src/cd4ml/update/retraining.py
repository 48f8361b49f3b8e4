"""Whether an update makes DVC train again: which stages of dvc.yaml depend on what it changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

_MODEL = ("train", "package")  # a stage that decides what the bundle is


@dataclass(frozen=True)
class Rerun:
    """A stage that runs again, and why."""

    stage: str
    why: str


def reruns(before: Mapping[str, Any], after: Mapping[str, Any], changed: Collection[str]) -> list[Rerun]:
    """Return the stages that run again, in the order of dvc.yaml.

    Args:
        before: the stages of dvc.yaml.
        after: the same after the update.
        changed: the paths of all files that the update changes.
    """
    found = {name: why for name, stage in after.items() if (why := _why(stage, before.get(name), changed))}
    following = list(found)
    for first in following:  # which grows meanwhile
        written = [path for kind in ("outs", "metrics", "plots") for path in _paths(after[first], kind)]
        for name, stage in after.items():
            if name not in found and any(_overlap(read, path) for read in _paths(stage, "deps") for path in written):
                found[name] = f"after {first}"
                following.append(name)
    return [Rerun(name, found[name]) for name in after if name in found]


def sentence(stages: list[Rerun], *, has_model: bool) -> str:
    """Return whether the update trains again, for a person."""
    if not has_model:
        return "no model yet"
    model = [stage for stage in stages if stage.stage in _MODEL]
    if model:
        return f"yes: {model[0].stage} runs again ({model[0].why}); make train, then make gate"
    if stages:
        return f"no; of the pipeline, only {', '.join(stage.stage for stage in stages)} runs again: make train"
    return "no"


def _why(stage: Any, before: Any, changed: Collection[str]) -> str:
    if before is None:
        return "a new stage"
    for path in _paths(stage, "deps"):
        touched = [name for name in changed if _overlap(name, path)]
        if touched:
            return min(touched)
    parts = ("cmd", "deps", "params", "outs")
    return next((f"its {part} in dvc.yaml" for part in parts if stage.get(part) != before.get(part)), "")


def _overlap(one: str, other: str) -> bool:
    """Return whether two paths are the same, or one is a folder in which the other is."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _paths(stage: Any, kind: str) -> list[str]:
    """Return the paths under a key of a stage, where each entry is a path, or a path with settings."""
    entries = stage.get(kind, ())
    return [next(iter(entry)) if isinstance(entry, dict) else str(entry) for entry in entries]
