"""The same inputs give the same bundle, byte for byte, whatever the process, the hash seed and the number of cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.project.baked import Project


@pytest.mark.parametrize(
    ("trained", "settings"),
    [
        ("classifier", {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"}),
        ("quick", {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "4"}),
        ("regressor", {"PYTHONHASHSEED": "3", "OMP_NUM_THREADS": "1"}),
    ],
)
def test_made_again(trained: str, settings: dict[str, str], request: pytest.FixtureRequest, tmp_path: Path) -> None:
    original: Project = request.getfixturevalue(trained)
    again = original.copy(tmp_path)

    again.run("uv", "run", "dvc", "repro", "--force", "--no-run-cache", settings=settings)

    assert again.state() == original.state()


def test_made_again_on_one_core(small: Project) -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not say which cores a process may use")
    before = small.state()

    small.run("taskset", "-c", "0", "uv", "run", "dvc", "repro", "--force", "--no-run-cache")

    assert small.state() == before
