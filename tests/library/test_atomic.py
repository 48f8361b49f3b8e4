"""A file or folder is written whole or not at all, and the leftovers of a killed run are removed."""

import os
import subprocess
import sys

import pytest
from cd4ml.files.atomic import replacing, replacing_folder, scratch_folder, write_durably, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_write_keeps_the_old_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half" * (1 // 0))

    assert (tmp_path / "a.txt").read_text() == "old\n"
    assert names(tmp_path) == ["a.txt"]


def test_a_durable_write_that_fails_keeps_the_old_file(tmp_path, monkeypatch):
    write_durably(tmp_path / "day" / "a", b"old")
    fail = OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(fail))

    with pytest.raises(OSError, match="No space left"):
        write_durably(tmp_path / "day" / "a", b"new")

    assert (tmp_path / "day" / "a").read_bytes() == b"old"
    assert names(tmp_path / "day") == ["a"]


def test_a_failed_write_keeps_the_old_folder(tmp_path):
    with replacing_folder(tmp_path / "b") as temporary:
        (temporary / "one").write_text("1")

    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "b") as temporary:
        (temporary / "two").write_text("half" * (1 // 0))

    assert names(tmp_path) == ["b"]
    assert names(tmp_path / "b") == ["one"]


def test_a_folder_replaces_one_that_is_not_empty(tmp_path):
    for name in ("one", "two"):
        with replacing_folder(tmp_path / "b") as temporary:
            (temporary / name).write_text(name)

    assert names(tmp_path / "b") == ["two"]


def test_leftovers_of_a_killed_run_are_removed_and_files_of_a_running_one_are_not(tmp_path):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / f".b.new-{int(ended.stdout)}").mkdir()
    (tmp_path / f".b.new-{os.getppid()}").mkdir()

    with replacing_folder(tmp_path / "b"):
        pass

    assert names(tmp_path) == [f".b.new-{os.getppid()}", "b"]


def test_what_a_killed_run_of_the_same_process_number_left_is_in_nobodys_way(tmp_path):
    left = tmp_path / f".b.new-{os.getpid()}"  # in containers, numbers come again
    left.mkdir()
    (left / "half").write_text("x")

    with scratch_folder(tmp_path / "b") as temporary:
        assert list(temporary.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
