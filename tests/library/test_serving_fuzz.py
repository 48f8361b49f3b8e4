"""Schemathesis finds no difference between what the OpenAPI document promises and what the service does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from house_project import Project
from running_service import serving
from test_serving_hostile import MORE_MEMORY, memory_of

pytestmark = pytest.mark.slow

KEY = "first-key-of-the-service"
MORE_COLUMNS = """\
  listed: {type: timestamp, timezone: UTC}
  checked: {type: timestamp}
  agent: {type: category}
  grade: {type: category, values: [a, b], nullable: true}
  kin "d": {type: category, values: [x, y], unknown: allow}
  garages: {type: integer, nullable: true}
  slope: {type: number}
  sunny: {type: boolean}
"""


@pytest.fixture(scope="module")
def every_type(tmp_path_factory):
    """The bundle of a contract that has columns of every type, with and without nulls, and a name to be escaped."""
    project = Project(tmp_path_factory.mktemp("every_type"), "multiclass")
    project.write("contract.yaml", (project.folder / "contract.yaml").read_text(encoding="utf-8") + MORE_COLUMNS)
    project.replace(
        "src/houses/features.py",
        "    return features",
        "    del features['listed'], features['checked']\n    return features",
    )
    table = project.table
    rng, rows = np.random.default_rng(0), len(table)
    times = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 9000, rows), "h")
    project.table = table.assign(
        listed=times.strftime("%Y-%m-%dT%H:%M:%SZ"),
        checked=times.strftime("%Y-%m-%dT%H:%M:%S"),
        agent=rng.choice(["Ana", "Bo"], rows),
        grade=rng.choice(["a", "b", None], rows),
        garages=rng.integers(0, 3, rows),
        slope=rng.normal(0, 9, rows),
        sunny=rng.choice(["true", "false"], rows),
        **{'kin "d"': rng.choice(["x", "y"], rows)},
    )
    project.run("ingest", "validate", "split", "train", "package")
    return project.bundle


@pytest.mark.parametrize(
    ("settings", "examples"),
    [
        pytest.param({}, 200, id="open"),
        pytest.param({"SERVICE_API_KEYS": KEY, "ROOT_PATH": "/models/houses"}, 200, id="keys"),
        # 30 cases a second: what schemathesis needs to make and to check them
        pytest.param({}, 1800, id="2,000 cases", marks=pytest.mark.drill),
    ],
)
def test_schemathesis_finds_nothing(every_type, settings, examples, tmp_path, capsys):
    report = tmp_path / "requests.har"
    with serving(every_type, **settings) as (process, url):
        before = memory_of(process)
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
        command += ["--checks", "all", "--max-examples", str(examples), "--seed", "1", "--workers", "1", "--no-color"]
        command += ["--request-timeout", "10", "--report", "har", "--report-har-path", str(report)]
        command += ["--generation-database", "none"]
        command += ["--header", f"Authorization: Bearer {KEY}"] if settings else []
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ, timeout=580)
        more = memory_of(process) - before

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    cases, statuses = _cases(report)
    with capsys.disabled():
        print(f"\n{cases} cases of schemathesis; {more / 2**20:+.0f} MB since the start")
    assert cases >= examples + 200
    assert statuses["/predict"] >= {200, 415, 422} | ({401} if settings else set()), statuses
    assert statuses["/version"] >= {200}
    assert more < MORE_MEMORY


def _cases(report):
    """Return the number of requests and the statuses by path, so that a run that tested nothing is noticed."""
    entries, statuses = json.loads(report.read_text(encoding="utf-8"))["log"]["entries"], {}
    for entry in entries:
        path = "/" + entry["request"]["url"].rpartition("/")[2].partition("?")[0]
        statuses.setdefault(path, set()).add(entry["response"]["status"])
    return len(entries), statuses
