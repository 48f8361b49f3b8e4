"""`make refresh` looks at the source, moves `data.until`, takes in what is new, and harms nothing when it fails."""

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
from cd4ml.source.refresh import days_to_read, main, newest_day, newest_day_over

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
# Ours, every byte of it: \xc3\xa9\r
data:   # where
  source:   houses.csv
  until:   "2024-03-31"   # the newest day
  window_days: null

split: {holdout_days: 60}   # "until": "2024-03-31"
"""


@pytest.fixture
def refreshed(project, monkeypatch):
    """The houses until March, with DVC, in this folder."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    Path("params.yaml").write_bytes(PARAMS)
    project.write("dvc.yaml", PIPELINE)
    Path(".dvc/tmp").mkdir(parents=True)
    project.write(".dvc/config", "[core]\nno_scm = true\n")
    return project


def raw() -> pd.DataFrame:
    return pd.read_parquet("data/raw.parquet")


def test_new_and_late_rows_are_taken_in_and_the_same_rows_are_nothing_new(refreshed, capfd):
    whole = refreshed.table
    late = whole[whole["sold_on"] == "2024-02-10"]
    refreshed.table = whole[(whole["sold_on"] < "2024-05-01") & (whole["sold_on"] != "2024-02-10")]

    main([])

    said = capfd.readouterr().out
    assert "data.until is 2024-04-30 now, was 2024-03-31" in said
    assert said.count("reading 1 file of houses.csv") == 1  # not again by ingest
    assert said.endswith("new rows; next: make train\n")
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


def test_a_table_without_a_time_is_read_again(refreshed, capfd):
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
    ("broken", "said"),
    [
        (lambda project: (project.folder / "houses.csv").unlink(), 'data.source "houses.csv" matches no file'),
        (lambda project: project.replace("contract.yaml", "time: sold_on", "time: sold_at"), "the contract's time"),
        (lambda project: project.replace("params.yaml", '  until:   "2024-03-31"', ""), "data.until is not there"),
        (lambda project: project.write("dvc.lock", "<" * 7 + " ours\n"), "dvc.lock cannot be read; after a merge"),
    ],
)
def test_a_refresh_that_cannot_be_leaves_everything_as_it_was(refreshed, broken, said):
    broken(refreshed)
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".dvc" not in path.parts}

    with pytest.raises(UserError) as refusal:
        main([])

    assert said in str(refusal.value)
    after = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and ".dvc" not in path.parts}
    assert after == before


@pytest.mark.parametrize("locked", ["between stages", "in a stage"])
def test_nothing_changes_in_the_middle_of_a_run(refreshed, locked):
    with Path(".dvc/tmp/lock").open("a") as lock:
        if locked == "between stages":
            fcntl.flock(lock, fcntl.LOCK_EX)
        else:
            readers = {"/a/features.py": [{"pid": os.getpid(), "cmd": "dvc repro"}]}
            Path(".dvc/tmp/rwlock").write_text(json.dumps({"write": {}, "read": readers}))

        with pytest.raises(UserError, match=r"DVC is at work in this folder .*; wait until it has ended, or stop it"):
            main([])

    assert Path("params.yaml").read_bytes() == PARAMS


def test_one_that_was_stopped_between_params_and_ingest_goes_on(refreshed, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        patch.setattr("cd4ml.source.refresh.dvc_command", lambda *_: ["false"])
        with pytest.raises(UserError, match=r"ingest did not end well, .* make refresh goes on"):
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
def test_a_day_is_complete_when_it_is_over_everywhere(time, day):
    assert newest_day_over(contract(time), NOON) == day


@pytest.mark.parametrize(
    ("days", "until", "found"),
    [
        (["2024-05-07", "2024-05-09", "2024-05-08"], None, "2024-05-08"),
        (["2024-05-07", "2099-01-01"], "2024-05-01", "2024-05-07"),
        (["2024-05-07", None], "2024-05-08", "2024-05-08"),
        (["2024-05-10"], "2024-05-01", "2024-05-01"),
    ],
)
def test_the_newest_day_is_never_an_unfinished_one_and_never_goes_back(days, until, found):
    table = pd.DataFrame({"at": pd.to_datetime(days)})

    day = newest_day(table, contract("local"), date.fromisoformat(until) if until else None, date(2024, 5, 8))

    assert day == date.fromisoformat(found)


def test_a_source_whose_days_are_all_unfinished_is_refused():
    table = pd.DataFrame({"at": pd.to_datetime(["2024-05-10"])})

    with pytest.raises(DataError, match="the source holds no day that is over: its first is 2024-05-10"):
        newest_day(table, contract("local"), None, date(2024, 5, 8))


@pytest.mark.parametrize(
    ("until", "asked", "first", "last"),
    [
        ("2024-04-30", None, date(2024, 4, 21), date(2024, 5, 8)),
        ("2024-04-30", date(2024, 3, 31), date(2024, 3, 22), date(2024, 3, 31)),
        (None, None, None, date(2024, 5, 8)),
    ],
)
def test_a_query_is_asked_for_every_day_that_the_window_may_hold(until, asked, first, last):
    params = DataParams(source="sqlite:///x.db", query="SELECT 1", until=until, window_days=10)

    assert days_to_read(params, asked, date(2024, 5, 8)) == (first, last)


@pytest.mark.parametrize(("day", "said"), [("2024-3", '"2024-3" is no day'), ("2999-01-01", "is not over yet")])
def test_a_day_that_cannot_be_asked_for_is_refused(project, day, said):
    with pytest.raises(UserError, match=said):
        main(["--until", day])
