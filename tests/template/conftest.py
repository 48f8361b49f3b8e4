"""Every combination of answers, baked once for all tests that look at it."""

from __future__ import annotations

import functools
import os
import subprocess
import sysconfig
from collections.abc import Callable
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CACHES, ROOT, Bake, Once

TEMPLATE = ROOT / "<<cookiecutter.project_slug>>"
LIBRARY = TEMPLATE / "cd4ml"
DEPLOY = LIBRARY / "src/cd4ml/deploy"
TOOLS = Path(sysconfig.get_path("scripts"))
"""Where the commands of this environment are: actionlint, cd4ml, ruff and others."""

PROBLEMS = ("classification", "regression")
CLOUDS = ("cloud-run", "fargate", "aci")
PLATFORMS = (*CLOUDS, "docker-host")
CREDENTIALS = ("service-account", "oidc")
REGISTRIES = ("cloud", "ghcr", "docker-hub")
LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary")


def verbs_of(platform: str) -> str:
    """The text that lists a platform's verbs."""
    return (DEPLOY / platform.replace("-", "_") / "verbs.txt").read_text(encoding="utf-8")


# Free text as people, and those who test us, type it. None of it may break a file of the project.
HOSTILE = {
    "project_name": r"""`<b>Bob's "R&D" \n {{ name }}</b>` *new* _model_ [x](y) $HOME 100% 🚀 نموذج""",
    "project_slug": "bobs-model",
    "description": r"""It's "quoted", C:\new, <script>&amp;, {{ x }} ${{ secrets.Y }} 👩‍🔬, האם יאחר? """
    + "long " * 42
    + "enough",
    "author": r"""O'Neil & "Søns" \ <o@example.org> 株式会社""",
    "github_owner": "0-Hostile-Owner-9",
}

DEPLOYED = {
    "-".join(chosen): dict(zip(("platform", "credentials", "registry"), chosen, strict=True))
    for chosen in (
        *product(CLOUDS, CREDENTIALS, REGISTRIES),
        *product(["docker-host"], ["service-account"], ["ghcr", "docker-hub"]),  # it has neither of the others
    )
}
"""Those that differ in how they are shipped."""

PLAINEST = {platform: next(name for name in DEPLOYED if name.startswith(platform)) for platform in PLATFORMS}
"""Of each platform, the one with a key, and the cloud's own registry where it has one."""

DEFAULT = "cloud-run-service-account-cloud"
"""The name of the combination that has every default."""

COMBINATIONS: dict[str, dict[str, str]] = {
    **DEPLOYED,
    **{
        f"{problem}-{chosen}": {"problem": problem, "license": chosen}
        for problem, chosen in product(PROBLEMS, LICENSES)
        if (problem, chosen) != (PROBLEMS[0], LICENSES[0])  # which is the default
    },
    "longest": {"project_slug": "a-very-long-name-of-forty-characters-abc"},
    "hostile": {**HOSTILE, "problem": "regression", "license": "Proprietary"},
}


@pytest.fixture(scope="session")
def combination(bake: Bake, once: Once) -> Callable[[str], Path]:
    """The project of a combination by its name, baked once. Not to be changed: copy it first."""

    @functools.cache
    def baked(name: str) -> Path:
        (project,) = once(f"baked-{name}", lambda into: bake(into=into, **COMBINATIONS[name])).iterdir()
        return project

    return baked


@pytest.fixture(scope="session", params=COMBINATIONS)
def project(request: pytest.FixtureRequest, combination: Callable[[str], Path]) -> Path:
    """A project of each combination in turn."""
    return combination(request.param)


LEFT_OUT = (".git", *CACHES)


@functools.cache
def files_of(folder: Path) -> frozenset[str]:
    """The names of a folder's files, relative to it; git's own, and what tools cached, are left out."""
    files = set()
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not any(fnmatch(name, left) for left in LEFT_OUT)]
        files |= {str(Path(parent, name).relative_to(folder)) for name in names}
    return frozenset(files)


def text_files(folder: Path) -> list[Path]:
    """Every file of a folder that is text."""
    return [folder / name for name in sorted(files_of(folder)) if not name.endswith(".parquet")]


def team_files(project: Path) -> list[Path]:
    """Every text file of a project outside the library."""
    names = sorted(name for name in files_of(project) if not name.startswith("cd4ml/"))
    return [project / name for name in names if not name.endswith(".parquet")]


def parse_yaml(text: str) -> list[Any]:
    """The documents of a YAML file."""
    return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def findings(*command: str | Path) -> str:
    """What a tool prints if it does not pass."""
    done = subprocess.run(
        [TOOLS / command[0], *command[1:]], capture_output=True, text=True, check=False, cwd=Path(command[-1]).parent
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
