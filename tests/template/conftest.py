"""Every combination of answers, baked once for all tests that look at it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import Bake, Once

PROBLEMS = ("classification", "regression")
PLATFORMS = ("cloud-run", "fargate", "aci")
CREDENTIALS = ("service-account", "oidc")
REGISTRIES = ("cloud", "ghcr", "docker-hub")
LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary")

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

COMBINATIONS: dict[str, dict[str, str]] = {
    **{
        f"{problem}-{chosen}": {"problem": problem, "license": chosen}
        for problem, chosen in product(PROBLEMS, LICENSES)
    },
    **{
        "-".join(chosen): dict(zip(("platform", "credentials", "registry"), chosen, strict=True))
        for chosen in product(PLATFORMS, CREDENTIALS, REGISTRIES)
    },
    "longest": {"project_slug": "a-very-long-name-of-forty-characters-abc"},
    "hostile": {**HOSTILE, "problem": "regression", "license": "Proprietary"},
}


DEPLOYED = ["-".join(chosen) for chosen in product(PLATFORMS, CREDENTIALS, REGISTRIES)]
"""The names of those that differ in how they are shipped."""


@pytest.fixture(scope="session")
def combination(bake: Bake, once: Once) -> Callable[[str], Path]:
    """The project of a combination by its name, baked once."""

    @functools.cache
    def baked(name: str) -> Path:
        (project,) = once(f"baked-{name}", lambda into: bake(into=into, **COMBINATIONS[name])).iterdir()
        return project

    return baked


@pytest.fixture(scope="session", params=COMBINATIONS)
def project(request: pytest.FixtureRequest, combination: Callable[[str], Path]) -> Path:
    """A project of each combination in turn."""
    return combination(request.param)


def text_files(project: Path) -> list[Path]:
    """Every file of the project that is text; git's own, and what a tool cached in the template, are left out."""
    left_out = (".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv")
    files = sorted(path for path in project.rglob("*") if path.is_file() and path.suffix != ".parquet")
    return [path for path in files if not set(path.relative_to(project).parts).intersection(left_out)]
