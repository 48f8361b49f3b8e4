"""`make refresh` reads the source, moves `data.until`, uses new rows, and changes nothing if it fails."""

import fcntl
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.contract.contract import Contract
from cd4ml.errors import DataError, UserError
from cd4ml.settings.params import DataParams
from cd4ml.source.refresh import days_to_read, main, new_until, newest_complete_day

PIPELINE = """\
stages:
  ingest:
    cmd: cd4ml stage ingest
    params: [data]
    deps: [contract.yaml]
    outs: [{data/raw.parquet: {persist: true}}]
  validate:
    cmd: cd4ml stage validate
    deps: [data/raw.parquet]
    outs: [{data/validated.json: {persist: true, cache: false}}]
"""
PARAMS = b"""\
# Every byte of this stays: \xc3\xa9\r
data:   # a comment
  source:   houses.csv
  until:   "2024-03-31"   # the newest day
  window_days: null

split: {holdout_days: 60}   # "until": "2024-03-31"
"""


@pytest.fixture
def refreshed(project, monkeypatch):
    """The project with the houses until March, in a folder with DVC."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    Path("params.yaml").write_bytes(PARAMS)
    project.write("dvc.yaml", PIPELINE)
    Path(".dvc/tmp").mkdir(parents=True)
    project.write(".dvc/config", "[core]\nno_scm = true\n")
    return project


def raw() -> pd.DataFrame:
    return pd.read_parquet("data/raw.parquet")


def test_new_and_late_rows_are_used_and_the_same_rows_are_nothing_new(refreshed, capfd):
    houses = refreshed.table
    late = houses[houses["sold_on"] == "2024-02-10"]
    refreshed.table = houses[(houses["sold_on"] < "2024-05-01") & (houses["sold_on"] != "2024-02-10")]

    main([])

    printed = capfd.readouterr().out
    assert "data.until is 2024-04-30 now, was 2024-03-31" in printed
    assert printed.count("reading 1 file of houses.csv") == 1  # not again by ingest
    assert printed.endswith("new rows; next: make train\n")
    assert Path("params.yaml").read_bytes() == PARAMS.replace(b'"2024-03-31"   #', b'"2024-04-30"   #')
    before = raw()
    assert before["sold_on"].max() == "2024-04-30"
    assert [path.name for path in Path("data").iterdir() if path.name.startswith(".download")] == []

    subprocess.run(["dvc", "repro", "--quiet", "validate"], check=True, timeout=60)
    main([])
    assert capfd.readouterr().out.endswith("nothing new: the same rows as before\n")

    refreshed.table = pd.concat([refreshed.table, late])
    main([])
    assert capfd.readouterr().out.endswith("new rows; next: make train\n")
    assert len(raw()) == len(before) + len(late)


def test_a_source_without_a_time_is_read_again(refreshed, capfd):
    refreshed.replace("contract.yaml", "time: sold_on\n", "")
    refreshed.replace("params.yaml", '"2024-03-31"   # the', "null   # the")
    refreshed.table = refreshed.table.head(50)
    before = Path("params.yaml").read_bytes()

    main([])

    assert len(raw()) == 50
    assert Path("params.yaml").read_bytes() == before
    with pytest.raises(UserError, match=r"UNTIL needs a time column, and contract\.yaml names none"):
        main(["--until", "2024-01-31"])


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda project: (project.folder / "houses.csv").unlink(), 'data.source "houses.csv" matches no file'),
        (
            lambda project: project.replace("contract.yaml", "time: sold_on", "time: sold_at"),
            "no row of the source has a valid time in sold_at",
        ),
        (lambda project: project.replace("params.yaml", '  until:   "2024-03-31"', ""), "data.until is missing"),
        (lambda project: project.write("dvc.lock", "<" * 7 + " ours\n"), "dvc.lock: not valid YAML; after a merge"),
    ],
)
def test_a_refresh_that_fails_changes_nothing(refreshed, break_it, message):
    break_it(refreshed)
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".dvc" not in path.parts}

    with pytest.raises(UserError) as error:
        main([])

    assert message in str(error.value)
    after = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".dvc" not in path.parts}
    assert after == before


@pytest.mark.parametrize("locked", ["between stages", "in a stage"])
def test_nothing_changes_while_dvc_is_running(refreshed, locked):
    with Path(".dvc/tmp/lock").open("a") as lock:
        if locked == "between stages":
            fcntl.flock(lock, fcntl.LOCK_EX)
        else:
            readers = {"/a/features.py": [{"pid": os.getpid(), "cmd": "dvc repro"}]}
            Path(".dvc/tmp/rwlock").write_text(json.dumps({"write": {}, "read": readers}))

        with pytest.raises(UserError, match=r"DVC is running in this folder .*; wait until it ends, or stop it"):
            main([])

    assert Path("params.yaml").read_bytes() == PARAMS


def test_a_refresh_that_stopped_before_ingest_is_completed_by_the_next(refreshed, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        patch.setattr("cd4ml.source.refresh.dvc_command", lambda *_: ["false"])
        with pytest.raises(UserError, match=r"the stage ingest failed, .* run make refresh again"):
            main([])
    assert b'until:   "2024-06-30"' in Path("params.yaml").read_bytes()

    main([])

    assert raw()["sold_on"].max() == "2024-06-30"
    assert capfd.readouterr().out.endswith("new rows; next: make train\n")


NOON = datetime(2024, 5, 10, 11, 59, tzinfo=UTC)


def contract(time: str) -> Contract:
    columns = {"at": {"type": "timestamp"} | ({"timezone": "UTC"} if time == "utc" else {}), "size": {"type": "number"}}
    return Contract.model_validate(
        {"name": "x", "time": "at", "target": {"name": "y", "type": "number"}, "columns": columns}
    )


@pytest.mark.parametrize(("time", "day"), [("utc", date(2024, 5, 9)), ("local", date(2024, 5, 8))])
def test_a_day_is_complete_when_it_has_ended_in_every_timezone(time, day):
    assert newest_complete_day(contract(time), NOON) == day


@pytest.mark.parametrize(
    ("days", "until", "expected"),
    [
        (["2024-05-07", "2024-05-09", "2024-05-08"], None, "2024-05-08"),
        (["2024-05-07", "2099-01-01"], "2024-05-01", "2024-05-07"),
        (["2024-05-07", None], "2024-05-08", "2024-05-08"),
        (["2024-05-10"], "2024-05-01", "2024-05-01"),
    ],
)
def test_until_is_a_complete_day_and_never_moves_back(days, until, expected):
    table = pd.DataFrame({"at": pd.to_datetime(days)})

    day = new_until(table, contract("local"), date.fromisoformat(until) if until else None, date(2024, 5, 8))

    assert day == date.fromisoformat(expected)


def test_a_source_without_a_complete_day_is_rejected():
    table = pd.DataFrame({"at": pd.to_datetime(["2024-05-10"])})

    with pytest.raises(DataError, match="the source has no complete day yet: its first day is 2024-05-10"):
        new_until(table, contract("local"), None, date(2024, 5, 8))


@pytest.mark.parametrize(
    ("until", "requested", "first", "last"),
    [
        ("2024-04-30", None, date(2024, 4, 21), date(2024, 5, 8)),
        ("2024-04-30", date(2024, 3, 31), date(2024, 3, 22), date(2024, 3, 31)),
        (None, None, None, date(2024, 5, 8)),
    ],
)
def test_a_query_selects_every_day_that_the_window_may_contain(until, requested, first, last):
    params = DataParams(source="sqlite:///x.db", query="SELECT 1", until=until, window_days=10)

    assert days_to_read(params, requested, date(2024, 5, 8)) == (first, last)


@pytest.mark.parametrize(
    ("day", "message"),
    [("2024-3", 'UNTIL is "2024-3"; expected a date'), ("2999-01-01", "UNTIL is 2999-01-01, which has not ended yet")],
)
def test_an_until_that_is_not_a_complete_day_is_rejected(project, day, message):
    with pytest.raises(UserError, match=message):
        main(["--until", day])
