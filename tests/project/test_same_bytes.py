"""The same inputs give the same files, byte for byte, whatever the process, the hash seed and the number of cores."""

from __future__ import annotations

import os

import pytest

from tests.project.baked import Project


def test_made_again_on_one_core(small: Project) -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not say which cores a process may use")
    before, cores = small.state(), os.sched_getaffinity(0)

    os.sched_setaffinity(0, {min(cores)})
    try:
        small.dvc("repro", "--force", "--no-run-cache", settings={"PYTHONHASHSEED": "1"})
    finally:
        os.sched_setaffinity(0, cores)

    assert small.state() == before
