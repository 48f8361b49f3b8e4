"""The same rows make the same table wherever they come from; an error shows no secret."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest

from tests.delivery import clouds
from tests.project import postgresql
from tests.project.baked import Project
from tests.project.linked_environment import link

Need = Callable[[str, object, str], None]

WRONG_KEY = "d3Jvbmcga2V5" * 4
CLOUDS = {"s3": clouds.s3, "gs": clouds.gcs, "az": clouds.azure}

UPLOAD = """
import sys, fsspec
scheme, *files = sys.argv[1:]
filesystem = fsspec.filesystem(scheme)
filesystem.mkdir("rows")
for file in files:
    filesystem.put_file(file, "rows/2013/" + file.rpartition("/")[2])
"""

FILL = """
import sys, pandas as pd, sqlalchemy as sql
engine = sql.create_engine(sys.argv[1].replace("postgresql:", "postgresql+psycopg:"))
rows = pd.concat(pd.read_parquet(file) for file in sys.argv[2:])
with engine.begin() as connection:
    connection.execute(sql.text("CREATE SEQUENCE counter"))
rows.sample(frac=1, random_state=0).to_sql("flights", engine, index=False, chunksize=2000, method="multi")
"""


@pytest.fixture(scope="module")
def connected(quick: Project, every_driver: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small project with every driver installed."""
    project = quick.copy(tmp_path_factory.mktemp("connected"))
    shutil.rmtree(project.folder / ".venv")
    link(every_driver, project.folder)
    return project


@pytest.fixture
def project(connected: Project) -> Iterator[Project]:
    """The same for one test, after which its parameters are as they were."""
    before = (connected.folder / "params.yaml").read_bytes()
    yield connected
    (connected.folder / "params.yaml").write_bytes(before)


@pytest.fixture(scope="module", params=CLOUDS)
def cloud(
    request: pytest.FixtureRequest, connected: Project, need: Need, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """A cloud's scheme and settings; its bucket `rows` holds the first two months."""
    with CLOUDS[request.param](need, tmp_path_factory.mktemp(request.param)) as settings:
        connected.run(connected.python, "-c", UPLOAD, request.param, *months(connected), settings=settings)
        yield request.param, settings


@pytest.fixture(scope="module")
def database(need: Need, connected: Project) -> Iterator[str]:
    """The address of a PostgreSQL database with the first two months, in no order."""
    need("postgresql", postgresql.programs(), "PostgreSQL is not installed")
    with postgresql.start() as address:
        connected.run(connected.python, "-c", FILL, address, *months(connected))
        yield address


def months(project: Project) -> list[str]:
    return [f"data/source/2013-{month:02}.parquet" for month in (1, 2)]


def ingest(project: Project, source: str, query: str = "null", **settings: str) -> subprocess.CompletedProcess[str]:
    project.replace("params.yaml", "source: data/source/*.parquet", f'source: "{source}"')
    project.replace("params.yaml", "query: null", f"query: {query}")
    return project.cd4ml("stage", "ingest", check=False, settings=settings)


def raw(project: Project) -> bytes:
    return (project.folder / "data/raw.parquet").read_bytes()


def test_a_bucket_gives_what_the_folder_gives(project: Project, cloud: tuple[str, dict[str, str]]) -> None:
    scheme, settings = cloud
    before = raw(project)
    (project.folder / "data/raw.parquet").unlink()

    result = ingest(project, f"{scheme}://rows/2013/*.parquet", **settings)

    assert result.returncode == 0, result.stdout
    assert raw(project) == before
    assert list((project.folder / "data").glob(".download*")) == []


def test_a_bucket_that_cannot_be_read_is_an_error_in_two_lines(
    project: Project, cloud: tuple[str, dict[str, str]]
) -> None:
    scheme, settings = cloud
    nobody = {name: re.sub(r"(http://127\.0\.0\.1):\d+", r"\1:9", value) for name, value in settings.items()}
    cases = [
        ("rows/2014/*.parquet", settings, "matches no object; fix it, or put rows there"),
        ("nothing/2013/2013-01.parquet", settings, "there is no such object or bucket"),
    ]
    if scheme == "az":  # the other emulators take any key
        wrong = {name: value.replace(clouds.AZURE_KEY, WRONG_KEY) for name, value in settings.items()}
        cases.append(("rows/2013/*.parquet", wrong, "check the credentials in the environment"))
    if scheme == "s3":  # the others' libraries try for half a minute and longer
        cases.append(
            ("rows/2013/2013-01.parquet", nobody, "check the address and the credentials, and that the server is up")
        )
    text, before = (project.folder / "params.yaml").read_text(), raw(project)
    for place, credentials, message in cases:
        (project.folder / "params.yaml").write_text(text)
        rejected = ingest(project, f"{scheme}://{place}", **credentials)
        print(rejected.stdout)

        assert rejected.returncode == 1
        assert message in rejected.stdout
        assert len(rejected.stdout.splitlines()) == 2
        assert not any(secret in rejected.stdout for secret in ("s3cret-of-aws", clouds.AZURE_KEY, WRONG_KEY))
    assert raw(project) == before


def test_a_lake_in_a_bucket_gives_the_rows_of_the_days_that_the_query_asks_for(
    project: Project, cloud: tuple[str, dict[str, str]]
) -> None:
    scheme, settings = cloud
    before, expected = raw(project), pd.concat(pd.read_parquet(project.folder / path) for path in months(project))
    project.replace("params.yaml", '2013-02-28"', '2013-02-10"\n  window_days: 20')
    project.replace("params.yaml", "  window_days: null # the", "  # the")
    query = (
        f"SELECT * FROM read_parquet('{scheme}://rows/2013/*.parquet') "
        "WHERE scheduled_departure >= :first AND scheduled_departure < :after"
    )

    result = ingest(project, "duckdb://", query, **settings)

    assert result.returncode == 0, result.stdout
    days = (expected["scheduled_departure"] >= "2013-01-22") & (expected["scheduled_departure"] < "2013-02-11")
    assert len(pd.read_parquet(project.folder / "data/raw.parquet")) == days.sum() > 1000

    (project.folder / "params.yaml").write_text(
        (project.folder / "params.yaml").read_text().replace("/2013/", "/2014/")
    )
    (project.folder / "data/raw.parquet").write_bytes(before)
    missing = project.cd4ml("stage", "ingest", check=False, settings=settings)
    assert missing.returncode == 1
    assert "No files found" in missing.stdout
    assert "Traceback" not in missing.stdout


def test_postgresql_gives_the_same_rows(project: Project, database: str) -> None:
    expected = pd.read_parquet(project.folder / "data/raw.parquet")
    parts = urlsplit(database)
    source = f"postgresql://{parts.username}@127.0.0.1:{parts.port}/postgres"
    query = "SELECT * FROM flights WHERE scheduled_departure >= :first AND scheduled_departure < :after"
    text = (project.folder / "params.yaml").read_text()
    tables = []
    for again in (query, f"{query} ORDER BY random()"):
        (project.folder / "params.yaml").write_text(text)
        result = ingest(project, source, again, PGPASSWORD=postgresql.PASSWORD)
        assert result.returncode == 0, result.stdout
        tables.append(raw(project))

    assert tables[0] == tables[1]
    by = ["scheduled_departure", "flight_id"]
    got = pd.read_parquet(project.folder / "data/raw.parquet").sort_values(by, ignore_index=True)
    pd.testing.assert_frame_equal(got, expected.sort_values(by, ignore_index=True), check_dtype=False)
    project.cd4ml("stage", "validate")


def test_the_address_of_a_database_may_come_from_the_environment(project: Project, database: str) -> None:
    result = ingest(project, "${DATABASE_URL}", "SELECT * FROM flights LIMIT 50", DATABASE_URL=database)

    assert result.returncode == 0, result.stdout
    assert "reading ${DATABASE_URL}" in result.stdout
    assert "50 rows" in result.stdout


@pytest.mark.parametrize(
    ("query", "change", "message"),
    [
        ("SELECT 1", {"PGPASSWORD": "wr0ng-passw0rd"}, "password authentication failed"),
        ("SELECT 1", {"PORT": "9"}, "does not answer"),
        ("DELETE FROM flights", {}, 'at or near "DELETE"'),
        ("SELECT nextval('counter')", {}, "cannot execute nextval() in a read-only transaction"),
        ("SELECT * FROM planes", {}, 'relation "planes" does not exist'),
    ],
)
def test_what_postgresql_rejects_is_an_error_in_one_line(
    project: Project, database: str, query: str, change: dict[str, str], message: str
) -> None:
    settings = {"PGPASSWORD": postgresql.PASSWORD, "PORT": str(urlsplit(database).port)} | change
    before = raw(project)

    rejected = ingest(project, "postgresql://owner@127.0.0.1:${PORT}/postgres", query, **settings)

    print(rejected.stdout)
    assert rejected.returncode == 1
    assert message in rejected.stdout.splitlines()[-1]
    assert "Traceback" not in rejected.stdout
    assert settings["PGPASSWORD"] not in rejected.stdout
    assert raw(project) == before


def kill(run: subprocess.Popen[str]) -> None:
    """Kill a process with all that it started, and wait until none of them is left: DVC waits for it, too."""
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(60)
    deadline = time.monotonic() + 60
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(run.pid, 0)
            time.sleep(0.05)


def test_a_refresh_harms_nothing_when_it_is_killed_or_comes_in_the_middle_of_a_run(
    small: Project, tmp_path: Path
) -> None:
    small.replace("params.yaml", "iterations: 10", "iterations: 20")
    params, bundle, log = (small.folder / "params.yaml").read_bytes(), small.digest, tmp_path / "log"
    run = small.start("make", "train", log=log)
    deadline = time.monotonic() + 60
    while "Running stage 'train'" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    result = small.make("refresh", check=False)
    kill(run)
    assert "refresh: DVC is running in this folder (process" in result.stdout
    assert (small.folder / "params.yaml").read_bytes() == params

    for delay, until in [(0.7, "2013-03-31"), (1.4, "2013-04-30"), (2.8, "2013-03-31")]:
        killed = small.start("make", "refresh", f"UNTIL={until}", log=log)
        time.sleep(delay)
        kill(killed)
        print(delay, log.read_text())
        raw(small)  # whole, the old one or the new one
        assert small.digest == bundle

    assert small.make("refresh", "UNTIL=2013-03-31").stdout.endswith("new rows; next: make train\n")
    assert pd.read_parquet(small.folder / "data/raw.parquet")["scheduled_departure"].max().month == 3
    assert list((small.folder / "data").glob(".download*")) == []
    assert "Running stage 'ingest'" not in small.dvc("repro", "validate").stdout


READ = """
import sys, fsspec
scheme, name = sys.argv[1:]
print(fsspec.filesystem(scheme).cat_file(name).decode(), end="")
"""


def test_a_bucket_is_scored_into_a_bucket(project: Project, cloud: tuple[str, dict[str, str]]) -> None:
    scheme, settings = cloud
    project.cd4ml("score", *months(project)[:1], "build/answers.csv")

    done = project.cd4ml(
        "score", f"{scheme}://rows/2013/2013-01.parquet", f"{scheme}://rows/answers.csv", settings=settings
    )

    assert f"{scheme}://rows/answers.csv: " in done.stdout
    answers = project.run(project.python, "-c", READ, scheme, "rows/answers.csv", settings=settings).stdout
    assert answers.endswith(
        (project.folder / "build/answers.csv").read_text(encoding="utf-8")
    )  # after a warning of gcsfs
    assert not list((project.folder / "build/score").glob("*"))
    refused = project.cd4ml(
        "score", months(project)[0], f"{scheme}://no-such-bucket/answers.csv", check=False, settings=settings
    )
    shutil.rmtree(project.folder / "build/score", ignore_errors=True)  # the answers are there, to be uploaded again
    if scheme != "gs":  # whose emulator makes a bucket that is missing
        assert refused.returncode == 1
        assert "score: " in refused.stdout
        assert "Traceback" not in refused.stdout


def test_a_database_is_scored(project: Project, database: str) -> None:
    project.cd4ml("score", months(project)[0], "build/answers.csv")

    query = "SELECT * FROM flights WHERE scheduled_departure < '2013-02-01'"
    project.cd4ml("score", database, "build/of-database.csv", "--query", query)

    expected, answers = (
        pd.read_csv(project.folder / name, index_col="flight_id").sort_index()
        for name in ("build/answers.csv", "build/of-database.csv")
    )
    assert answers["probability"].tolist() == expected["probability"].tolist()
    assert answers.index.tolist() == expected.index.tolist()

    broken = "SELECT * FROM flights WHERE scheduled_departure < '2013-01-02' AND flight_id IS NOT NULL"
    broken = broken.replace("*", "flight_id, scheduled_departure, -1 AS distance")
    refused = project.cd4ml("score", database, "build/none.csv", "--query", broken, check=False)
    assert refused.returncode == 1
    assert postgresql.PASSWORD not in refused.stdout
