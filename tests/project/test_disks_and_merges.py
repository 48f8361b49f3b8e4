"""A full disk, one that cannot be written to, a damaged cache, a merge, two runs at once: nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

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


def test_a_full_disk_harms_nothing_and_says_so(small: Project, disks: ExitStack) -> None:
    models = small.folder / "models"
    disks.enter_context(disk(models, size(models) + 8))
    before = small.digest
    small.replace("params.yaml", "iterations: 10", "iterations: 40")

    refused = small.make("train", check=False)

    assert refused.returncode != 0
    assert "train: the disk is full; make room and run it again" in refused.stdout
    assert "Traceback" not in refused.stdout
    assert small.digest == before
    small.cd4ml("gate", check=False)
    assert not list(models.glob(".*new-*"))


def test_room_made_the_run_goes_on(small: Project, disks: ExitStack) -> None:
    models = small.folder / "models"
    disks.enter_context(disk(models, size(models) + 8))
    small.replace("params.yaml", "iterations: 10", "iterations: 40")
    assert small.make("train", check=False).returncode != 0

    subprocess.run(["mount", "-o", "remount,size=50m", str(models)], check=True)

    assert "Running stage 'validate'" not in small.make("train").stdout


def test_a_disk_that_cannot_be_written_to_is_said(small: Project, disks: ExitStack) -> None:
    reports = small.folder / "reports"
    disks.enter_context(disk(reports, size(reports) + 1000))
    before = small.state()
    subprocess.run(["mount", "-o", "remount,ro", str(reports)], check=True)
    small.replace("params.yaml", "bootstrap_rounds: 100", "bootstrap_rounds: 200")

    refused = small.make("train", check=False)

    assert refused.returncode != 0
    assert "evaluate: this folder is on a disk that cannot be written to" in refused.stdout
    assert "Traceback" not in refused.stdout
    small.replace("params.yaml", "bootstrap_rounds: 200", "bootstrap_rounds: 100")
    assert small.state() == before


def cached(small: Project, name: str) -> Path:
    """Where DVC's cache keeps a file that a bundle names."""
    content = (small.folder / name).read_bytes()
    (found,) = [
        path
        for path in (small.folder / ".dvc/cache/files").rglob("*")
        if path.is_file() and path.read_bytes() == content
    ]
    return found


def test_a_damaged_cache_is_noticed_and_mended(small: Project) -> None:
    before = small.state()
    model = cached(small, "models/bundle/model.onnx")
    model.chmod(0o644)
    model.write_bytes(model.read_bytes()[:-10])
    shutil.rmtree(small.folder / "models")
    small.make("undo")

    noticed = small.cd4ml("gate", check=False)
    assert noticed.returncode == 1
    assert "models/bundle: model.onnx was altered or cut short" in noticed.stdout

    mended = small.cd4ml("repair-cache").stdout
    assert f"removed {model.parent.name}{model.name}, which was damaged" in mended
    assert "make train" in mended
    small.make("train")
    assert small.state() == before
    assert "nothing is damaged" in small.cd4ml("repair-cache").stdout


def test_a_merge_in_conflict_is_resolved_by_the_command_it_names(small: Project) -> None:
    small.run("git", "switch", "--quiet", "--create", "theirs")
    small.replace("params.yaml", "iterations: 10", "iterations: 11")
    small.make("train")
    small.commit("theirs")
    small.run("git", "switch", "--quiet", "-")
    small.replace("params.yaml", "learning_rate: 0.05", "learning_rate: 0.06")
    small.replace("params.yaml", "bootstrap_rounds: 100", "bootstrap_rounds: 150")
    small.make("train")
    small.commit("ours")
    merged = small.run("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "merge", "theirs", check=False)
    assert "CONFLICT (content): Merge conflict in dvc.lock" in merged.stdout

    by_hand = small.make("train", check=False)
    assert "a merge left conflicts in params.yaml: resolve them, git add them, and run this again" in by_hand.stdout
    text = (small.folder / "params.yaml").read_text(encoding="utf-8")
    settled = re.sub(r"<{7} .*?\n(.*?)={7}\n.*?>{7} .*?\n", r"\1", text, flags=re.DOTALL)
    small.replace("params.yaml", text, settled)
    small.replace("params.yaml", "iterations: 10", "iterations: 11")
    small.run("git", "add", "params.yaml")

    refused = small.make("train", check=False)
    assert refused.returncode != 0
    assert "a merge left conflicts in dvc.lock or reports: make undo" in refused.stdout

    small.make("undo")
    small.make("train")
    small.commit("merged")
    assert small.read_json("reports/metrics.json")["rows"] > 0
    assert "<<<<" not in (small.folder / "dvc.lock").read_text(encoding="utf-8")
    assert "Running stage" not in small.make("train").stdout


def test_of_two_runs_at_once_one_goes_on(small: Project, tmp_path: Path) -> None:
    small.replace("params.yaml", "2013-02-28", "2013-03-31")
    first = small.start("make", "train", log=tmp_path / "first")
    second = small.start("make", "train", log=tmp_path / "second")
    try:
        ended = sorted(process.wait(180) for process in (first, second))
    finally:
        for process in (first, second):
            stop(process)

    said = (tmp_path / "first").read_text() + (tmp_path / "second").read_text()
    assert ended[0] == 0
    assert "Traceback" not in said
    assert small.read_json("models/bundle/bundle.json")["until"] == "2013-03-31"
    assert "Running stage" not in small.make("train").stdout
    assert ended[1] == 0 or "is busy, it is being blocked by" in said
