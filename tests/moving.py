"""A project that moves to another platform, by the commands that cd4ml/docs/another-cloud.md shows."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

GENERATE = "uvx cookiecutter gh:OWNER/cookiecutter-cd4ml --output-dir ../{}"


def move(project: Path, before: Path, after: Path) -> None:
    """Merge what differs between two generated projects into a third, by the documented commands.

    Both are copied to where those commands generate them.
    """
    for name, generated in (("before", before), ("after", after)):
        shutil.copytree(generated, project.parent / name / generated.name)
    choose, generate_before, generate_after, *merge = documented(project)[0]
    assert choose.startswith("export NAME=")
    assert [generate_before, generate_after] == [
        GENERATE.format("before"),
        f"{GENERATE.format('after')} platform=$TO",
    ]
    names = f"NAME={before.name} FROM={platform_of(before)} TO={platform_of(after)}"
    shell("\n".join([names, *merge]), project)


def platform_of(project: Path) -> str:
    """The platform in a project's settings."""
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    return str(pyproject["tool"]["cd4ml"]["platform"])


def keep_in(project: Path, remote: str) -> str:
    """The documented commands that take along what was kept in the old cloud."""
    return "\n".join(documented(project)[1]).replace("storage ...", f"storage {remote}")


def documented(project: Path) -> list[list[str]]:
    """The page's two blocks of commands."""
    page = (project / "cd4ml/docs/another-cloud.md").read_text(encoding="utf-8")
    return [block.strip().splitlines() for block in page.split("```")[1::2]]


def shell(command: str, folder: Path) -> str:
    """Run commands that must succeed, and return what they printed."""
    done = subprocess.run(["bash", "-euc", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
