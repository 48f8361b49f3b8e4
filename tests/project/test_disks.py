"""A full disk, one that cannot be written to, two runs at once: nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cd4ml.bundle.bundle import Bundle

from tests.project.baked import Project, stop


def can_mount(folder: Path) -> bool:
    """Whether this user may mount a disk: root outside of a confined container."""
    if not shutil.which("mount") or os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return False
    subprocess.run(["umount", str(folder)], check=True)
    return True


@contextmanager
def disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Put a small disk under a folder, holding what the folder holds."""
    kept = folder.with_name(f"{folder.name}.kept")
    shutil.copytree(folder, kept, symlinks=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=True)
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True, symlinks=True)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(kept)


@pytest.fixture
def disks(need: Callable[[str, object, str], None], tmp_path: Path) -> Iterator[ExitStack]:
    """Where mounted disks are kept until the test is over."""
    need("mount", can_mount(tmp_path), "only root can mount a small disk to fill")
    with ExitStack() as mounted:
        yield mounted


def size(folder: Path) -> int:
    """The kilobytes that a small disk needs for what a folder holds."""
    return sum(path.stat().st_size // 4096 * 4 + 4 for path in folder.rglob("*")) + 4


def test_a_full_disk_harms_nothing_and_with_room_the_run_goes_on(small: Project, disks: ExitStack) -> None:
    models = small.folder / "models"
    disks.enter_context(disk(models, size(models) + 8))
    before = small.digest
    small.replace("params.yaml", "iterations: 10", "iterations: 40")

    rejected = small.make("train", check=False)

    assert rejected.returncode != 0
    assert "train: the disk is full; free some space, then run this again" in rejected.stdout
    assert "Traceback" not in rejected.stdout
    assert small.digest == before
    Bundle.load(small.folder / "models/bundle")

    subprocess.run(["mount", "-o", "remount,size=50m", str(models)], check=True)
    goes_on = small.make("train").stdout
    assert "Running stage 'validate'" not in goes_on
    assert small.digest != before
    assert not list(models.glob(".*new-*"))


def test_a_disk_that_cannot_be_written_to_is_named(small: Project, disks: ExitStack) -> None:
    reports = small.folder / "reports"
    disks.enter_context(disk(reports, size(reports) + 1000))
    before = small.state()
    subprocess.run(["mount", "-o", "remount,ro", str(reports)], check=True)
    small.replace("params.yaml", "bootstrap_rounds: 100", "bootstrap_rounds: 200")

    rejected = small.make("train", check=False)

    assert rejected.returncode != 0
    assert "evaluate: this folder is on a disk that cannot be written to" in rejected.stdout
    assert "Traceback" not in rejected.stdout
    small.replace("params.yaml", "bootstrap_rounds: 200", "bootstrap_rounds: 100")
    assert small.state() == before


def test_of_two_runs_at_once_one_goes_on(small: Project, tmp_path: Path) -> None:
    before = small.digest
    small.replace("params.yaml", "iterations: 10", "iterations: 12")
    first = small.start("make", "train", log=tmp_path / "first")
    second = small.start("make", "train", log=tmp_path / "second")
    try:
        ended = sorted(process.wait(180) for process in (first, second))
    finally:
        for process in (first, second):
            stop(process)

    printed = (tmp_path / "first").read_text() + (tmp_path / "second").read_text()
    assert ended[0] == 0
    assert "Traceback" not in printed
    assert small.digest != before
    assert "Running stage" not in small.make("train").stdout
    assert ended[1] == 0 or "is busy, it is being blocked by" in printed
