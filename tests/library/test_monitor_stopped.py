"""`cd4ml monitor` that is stopped, or cannot write: one line, and what an earlier run wrote stays whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cd4ml.cli import main
from damaged_log import NEWEST_DAYS
from house_project import Project
from served_log import LAST
from watched_project import OUTPUTS, let_it_answer, monitor

from tests.waiting import wait_for


@pytest.fixture(scope="module")
def watched(projects_with_reports: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an undamaged log of five weeks. Do not change it: make a copy."""
    project = projects_with_reports["binary"].copy_to(tmp_path_factory.mktemp("watched") / "project")
    let_it_answer(project)
    return project


@pytest.fixture
def project(watched: Project, tmp_path: Path) -> Project:
    return watched.copy_to(tmp_path / "copy")


def written(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.folder / OUTPUTS).iterdir()}


def test_ctrl_c_leaves_what_the_last_run_wrote(project, tmp_path):
    monitor(project)
    before = written(project)
    os.mkfifo(project.folder / f"log/date={NEWEST_DAYS[-1]}/zz.parquet")  # nobody writes into it: reading it never ends
    command = [sys.executable, "-m", "cd4ml", "monitor", "--log", "log", "--until", LAST]
    out = tmp_path / "out"
    with out.open("w") as file:
        process = subprocess.Popen(command, cwd=project.folder, stdout=file, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: "2024-07-22 to 2024-07-28" in out.read_text(), out.read_text)

        process.send_signal(signal.SIGINT)

        _, error = process.communicate(timeout=60)
    assert (process.returncode, error.strip()) == (130, "monitor: stopped")
    assert written(project) == before


@pytest.mark.parametrize(
    ("taken", "folder", "says"),
    [
        ("build/monitoring", False, "where a folder is needed; move it away (build/monitoring)"),
        ("build", False, "where a folder is needed; move it away (build/monitoring)"),
        ("build/monitoring/monitoring.json", True, "is needed; move it away (build/monitoring/monitoring.json)"),
    ],
)
def test_a_place_that_is_taken_is_named_in_one_line(project, capsys, taken, folder, says):
    place = project.folder / taken
    place.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        place.mkdir(parents=True)
    else:
        if place.is_dir():
            place.rmdir()
        place.write_text("taken")

    with project.inside():
        assert main(["monitor", "--log", "log", "--until", LAST]) == 1

    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    left = [path.name for path in (project.folder / OUTPUTS).iterdir()] if folder else []
    assert [name for name in left if name != "monitoring.json"] == []


def test_a_link_that_leads_nowhere_is_named_before_the_log_is_read(project, capsys):
    (project.folder / "build").mkdir(exist_ok=True)
    (project.folder / OUTPUTS).symlink_to("/nowhere/at/all")

    with project.inside():
        assert main(["monitor", "--log", "log", "--until", LAST]) == 1

    out, error = capsys.readouterr()
    assert "a file, or a link that leads nowhere, is where a folder is needed" in error
    assert "predictions" not in out


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(b""), "Parquet file size is 0 bytes"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "Parquet magic bytes not found"),
        (
            lambda path: path.write_bytes(path.read_bytes()[:4] + b"\0" * 300 + path.read_bytes()[304:]),
            "cannot be read",
        ),
    ],
)
def test_a_file_of_the_log_that_is_cut_short_is_named(project, capsys, damage, says):
    (path,) = (project.folder / f"log/date={NEWEST_DAYS[0]}").iterdir()
    damage(path)

    with project.inside():
        assert main(["monitor", "--log", "log", "--until", LAST]) == 1

    error = capsys.readouterr().err
    assert error.startswith(f"monitor: {path} cannot be read: ")
    assert says in error
    assert error.endswith("; remove or restore it\n")
