"""A project that moves to another platform, by the commands that cd4ml/docs/another-cloud.md shows."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.updating import Follower, TemplateRepository, copy_of_the_template

UPDATE = 'make update SET="platform=fargate" # cloud-run, fargate, aci or docker-host'


def template_here(folder: Path) -> TemplateRepository:
    """Return the template as it lies here, as a release of the version that it has."""
    template = copy_of_the_template(folder)
    template.release(template.version)
    return template


def move(project: Path, template: TemplateRepository, platform: str) -> str:
    """Bring a committed project to another platform, by the documented command; return what it printed."""
    assert documented(project)[0] == [UPDATE]
    return Follower(project, template).update("--set", f"platform={platform}")


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
