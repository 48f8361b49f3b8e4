"""The commands of docs/connect-your-data.md, situation by situation, do what the page says."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract, Target
from cd4ml.serving.payload import Payload, RejectedError

from tests.conftest import Bake
from tests.delivery import clouds
from tests.project import postgresql
from tests.project.baked import Project
from tests.project.linked_environment import link
from tests.project.visitor import PAGE, Visitor, blocks

Need = Callable[[str, object, str], None]
UPLOAD = """
import sys, fsspec
from pathlib import Path
filesystem = fsspec.filesystem("s3")
for folder, place in (("parquet", "bucket/sales"), ("lake", "lake/houses")):
    filesystem.mkdir(place.partition("/")[0])
    for file in Path(folder).rglob("*.parquet"):
        filesystem.put_file(str(file), f"{place}/{file.relative_to(folder)}")
"""
FILL = """
import sys, pandas as pd, sqlalchemy as sql
engine = sql.create_engine(sys.argv[1].replace("postgresql:", "postgresql+psycopg:"))
pd.read_csv("houses.csv").assign(sold_on="2024-01-01").to_sql("houses", engine, index=False)
"""
DUCKDB = "import duckdb; duckdb.connect('data/houses.duckdb').execute(\"CREATE TABLE houses AS FROM '{}/houses.csv'\")"


def table(rows: int = 900) -> pd.DataFrame:
    """Return houses that were sold in the first half of 2024, with their prices."""
    rng = np.random.default_rng(0)
    size, rooms = rng.uniform(20, 300, rows).round(1), rng.integers(1, 12, rows)
    district = rng.choice(["north", "south", "east"], rows)
    price = (size * 2 + 30 * (district == "south") + rng.normal(0, 40, rows)).round(2)
    sold_on = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) * 182 // rows, "D")
    ids = [f"house-{number}" for number in range(rows)]
    columns = {"house_id": ids, "sold_on": sold_on, "size": size, "rooms": rooms, "district": district, "price": price}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the page's files."""
    home, houses = tmp_path_factory.mktemp("home"), table()
    houses.drop(columns="sold_on").to_csv(home / "houses.csv", index=False)
    houses.assign(price=houses["price"].mask(houses["sold_on"] > "2024-06-01")).to_csv(home / "open.csv", index=False)
    months = houses.assign(month=houses["sold_on"].dt.strftime("%Y-%m")).groupby("month")
    (home / "sales").mkdir()
    (home / "parquet").mkdir()
    for month, rows in months:
        rows.drop(columns="month").to_csv(home / f"sales/{month}.csv", index=False)
        rows.drop(columns=["month", "sold_on"]).to_parquet(home / f"parquet/{month}.parquet")
    july = houses.tail(100).assign(sold_on="2024-07-20", house_id=[f"july-{number}" for number in range(100)])
    july.to_csv(home / "2024-07.csv", index=False)
    for year, part in ((2022, houses.head(100)), (2023, houses.head(500)), (2024, houses.tail(400))):
        (home / f"lake/year={year}/month=1").mkdir(parents=True)
        part.drop(columns="sold_on").to_parquet(home / f"lake/year={year}/month=1/rows.parquet")
    return home


@pytest.fixture(scope="module")
def adopted(bake: Bake, every_driver: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    """A project after `A file on my disk`. Not to be changed."""
    project = Project(bake(into=tmp_path_factory.mktemp("adopted"), project_slug="prices"))
    link(every_driver, project.folder)
    visitor = Visitor(project, home)
    visitor.follow("A file on my disk")
    return visitor


@pytest.fixture
def visitor(adopted: Visitor, tmp_path: Path) -> Visitor:
    """A copy of that project."""
    return Visitor(adopted.project.copy(tmp_path), adopted.home)


@pytest.fixture
def newcomer(bake: Bake, every_driver: Path, home: Path, tmp_path: Path) -> Visitor:
    """A project with the example."""
    project = Project(bake(into=tmp_path, project_slug="prices"))
    link(every_driver, project.folder)
    return Visitor(project, home)


def test_every_situation_is_a_section_with_commands_and_the_other_way_round() -> None:
    text = PAGE.read_text(encoding="utf-8")
    situations = text.split("\n## By situation\n")[1].split("\n## ")[0]

    named = re.findall(r"\| \[([^]]+)\]\(#", situations)

    assert len(named) > 10
    assert named == re.findall(r"^### (.*)$", situations, flags=re.MULTILINE)
    assert [name for name in named if "sh" not in dict(blocks(name))] == []
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in named if f'follow("{name}"' not in tested] == []


def test_a_file_on_my_disk(adopted: Visitor) -> None:
    assert adopted.source == "data/source/houses.csv"
    assert adopted.project.read_json("models/bundle/bundle.json")["task"] == "regression"


def test_a_folder_that_grows(newcomer: Visitor) -> None:
    newcomer.project.replace("params.yaml", "bootstrap_rounds: 1000", "bootstrap_rounds: 100")

    first, second = newcomer.follow("A folder that grows")

    assert "copied" in first
    assert "\nnew rows" in second or "  new rows" in second
    assert 'until: "2024-07-20"' in newcomer.params
    assert len(pd.read_parquet(newcomer.project.folder / "data/raw.parquet")) == 1000


class Guarded(SimpleHTTPRequestHandler):
    """Serves a folder to those who know the password."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"me:correct-horse").decode():
            self.send_error(401)
        else:
            super().do_GET()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(home: Path) -> Iterator[int]:
    """The port of a server that wants a password."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(home))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_file_on_the_web(visitor: Visitor, web: int) -> None:
    place = {"https://me:": "http://me:", "@example.org": f"@localhost:{web}"}

    (printed,) = visitor.follow("A file on the web", place)

    assert "${SALES_TOKEN}@localhost" in visitor.params
    assert "correct-horse" not in printed + visitor.params
    wrong = visitor.run("SALES_TOKEN=wrong-horse cd4ml stage ingest", check=False)
    assert "401" in wrong
    assert "wrong-horse" not in wrong


@pytest.fixture(scope="module")
def s3(need: Need, adopted: Visitor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a server with the page's buckets."""
    with clouds.s3(need, tmp_path_factory.mktemp("s3")) as settings:
        subprocess.run([adopted.project.python, "-c", UPLOAD], cwd=adopted.home, env=settings, check=True)
        yield settings


def test_a_bucket(visitor: Visitor, s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.follow("A bucket", settings=s3)

    assert visitor.source == "s3://bucket/sales/*.parquet"
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    assert len(visitor.rows()) == 900


def test_a_database(visitor: Visitor, need: Need, monkeypatch: pytest.MonkeyPatch) -> None:
    need("postgresql", postgresql.programs(), "PostgreSQL is not installed")
    with sqlite3.connect(visitor.project.folder / "data/houses.db") as connection:
        pd.read_csv(visitor.home / "houses.csv").to_sql("houses", connection, index=False)
    visitor.project.run(visitor.project.python, "-c", DUCKDB.format(visitor.home))
    with postgresql.start() as address:
        fill = [visitor.project.python, "-c", FILL, address]
        subprocess.run(fill, cwd=visitor.home, check=True)
        port = urlsplit(address).port
        place = {
            "PGUSER=reader PGPASSWORD=correct-horse": f"PGUSER=owner PGPASSWORD={postgresql.PASSWORD}",
            "postgresql://db.example.org/sales": f"postgresql://127.0.0.1:{port}/postgres",
        }
        printed = visitor.follow("A database", place)

    assert len(printed) == 3
    assert all("is data" in text or "the source is" in text for text in printed)
    assert visitor.source == "duckdb:///data/houses.duckdb"
    assert len(visitor.rows()) == 900


def test_a_warehouse_up_to_the_drivers_own_error(visitor: Visitor) -> None:
    before = visitor.params
    installed, commands = (text for _, text in blocks("A warehouse"))
    visitor.install(installed.strip())

    printed = visitor.run(commands, check=False)  # follow("A warehouse") would want it to succeed

    assert "Could not read private key file" in printed
    assert "Traceback" not in printed
    assert visitor.params == before


def test_a_lake(visitor: Visitor, s3: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    visitor.follow("A lake", settings=s3)

    assert visitor.source == "duckdb://"
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    assert len(visitor.rows()) == 900  # of the folders year=2023 and year=2024


def test_rows_with_ids(newcomer: Visitor) -> None:
    newcomer.follow("Rows with ids")

    assert "\nid: house_id" in (newcomer.project.folder / "contract.yaml").read_text(encoding="utf-8")


def test_no_time_column(newcomer: Visitor) -> None:
    (printed,) = newcomer.follow("No time column")

    assert "by a hash" in printed
    assert "\ntime:" not in (newcomer.project.folder / "contract.yaml").read_text(encoding="utf-8")


def test_outcomes_that_come_later(newcomer: Visitor) -> None:
    (printed,) = newcomer.follow("Outcomes that come later")

    without = int(pd.read_csv(newcomer.home / "open.csv")["price"].isna().sum())
    assert without > 100
    assert f"without a target, left out: {without} rows" in printed


def test_what_the_service_rejects(visitor: Visitor) -> None:
    source = visitor.project.folder / "data/source/houses.csv"
    source.write_text(source.read_text().replace(",north,", ",west,", 40))

    (printed,) = visitor.follow("What the service rejects")

    assert "west" in printed


def test_the_rules_of_the_page_are_those_that_the_service_names() -> None:
    columns = {
        "size": Column(type="number", min=0, max=500),
        "rooms": Column(type="integer"),
        "district": Column(type="category", values=["north", "south"]),
        "built": Column(type="timestamp"),
    }
    contract = Contract(name="houses", target=Target(name="price", type="number"), columns=columns)
    row = {"size": -1, "rooms": 2.5, "district": "west", "built": "2024-01-31T12:00:00Z", "garden": 1}
    rows = [row, row | {"size": 501}, {}]

    with pytest.raises(RejectedError) as rejected:
        Payload(contract, 10).decode(json.dumps({"rows": rows}).encode())

    named = {violation.rule for violation in rejected.value.violations}
    section = PAGE.read_text(encoding="utf-8").split("### What the service rejects")[1].split("\n## ")[0]
    table = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert len(table) == 6
    assert {rule for line in table for rule in re.findall("`([^`]+)`", line)} <= named
