"""uv.lock after an update: the template's, locked again with what the project installs besides. It is never merged."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cd4ml.files.git import run_command
from cd4ml.files.temporary import temporary_folder
from cd4ml.update.project_toml import parse_toml
from cd4ml.update.record import UpdateError
from cd4ml.update.template import numbers
from cd4ml.update.template_uv import uv
from cd4ml.update.trees import write_files

LOCK = "uv.lock"
PYPROJECTS = ("pyproject.toml", "cd4ml/pyproject.toml", "uv.toml")
_TIMEOUT = 600  # seconds: uv may have to ask an index for hundreds of packages
_LONGEST = 300  # characters of uv's reason


@dataclass(frozen=True)
class Locked:
    """The new uv.lock, and what a person has to know of it."""

    text: str
    note: str


@dataclass(frozen=True)
class Surroundings:
    """Files besides a project's pyproject.toml from which uv may lock, such as other packages of the repository."""

    tree: str
    """Of the repository."""
    project: str
    """The project's folder in it."""


def locked(
    pyprojects: Mapping[str, str],
    generated: Mapping[str, str],
    ours: str | None,
    old: str,
    new: str,
    around: Surroundings | None = None,
) -> Locked:
    """Return the uv.lock of an updated project.

    Args:
        pyprojects: the texts of the pyproject.toml, and of uv.toml if there is one, after the merge, by path.
        generated: the same as the template generates them.
        ours: the project's uv.lock; None if it has none.
        old: the template's, of which the project was made.
        new: the template's, of the version that the project is brought to.
        around: what the project's pyproject.toml may name by a path.

    Raises:
        UpdateError: uv finds no versions that fit, or the project's uv.lock is not TOML.
    """
    if any("<" * 7 in text for text in pyprojects.values()):
        return Locked(new, "the template's; after the conflict in pyproject.toml: uv lock")
    for path, content in pyprojects.items():
        try:
            tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:  # such as a table that both sides added, in different places
            return Locked(
                new, f"the template's; {path} is not valid TOML after the merge ({error}): mend it, then uv lock"
            )
    newer = newer_here(*(versions_of(text) for text in (ours or new, old, new)))
    same = all(_asked(pyprojects[path]) == _asked(generated.get(path, "")) for path in pyprojects)
    if same and not newer:
        return Locked(new, "the template's")
    wanted = [f"{name}=={version}" for name, version in sorted(newer.items())]
    around = around if any(map(names_a_path, pyprojects.values())) else None
    text, failure = _lock(pyprojects, new, wanted, around)
    if text is not None:
        return Locked(text, f"the template's, locked again; {len(wanted)} versions are the project's own")
    if wanted:
        text, failure = _lock(pyprojects, new, [], around)
    if text is None:
        raise UpdateError(f"uv lock: {failure}; nothing was changed")
    return Locked(text, f"the template's, locked again; not kept, as they do not fit any more: {', '.join(wanted)}")


def newer_here(ours: Mapping[str, str], old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return the versions that a project keeps: of its own packages, and those that it raised above the template's."""
    return {
        name: version
        for name, version in ours.items()
        if (name not in new and name not in old)
        or (name in new and version != old.get(name) and numbers(version) > numbers(new[name]))
    }


def versions_of(lock: str) -> dict[str, str]:
    """Return the version of each package in a lock file that an index has; of several, the last."""
    packages = parse_toml(lock, LOCK).get("package", [])
    return {one["name"]: one["version"] for one in packages if "version" in one and "registry" in one["source"]}


def names_a_path(pyproject: str) -> bool:
    """Return whether a pyproject.toml, or uv.toml, takes packages from folders or files, besides the library's own."""
    content = tomllib.loads(pyproject)
    uv = content.get("tool", {}).get("uv", content)
    if set(uv.get("workspace", {}).get("members", ())) - {"cd4ml"}:
        return True
    sources = [
        one for source in uv.get("sources", {}).values() for one in (source if isinstance(source, list) else [source])
    ]
    indexes = [*uv.get("find-links", ()), *(index.get("url", "") for index in uv.get("index", ()))]
    return any("path" in source for source in sources) or any("://" not in address for address in indexes)


def _asked(pyproject: str) -> dict[str, Any]:
    """Return all that uv locks by, of a pyproject.toml."""
    content = tomllib.loads(pyproject)
    project, uv = content.get("project", {}), content.get("tool", {}).get("uv", {})
    keys = ("name", "version", "requires-python", "dependencies", "optional-dependencies")
    return {key: project.get(key) for key in keys} | {"groups": content.get("dependency-groups"), "uv": uv}


def _lock(
    pyprojects: Mapping[str, str], lock: str, wanted: list[str], around: Surroundings | None
) -> tuple[str | None, str]:
    """Return what `uv lock` makes of a lock file, or None with the reason."""
    with temporary_folder("lock-") as scratch:
        folder = scratch / (around.project if around else "")
        if around:
            write_files(around.tree, scratch)
        for path, text in {**pyprojects, LOCK: lock}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        words = [word for version in wanted for word in ("--upgrade-package", version)]
        command = [*uv(), "lock", "--quiet", "--directory", str(folder), *words]
        done = run_command(command, _TIMEOUT)
        if done.returncode:
            lines = [re.sub(r"^\W+", "", line).strip() for line in done.stderr.splitlines() if line.strip()]
            return None, next((line for line in lines if "Because " in line), [*lines, "no reason given"][0])[:_LONGEST]
        return Path(folder, LOCK).read_text(encoding="utf-8"), ""
