"""A file or folder is written whole or not at all, and what a killed run left behind goes away."""

import os
import subprocess
import sys

import pytest
from cd4ml.files.atomic import replacing, replacing_folder, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_that_could_not_be_finished_leaves_the_old_one(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half" * (1 // 0))

    assert (tmp_path / "a.txt").read_text() == "old\n"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_that_could_not_be_finished_leaves_the_old_one(tmp_path):
    with replacing_folder(tmp_path / "b") as temporary:
        (temporary / "one").write_text("1")

    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "b") as temporary:
        (temporary / "two").write_text("half" * (1 // 0))

    assert names(tmp_path) == ["b"]
    assert names(tmp_path / "b") == ["one"]


def test_a_folder_takes_the_place_of_one_that_is_not_empty(tmp_path):
    for name in ("one", "two"):
        with replacing_folder(tmp_path / "b") as temporary:
            (temporary / name).write_text(name)

    assert names(tmp_path / "b") == ["two"]


def test_what_a_killed_run_left_is_removed_and_a_running_ones_is_not(tmp_path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / f".b.new-{int(gone.stdout)}").mkdir()
    (tmp_path / f".b.new-{os.getppid()}").mkdir()

    with replacing_folder(tmp_path / "b"):
        pass

    assert names(tmp_path) == [f".b.new-{os.getppid()}", "b"]
