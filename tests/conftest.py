"""How tests get a project baked from this template, and what happens where a machine lacks something."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parent.parent

Bake = Callable[..., Path]


@pytest.fixture(scope="session")
def bake(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """`bake(into=None, template=ROOT, **answers)`: the project made from answers, defaults for the rest.

    Runs in this process, apart from the user's own cookiecutter settings and records.
    """
    records = tmp_path_factory.mktemp("cookiecutter")
    settings: dict[str, Any] = {"replay_dir": str(records), "cookiecutters_dir": str(records)}

    def run(into: Path | None = None, template: Path = ROOT, **answers: str) -> Path:
        folder = into or tmp_path_factory.mktemp("baked")
        project = cookiecutter(
            str(template),
            no_input=True,
            extra_context=answers,
            output_dir=str(folder),
            default_config=settings,
        )
        return Path(project)

    return run


@pytest.fixture(scope="session")
def need() -> Callable[[str, object, str], None]:
    """`need("docker", present, "no container engine answers")`: skip with the reason when it is not present.

    A machine that promises the capability (its name is in $CD4ML_EXPECT) fails instead of skipping.
    """
    promised = os.environ.get("CD4ML_EXPECT", "").split()

    def check(capability: str, present: object, reason: str) -> None:
        if present:
            return
        if capability in promised:
            pytest.fail(f"{reason}, though CD4ML_EXPECT promises {capability}")
        pytest.skip(reason)

    return check
