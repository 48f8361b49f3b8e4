"""The same inputs give the same bundle, byte for byte, whatever the process, its hash seed and its threads."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house_project import Project


def files(folder: Path) -> dict[str, bytes]:
    """Return what lies in a project's models/."""
    models = folder / "models"
    return {path.relative_to(models).as_posix(): path.read_bytes() for path in models.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("problem", "settings"),
    [
        ("binary", {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"}),
        ("multiclass", {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "3"}),
        ("regression", {"PYTHONHASHSEED": "3", "OMP_NUM_THREADS": "4"}),
    ],
)
def test_another_process_makes_the_same_bytes(
    tiny_projects: dict[str, Project], tmp_path: Path, problem: str, settings: dict[str, str]
) -> None:
    original = tiny_projects[problem].folder
    again = Path(shutil.copytree(original, tmp_path / "again", ignore=shutil.ignore_patterns("models")))

    for stage in ("train", "package"):
        command = [sys.executable, "-m", "cd4ml", "stage", stage]
        subprocess.run(command, cwd=again, env=os.environ | settings, check=True, timeout=120)

    assert files(again) == files(original)
    assert {"bundle/bundle.json", "bundle/model.onnx", "pipeline.skops"} <= files(again).keys()
