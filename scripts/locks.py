"""Make lock files again: the generated project's, of the default project with the name's placeholder put back, and the
template's own, with the same versions of what the library asks for."""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from scripts.pins.lookup import not_after

FOLDER = "<<cookiecutter.project_slug>>"
PLACEHOLDER = "<< cookiecutter.project_slug >>"


class LockError(Exception):
    """uv cannot lock; the message says what, and what to do."""


def relock_both(root: Path, before: datetime | None) -> None:
    """Lock the default project and the template itself; both lock files are replaced, or neither is.

    With `before`, the newest versions are taken that were released until then; without, the versions stay.

    Raises:
        LockError: uv cannot, or the template's own lock file cannot have the project's versions.
    """
    project, template = lock_files(root)
    old = {path: path.read_text(encoding="utf-8") for path in (project, template)}
    try:
        write(project, locked_project(root, before))
        lock(root, before)
        versions = versions_of(project)
        have(root, [f"{name}=={versions[name]}" for name in disagreeing(project, template)])
        if left := disagreeing(project, template):
            raise LockError(f"the template's own uv.lock cannot have the project's versions of {', '.join(left)}")
    except BaseException:
        for path, text in old.items():
            write(path, text)
        raise


def lock_files(root: Path) -> tuple[Path, Path]:
    """Return the lock files of the generated project and of the template."""
    return root / FOLDER / "uv.lock", root / "uv.lock"


def locked_project(root: Path, before: datetime | None) -> str:
    """Return the text of the lock file of the default project, with the placeholder for its name."""
    from cookiecutter.main import cookiecutter  # a second, which reading lock files does not need

    with tempfile.TemporaryDirectory() as folder:
        project = Path(
            cookiecutter(str(root), no_input=True, default_config=True, output_dir=folder, accept_hooks=False)
        )
        write(project / "uv.lock", lock_files(root)[0].read_text(encoding="utf-8").replace(PLACEHOLDER, project.name))
        lock(project, before)
        text = (project / "uv.lock").read_text(encoding="utf-8")
    return text.replace(f'"{project.name}"', f'"{PLACEHOLDER}"')


def have(root: Path, packages: Iterable[str]) -> None:
    """Let the template's own lock file have these versions, each written `name==version`.

    Raises:
        LockError: uv cannot.
    """
    words = [word for package in packages for word in ("--upgrade-package", package)]
    if words:
        run_uv_lock(root, *words)


def lock(folder: Path, before: datetime | None) -> None:
    """Lock a folder; the versions stay without `before`.

    Raises:
        LockError: uv cannot.
    """
    if before:
        run_uv_lock(folder, "--upgrade", *not_after(before))
    run_uv_lock(folder)  # takes the date out of the lock file again, which uv would else want in each later call


def run_uv_lock(folder: Path, *words: str) -> None:
    """Run `uv lock`.

    Raises:
        LockError: it fails.
    """
    done = subprocess.run(
        ["uv", "lock", "--quiet", *words], cwd=folder, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        waits = "--exclude-newer" in words
        raise LockError(
            f"uv could not lock {folder.name}, and the lock files are as they were"
            + ("; if the index does not know when files were uploaded: COOLDOWN=0" if waits else "")
            + f"\n{done.stderr.strip()}"
        )


def write(path: Path, text: str) -> None:
    """Replace a file in one step."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    if path.is_file():
        new.chmod(path.stat().st_mode)
    new.replace(path)


def disagreeing(project: Path, template: Path) -> list[str]:
    """Return what the library asks for, and the two lock files have in different versions."""
    ours, theirs = versions_of(project), versions_of(template)
    asked = {
        entry["name"]
        for package in tomllib.loads(project.read_text(encoding="utf-8"))["package"]
        if package["name"] == "cd4ml"
        for entry in package["metadata"]["requires-dist"]
        if entry.get("marker") in (None, *(f"extra == '{extra}'" for extra in ("delivery", "sklearn", "train")))
    }
    return sorted(name for name in asked - {"cd4ml"} if ours[name] != theirs.get(name))


def versions_of(lock: Path) -> dict[str, str]:
    """Return the newest version of each package in a lock file."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {package["name"]: package.get("version", "") for package in packages}
