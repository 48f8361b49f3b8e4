"""A project that moves to another platform, by the commands that docs/delivery.md shows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

NAMED = [f"export GIT_{who}_{what}=ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]


def move(project: Path, before: Path, after: Path) -> None:
    """Put what differs between two generated projects into a third, beside which they are put as the docs have it."""
    for name, generated in (("before", before), ("after", after)):
        shutil.copytree(generated, project.parent / name / generated.name)
    generate, _, *commands = documented(project)[0]
    assert generate.startswith("uvx cookiecutter ")
    shell("\n".join([*NAMED, *commands]), project)


def keep_in(project: Path, remote: str) -> str:
    """The documented commands that take along what was kept in the old cloud."""
    return "\n".join(documented(project)[1]).replace("storage ...", f"storage {remote}")


def documented(project: Path) -> list[list[str]]:
    """The two blocks of commands under "Another cloud"."""
    section = (project / "docs/delivery.md").read_text(encoding="utf-8").split("## Another cloud")[1]
    return [block.strip().splitlines() for block in section.split("```")[1::2]]


def shell(command: str, folder: Path) -> str:
    """Run commands that must succeed, and return what they printed."""
    done = subprocess.run(["bash", "-euc", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
