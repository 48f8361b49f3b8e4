"""`cd4ml score` answers as the service does, in the order of the rows, and writes its answers whole or not at all."""

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cd4ml.batch import job, parts
from cd4ml.batch.rows import open_files
from cd4ml.cli import main
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from cd4ml.settings.params import CsvParams
from house_project import TARGETS, Project, houses
from starlette.testclient import TestClient

COLUMNS = ["size", "rooms", "heated", "district", "street", "built"]


def rows(count=2500, seed=7):
    """Houses with nulls, streets that the model has not seen, and a boolean that is one."""
    table = houses(count, seed).drop(columns=["sold_fast", "kind", "price"])
    table["heated"] = table["heated"].map({"true": True, "false": False}).astype("boolean")
    table.loc[::7, "street"] = "Unseen Street"
    return table


def requests(table):
    """The rows as a client sends them to the service."""
    records = []
    for record in table[COLUMNS].to_dict("records"):
        values = {name: None if value is pd.NA or value != value else value for name, value in record.items()}
        built = values["built"]
        records.append(values | {"built": None if built is pd.NaT or built is None else built.isoformat()})
    return records


def answers_of_service(bundle, records, at_once=100):
    client = TestClient(create_app(bundle, ServiceSettings()))
    predictions, probabilities = [], []
    for start in range(0, len(records), at_once):
        reply = client.post("/predict", json={"rows": records[start : start + at_once]})
        assert reply.status_code == 200, reply.text
        predictions += reply.json()["predictions"]
        probabilities += reply.json().get("probabilities", [])
    return predictions, probabilities


def check_same(answers, bundle, records, at_once=100):
    predictions, probabilities = answers_of_service(bundle, records, at_once)
    assert answers["prediction"].tolist() == predictions
    if probabilities and isinstance(probabilities[0], dict):
        for name in probabilities[0]:
            assert answers[f"probability_{name}"].tolist() == [each[name] for each in probabilities]
    elif probabilities:
        assert answers["probability"].tolist() == probabilities


@pytest.fixture
def folder(tiny_projects, tmp_path, monkeypatch):
    """The folder of a binary project with a bundle, which is the working directory."""
    project = tiny_projects["binary"].copy_to(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project.folder


def run(*arguments):
    return main(["score", *map(str, arguments), "--workers", "1"])


def error(capsys, *arguments):
    capsys.readouterr()
    assert run(*arguments) == 1
    message = capsys.readouterr().err
    assert message.startswith("score: ")
    return message.removeprefix("score: ").rstrip("\n")


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize("task", TARGETS)
def test_answers_are_those_of_the_service_to_the_last_bit(task, tiny_projects, tmp_path, monkeypatch):
    bundle, table = tiny_projects[task].bundle, rows()
    monkeypatch.chdir(tiny_projects[task].folder)
    table.to_parquet(tmp_path / "rows.parquet")

    assert run(tmp_path / "rows.parquet", tmp_path / "answers.parquet") == 0

    answers = pd.read_parquet(tmp_path / "answers.parquet")
    check_same(answers, bundle, requests(table))
    check_same(answers[:60], bundle, requests(table[:60]), at_once=1)
    assert answers["house_id"].tolist() == table["house_id"].tolist()
    assert answers["sold_on"].tolist() == table["sold_on"].tolist()
    assert set(answers["model_version"]) == {
        json.loads((bundle / "bundle.json").read_text())["until"]
        + "."
        + "".join(json.loads((bundle / "bundle.json").read_text())["digest"][:7])
    }


def test_text_of_a_csv_file_gives_the_same_answers(folder, capsys):
    table = rows()
    text = table.assign(rooms=[f"{rooms}.0" for rooms in table["rooms"]], heated=table["heated"].map({True: "yes"}))
    text["built"] = table["built"].dt.strftime("%Y-%m-%d %H:%M:%S")
    text["heated"] = text["heated"].where(table["heated"].isna() | table["heated"], "no")
    text.to_csv("rows.csv", index=False)
    table.to_parquet("rows.parquet")

    assert run("rows.csv", "from_csv.csv") == 0
    assert run("rows.parquet", "from_parquet.parquet") == 0

    from_csv, from_parquet = pd.read_csv("from_csv.csv"), pd.read_parquet("from_parquet.parquet")
    for name in ("house_id", "prediction", "probability", "model_version"):
        assert from_csv[name].tolist() == from_parquet[name].tolist()
    check_same(from_csv, folder / "models/bundle", requests(table))
    assert "2,500 rows scored by" in capsys.readouterr().out


def test_times_with_offsets_give_the_same_answers(tmp_path, monkeypatch):
    project = Project(tmp_path)
    project.replace("contract.yaml", "built: {type: timestamp,", "built: {type: timestamp, timezone: UTC,")
    project.table = houses().assign(built=houses()["built"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    project.run("ingest", "validate", "split", "train", "package")
    monkeypatch.chdir(tmp_path)
    table = rows(200)
    shifts = ["Z", "+02:00", "-11:30", "+14:00"]
    table["built"] = [
        None if built is pd.NaT else f"{built:%Y-%m-%dT%H:%M:%S}{shifts[number % 4]}"
        for number, built in enumerate(table["built"])
    ]
    records = [
        record | {"built": built} for record, built in zip(requests(rows(200)), table["built"].tolist(), strict=True)
    ]
    for record in records:
        record["built"] = record["built"] if isinstance(record["built"], str) else None
    table.to_csv("offsets.csv", index=False)
    table.assign(built=pd.to_datetime(table["built"], format="ISO8601", utc=True)).to_parquet("offsets.parquet")

    for name in ("offsets.csv", "offsets.parquet"):
        assert run(name, "answers.parquet") == 0
        check_same(pd.read_parquet("answers.parquet"), project.bundle, records)


def test_processes_give_the_answers_of_one_in_the_same_order(folder, monkeypatch):
    monkeypatch.setattr(job, "PART_ROWS", 100)
    rows(1050).to_parquet("rows.parquet")

    assert run("rows.parquet", "one.parquet") == 0
    assert main(["score", "rows.parquet", "two.parquet", "--workers", "2"]) == 0

    pd.testing.assert_frame_equal(pd.read_parquet("one.parquet"), pd.read_parquet("two.parquet"))
    assert leftovers(folder) == []


def test_files_of_a_folder_or_a_glob_are_read_in_the_order_of_their_names(folder):
    table = rows(300)
    Path("in").mkdir()
    table[:100].to_parquet("in/a.parquet")
    with gzip.open("in/b.csv.gz", "wt", encoding="utf-8") as file:
        table[100:].to_csv(file, index=False)

    assert run("in", "from_folder.parquet", "--keep", "district, rooms") == 0
    assert run("in/*", "from_glob.csv") == 0

    answers = pd.read_parquet("from_folder.parquet")
    assert answers["house_id"].tolist() == table["house_id"].tolist()
    assert answers["district"].tolist() == table["district"].tolist()
    assert list(answers)[:4] == ["house_id", "sold_on", "district", "rooms"]
    assert pd.read_csv("from_glob.csv")["probability"].tolist() == answers["probability"].tolist()


def test_a_query_of_a_database_is_scored(folder, capsys):
    table = rows(300)
    with sqlite3.connect("houses.db") as connection:
        table.assign(built=table["built"].dt.strftime("%Y-%m-%d"), heated=table["heated"].astype("Int64")).to_sql(
            "houses", connection, index=False
        )
    query = "SELECT * FROM houses WHERE rooms < 6 ORDER BY house_id DESC"

    assert run("sqlite:///houses.db", "answers.parquet", "--query", query) == 0

    chosen = table[table["rooms"] < 6].sort_values("house_id", ascending=False)
    answers = pd.read_parquet("answers.parquet")
    assert answers["house_id"].tolist() == chosen["house_id"].tolist()
    check_same(answers, folder / "models/bundle", requests(chosen))
    assert run("sqlite:///houses.db", "none.csv", "--query", "SELECT * FROM houses WHERE rooms > 99") == 0
    assert len(pd.read_csv("none.csv")) == 0
    assert error(capsys, "sqlite:///houses.db", "x.csv") == (
        "the input is a database; name the rows with a query: --query 'SELECT ...'"
    )
    message = error(capsys, "sqlite:///houses.db", "x.csv", "--query", "SELECT * FROM castles")
    assert message.startswith("sqlite:///houses.db rejects the query: no such table: castles")


BAD = {
    (3, "size"): -1.5, (5, "size"): 501.0, (5, "district"): "west", (140, "district"): "west", (9, "rooms"): None,
}  # fmt: skip


def with_bad_rows(count=150):
    table = rows(count).astype({"rooms": "Int64"})
    for (row, column), value in BAD.items():
        table.loc[row, column] = value
    return table


def test_rows_that_break_the_contract_stop_before_anything_is_written(folder, monkeypatch, capsys):
    monkeypatch.setattr(job, "PART_ROWS", 100)
    with_bad_rows().to_parquet("rows.parquet")
    Path("answers.parquet").write_text("of yesterday")

    message = error(capsys, "rows.parquet", "answers.parquet")

    assert message.splitlines() == [
        "rows.parquet: 4 rules violated in 150 rows; nothing was written",
        "  column    rule                       rows  first row  examples",
        "  size      at least 0                    1          3  -1.5",
        "  size      at most 500                   1          5  501.0",
        "  rooms     not null                      1          9",
        '  district  one of north, south, east     2          5  "west"',
        "  next: fix the rows, or set these aside with --rejects FILE (make score: REJECTS=FILE)",
    ]
    assert Path("answers.parquet").read_text() == "of yesterday"
    assert leftovers(folder) == []


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rejected_rows_are_set_aside_with_their_reasons(folder, suffix, monkeypatch, capsys):
    monkeypatch.setattr(job, "PART_ROWS", 100)
    table = with_bad_rows()
    table.to_parquet("rows.parquet")

    assert run("rows.parquet", "answers.parquet", "--rejects", f"bad.{suffix}") == 0

    good = table.drop(index=[3, 5, 9, 140])
    answers = pd.read_parquet("answers.parquet")
    assert answers["house_id"].tolist() == good["house_id"].tolist()
    check_same(answers, folder / "models/bundle", requests(good))
    bad = pd.read_csv("bad.csv") if suffix == "csv" else pd.read_parquet("bad.parquet")
    assert bad["house_id"].tolist() == table["house_id"][[3, 5, 9, 140]].tolist()
    assert bad["rejected_row"].tolist() == [3, 5, 9, 140]
    assert bad["rejected_because"].tolist() == [
        "size: at least 0", "size: at most 500; district: one of north, south, east", "rooms: not null",
        "district: one of north, south, east",
    ]  # fmt: skip
    assert "4 rows rejected, size: at least 0 (1); " in capsys.readouterr().out


def stop_after(monkeypatch, count):
    """Let a run end, as if it were killed, when it has written some parts."""
    write, written = parts.Parts.write, []

    def write_some(self, number, scored):
        if len(written) == count:
            raise KeyboardInterrupt
        written.append(number)
        write(self, number, scored)

    monkeypatch.setattr(parts.Parts, "write", write_some)
    return written


def test_a_run_that_was_stopped_goes_on_with_what_is_unfinished(folder, monkeypatch, capsys):
    monkeypatch.setattr(job, "PART_ROWS", 100)
    rows(1000).to_parquet("rows.parquet")
    assert run("rows.parquet", "whole.parquet") == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        assert run("rows.parquet", "answers.parquet") == 130
    assert not Path("answers.parquet").exists()

    written = stop_after(monkeypatch, 99)
    assert run("rows.parquet", "answers.parquet") == 0

    assert "going on after a run that did not end: 4 parts are finished" in capsys.readouterr().out
    assert written == [4, 5, 6, 7, 8, 9]
    assert pq.read_table("answers.parquet").equals(pq.read_table("whole.parquet"))
    assert leftovers(folder) == []


@pytest.mark.parametrize("change", ["input", "bundle", "option", "restart", "nothing"])
def test_parts_of_another_input_bundle_or_option_are_not_used(folder, tiny_projects, change, monkeypatch, capsys):
    monkeypatch.setattr(job, "PART_ROWS", 100)
    rows(500).to_parquet("rows.parquet")
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        assert run("rows.parquet", "answers.parquet") == 130
    more = []
    if change == "input":
        rows(500, seed=8).to_parquet("rows.parquet")
    elif change == "bundle":
        more = ["--bundle", tiny_projects["multiclass"].bundle]
    elif change in ("option", "restart"):
        more = ["--keep", "rooms"] if change == "option" else ["--restart"]
    written = stop_after(monkeypatch, 99)

    assert run("rows.parquet", "answers.parquet", *more) == 0

    assert written == ([4] if change == "nothing" else [0, 1, 2, 3, 4])
    if change == "input":
        check_same(pd.read_parquet("answers.parquet"), folder / "models/bundle", requests(rows(500, seed=8)))


def test_a_query_is_not_asked_again_by_a_run_that_goes_on(folder, monkeypatch, capsys):
    monkeypatch.setattr(job, "PART_ROWS", 100)
    with sqlite3.connect("houses.db") as connection:
        rows(300)[COLUMNS[:5]].assign(heated=1).to_sql("houses", connection, index=False)
    arguments = ("sqlite:///houses.db", "answers.parquet", "--query", "SELECT * FROM houses")
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        assert run(*arguments) == 130
    with sqlite3.connect("houses.db") as connection:
        connection.execute("DELETE FROM houses WHERE rooms > 3")

    assert run(*arguments) == 0
    assert len(pd.read_parquet("answers.parquet")) == 300
    assert "going on with the rows read at" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")
def test_a_process_that_is_killed_leaves_no_answers_and_the_next_one_goes_on(folder):
    table = pa.Table.from_pandas(rows(5000), preserve_index=False)
    with pq.ParquetWriter("rows.parquet", table.schema) as writer:
        for _ in range(120):
            writer.write_table(table)
    command = [sys.executable, "-m", "cd4ml", "score", "rows.parquet", "answers.parquet", "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        until = time.monotonic() + 60
        while not list(Path().glob(".answers.parquet.parts/*.answers")) and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    session = process.pid

    finished = len(list(Path().glob(".answers.parquet.parts/*.answers")))
    assert finished > 0
    assert not Path("answers.parquet").exists()
    until = time.monotonic() + 20
    while processes_of(session) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes_of(session) == []  # no worker outlives it

    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "going on after a run that did not end" in done.stdout
    answers = pq.read_table("answers.parquet")
    assert answers.num_rows == 600_000
    assert answers.slice(0, 5000)["probability"].equals(answers.slice(595_000)["probability"])
    assert leftovers(folder) == []


def processes_of(session):
    """The processes of a session, on Linux."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (
                os.getsid(int(entry.name)) == session
                and entry.joinpath("stat").read_text().rpartition(")")[2][1] != "Z"
            ):
                found.append(int(entry.name))
        except (OSError, ProcessLookupError):
            continue
    return found


def test_a_file_is_not_read_into_memory_as_a_whole():
    names = [f"column {number}" for number in range(8)]
    random = np.random.default_rng(0)
    with pq.ParquetWriter("rows.parquet", pa.schema([(name, pa.float64()) for name in names])) as writer:
        for _ in range(60):
            writer.write_table(pa.table({name: random.normal(size=5000) for name in names}))
    (file,) = open_files([(Path("rows.parquet"), "rows.parquet")], CsvParams())
    before, held, rows_read = pa.total_allocated_bytes(), [], 0

    for table in file.tables(names, 4000):
        held.append(pa.total_allocated_bytes() - before)
        rows_read += table.num_rows

    assert rows_read == 300_000
    assert max(held) < Path("rows.parquet").stat().st_size / 2


def test_two_runs_do_not_write_the_same_answers(folder, capsys):
    rows(100).to_parquet("rows.parquet")
    with parts.working_folder(Path(".answers.csv.parts"), "answers.csv", restart=False):
        message = error(capsys, "rows.parquet", "answers.csv")

    assert message == "another run writes answers.csv; wait until it ends, or stop it"


def test_an_input_without_rows_gives_answers_without_rows(folder):
    rows(10)[:0].to_parquet("rows.parquet")
    Path("rows.csv").write_text(",".join(rows(1)) + "\n", encoding="utf-8")

    assert run("rows.parquet", "answers.parquet") == 0
    assert run("rows.csv", "answers.csv") == 0

    answers = pd.read_parquet("answers.parquet")
    assert list(answers) == ["house_id", "sold_on", "prediction", "probability", "model_version"]
    assert (len(answers), answers["prediction"].dtype) == (0, bool)
    assert list(pd.read_csv("answers.csv")) == list(answers)


def test_columns_that_may_be_missing_and_those_of_nobody_are_named(folder, capsys):
    table = rows(50)
    table.drop(columns=["street", "sold_on"]).assign(note="x", sold_fast=True).to_parquet("rows.parquet")

    assert run("rows.parquet", "answers.parquet") == 0

    printed = capsys.readouterr().out
    assert "  not in the contract, left out: note\n" in printed
    assert "  not in the rows, taken as null: street\n" in printed
    answers = pd.read_parquet("answers.parquet")
    assert "sold_on" not in answers
    check_same(answers, folder / "models/bundle", [record | {"street": None} for record in requests(table)])


def test_what_cannot_be_scored_is_one_clear_line(folder, capsys):
    table = rows(20)
    table.to_parquet("rows.parquet")
    table.drop(columns=["size", "rooms"]).to_parquet("fewer.parquet")
    table.assign(size=[[1.0]] * 20).to_parquet("lists.parquet")
    Path("empty.csv").touch()
    Path("rows.txt.zip").touch()
    table.to_csv("cut.csv", index=False)
    Path("cut.csv").write_text(Path("cut.csv").read_text() + "house-9,2024\n", encoding="utf-8")
    Path("broken.parquet").write_bytes(Path("rows.parquet").read_bytes()[:-20])

    def line(*arguments):
        message = error(capsys, *arguments)
        assert len(message.splitlines()) == 1
        return message

    assert line("fewer.parquet", "a.csv") == (
        "fewer.parquet: the rows lack size, rooms, which the model's contract requires"
    )
    assert line("lists.parquet", "a.csv") == "the column size holds lists, which no column of a contract does"
    assert line("nothing.parquet", "a.csv").startswith('the address "nothing.parquet" matches no file')
    assert line("empty.csv", "a.csv") == "empty.csv is empty; remove it, or replace it"
    assert "is neither Parquet nor CSV" in line("rows.txt.zip", "a.csv")
    assert line("cut.csv", "a.csv").startswith("cut.csv:22: 2 values in a row, but the header names 8 columns")
    assert line("broken.parquet", "a.csv").startswith("broken.parquet cannot be read: ")
    assert line("rows.parquet", "a.xlsx") == "a.xlsx is neither .parquet nor .csv; write one of these after the name"
    assert line("rows.parquet", "rows.parquet") == (
        "rows.parquet is one of the files that are read; name another one to write"
    )
    assert line("rows.parquet", "https://example.org/a.csv") == (
        "https://example.org/a.csv cannot be written to; expected a path, or s3://, gs://, az:// or abfs://"
    )
    assert line("rows.parquet", "a.csv", "--query", "SELECT 1") == (
        "only a database takes a query, and the input is none; leave the query out"
    )
    assert line("rows.parquet", "a.csv", "--keep", "owner") == "the rows lack owner, which --keep names"
    assert line("rows.parquet", "a.csv", "--bundle", "nowhere") == (
        "no bundle in nowhere; run `make train`, which makes one"
    )
    assert line("rows.parquet", "a.csv", "--rejects", "a.csv").startswith("the answers and the rejected rows need two")
    assert line("s3://bucket/rows.csv", "a.csv").startswith(("the input is at s3://, and s3fs is not", "s3://bucket"))
    assert not Path("a.csv").exists()
    assert leftovers(folder) == []


def test_text_in_a_column_of_numbers_breaks_its_rule(folder, capsys):
    rows(20).assign(size="large").to_csv("rows.csv", index=False)

    message = error(capsys, "rows.csv", "a.csv")

    assert message.splitlines()[2].split() == ["size", "a", "number", "20", "0", '"large"']


def test_decimal_commas_are_read_as_in_training_and_doubt_is_an_error(folder, monkeypatch, capsys):
    table = rows(300)
    table.to_parquet("rows.parquet")
    comma = table.assign(size=[str(size).replace(".", ",") for size in table["size"]])
    comma.to_csv("comma.csv", index=False, sep=";")
    late = table.assign(size=["7"] * 299 + ["7,5"])
    late.to_csv("late.csv", index=False)
    table.assign(size=["7.5"] * 200 + ["7,5"] * 100).to_csv("other.csv", index=False)
    monkeypatch.setattr(job, "_SAMPLE", 100)
    monkeypatch.setattr(job, "PART_ROWS", 100)

    assert run("rows.parquet", "points.parquet") == 0
    assert run("comma.csv", "commas.parquet") == 0

    points, commas = pd.read_parquet("points.parquet"), pd.read_parquet("commas.parquet")
    np.testing.assert_array_equal(points["probability"], commas["probability"])
    for name in ("late.csv", "other.csv"):
        assert error(capsys, name, "a.csv") == (
            '"7,5" in size has another decimal mark than the first rows; set data.csv.decimal in params.yaml'
        )


def test_the_nulls_of_params_are_nulls(folder):
    table = rows(50)
    params = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(params.replace("data:\n", 'data:\n  null_values: ["n/a"]\n'), encoding="utf-8")
    heated = table["heated"].map({True: "yes", False: "no"}).fillna("n/a")
    assert "n/a" in set(heated)
    table.assign(heated=heated).to_csv("rows.csv", index=False)

    assert run("rows.csv", "answers.parquet") == 0

    check_same(pd.read_parquet("answers.parquet"), folder / "models/bundle", requests(table))
