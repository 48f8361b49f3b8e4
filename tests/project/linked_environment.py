"""Environments that share the packages of one: a few files, made in 10 ms, where uv makes 15,000 in a second.

The library and the team's package come from the project's own folder, as in an environment that uv made. uv takes a
linked one for an empty one: when it syncs it, everything is installed there, and the link does not matter any more.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

LINK = "linked.pth"
ORIGIN = "linked-to"
_PYTHON = re.compile(rb"/[^\s'\"!]*/\.venv/bin/python")


def link(environment: Path, project: Path) -> None:
    """Give a project an environment whose packages are those of another environment."""
    folder, environment = project / ".venv", _linked_to(environment)
    (packages,) = environment.glob("lib/python*/site-packages")
    own = folder / packages.relative_to(environment)
    own.mkdir(parents=True)
    sources = [project / "src", project / "cd4ml/src"]
    lines = [*map(str, sources), f"import site; site.addsitedir({str(packages)!r})"]
    (own / LINK).write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copy2(environment / "pyvenv.cfg", folder)
    (folder / "bin").mkdir()
    for program in (environment / "bin").iterdir():
        _copy_program(program, folder / "bin")
    (folder / ORIGIN).write_text(str(environment), encoding="utf-8")
    (folder / "ready").write_text(f"{project.resolve()}\n", encoding="utf-8")  # what the Makefile looks at


def unlink(project: Path) -> None:
    """Leave in a linked environment only what was installed there."""
    for path in (project / ".venv").glob(f"lib/python*/site-packages/{LINK}"):
        path.unlink()


def _linked_to(environment: Path) -> Path:
    """Return the environment that a linked one is linked to; an environment that is not linked as it is."""
    origin = environment / ORIGIN
    return Path(origin.read_text(encoding="utf-8")) if origin.exists() else environment


def _copy_program(program: Path, folder: Path) -> None:
    """Copy a script, which names its Python; link to a program that is no script."""
    copy = folder / program.name
    with program.open("rb") as stream:
        is_script = stream.read(2) == b"#!"
    if program.is_symlink():
        shutil.copy2(program, copy, follow_symlinks=False)
    elif is_script:
        copy.write_bytes(_PYTHON.sub(f"{folder}/python".encode(), program.read_bytes()))
        copy.chmod(program.stat().st_mode)
    elif os.access(program, os.X_OK):
        copy.symlink_to(program)
