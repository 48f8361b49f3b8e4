"""The team's code can be stepped through in a debugger, and coverage counts its lines, though the library calls it."""

import bdb
import json
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from cd4ml.bundle.bundle import Bundle
from house_project import FEATURES, MODEL, Project

METRICS = """\
def within_ten(y, p, weights):
    \"\"\"Share of the probabilities that are less than a tenth away.\"\"\"
    close = abs(y - p) < 0.1
    return close.mean()
"""
SPLIT = """\
def in_test_set(table):
    \"\"\"Houses of one street.\"\"\"
    road = table["street"]
    return road == "Elm Road"
"""
TEST_OF_A_TEAM = """\
from pathlib import Path

from cd4ml.bundle.bundle import Bundle


def test_the_model_answers():
    bundle = Bundle.load(Path("models/bundle"))
    assert bundle.scores_of_rows([bundle.contract.sample_row()]).shape == (1, 2)
"""


class Debugger(bdb.Bdb):
    """A debugger that notes where it stops, and goes on: pdb and those of editors are made of the same."""

    def __init__(self) -> None:
        super().__init__()
        self.stops: list[tuple[str, dict[str, Any]]] = []

    def user_line(self, frame: FrameType) -> None:
        if self.break_here(frame):
            self.stops.append((f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}", dict(frame.f_locals)))
        self.set_continue()


@pytest.fixture
def written(project: Project) -> Project:
    """A project with every file that a team may write."""
    project.write("src/houses/metrics.py", METRICS)
    project.write("src/houses/split.py", SPLIT)
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "evaluate: {bootstrap_rounds: 100}\n")
    return project


def line_of(text: str, part: str) -> int:
    (number,) = (number for number, line in enumerate(text.splitlines(), 1) if part in line)
    return number


BREAKPOINTS = {
    "features.py": line_of(FEATURES, 'features["age"] ='),
    "model.py": line_of(MODEL, "encoded = ColumnTransformer("),
    "metrics.py": line_of(METRICS, "close ="),
    "split.py": line_of(SPLIT, "road = "),
}


def test_a_breakpoint_in_the_teams_file_is_hit_in_every_stage(written: Project) -> None:
    debugger = Debugger()
    for name, line in BREAKPOINTS.items():
        assert debugger.set_break(str(written.folder / "src/houses" / name), line) is None

    hit: dict[str, set[str]] = {}
    for stage in ("ingest", "validate", "split", "train", "package", "evaluate"):
        debugger.stops.clear()
        debugger.runcall(written.run, stage)
        hit[stage] = {stop.partition(":")[0] for stop, _ in debugger.stops}
        if stage == "train":
            features = next(
                values for stop, values in debugger.stops if stop == f"features.py:{BREAKPOINTS['features.py']}"
            )

    assert hit["split"] == {"split.py"}
    assert hit["train"] == {"features.py", "model.py"}
    assert "features.py" in hit["package"]
    assert hit["evaluate"] == {
        "features.py",
        "metrics.py",
    }  # the bundle's copy is shown as the file that it was copied from
    assert set(features) >= {"columns", "features"}
    assert set(features["columns"]) == {"size", "rooms", "heated", "district", "street", "built"}


def covered(project: Project, *command: str) -> dict[str, list[int]]:
    """Run a Python program under coverage of `src`; return the lines that ran, by the name of the file."""
    for arguments in (["run", "--source=src", *command], ["json", "--quiet", "-o", "coverage.json"]):
        run = [sys.executable, "-m", "coverage", *arguments]
        done = subprocess.run(run, cwd=project.folder, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    files = json.loads((project.folder / "coverage.json").read_text(encoding="utf-8"))["files"]
    return {Path(name).name: file["executed_lines"] for name, file in files.items()}


def test_coverage_counts_the_lines_that_the_library_runs(written: Project) -> None:
    written.run("ingest", "validate", "split")

    lines = covered(written, "-m", "cd4ml", "stage", "train")

    for name in ("features.py", "model.py"):
        assert BREAKPOINTS[name] in lines[name]
    assert lines["metrics.py"] == []


def test_coverage_of_a_teams_tests_counts_the_features_that_a_bundle_computes(written: Project) -> None:
    written.run("ingest", "validate", "split", "train", "package")
    written.write("tests/test_answers.py", TEST_OF_A_TEAM)

    lines = covered(written, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")

    assert BREAKPOINTS["features.py"] in lines["features.py"]


def test_a_bundle_with_other_features_than_the_project_shows_its_own(written: Project) -> None:
    written.run("ingest", "validate", "split", "train", "package")
    written.write("src/houses/features.py", f"# edited\n{FEATURES}")
    debugger = Debugger()
    debugger.set_break(str(written.folder / "src/houses/features.py"), BREAKPOINTS["features.py"] + 1)
    debugger.set_break(str(written.bundle / "features.py"), BREAKPOINTS["features.py"])

    with written.inside():
        bundle = Bundle.load(Path("models/bundle"))
        debugger.runcall(bundle.scores_of_rows, [bundle.contract.sample_row()])

    assert [stop for stop, _ in debugger.stops] == [f"features.py:{BREAKPOINTS['features.py']}"]
