"""A wrong clock changes no answer and loses no record; if it is behind the model's data, that is a line in the log."""

import json
from pathlib import Path

import pytest
from logged_service import logged_service, records, wait_until

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@pytest.fixture
def clock(need, tmp_path):
    """`clock(when)` sets the clock of the service that is started with the environment `clock.environment`."""
    need("faketime", FAKETIME.exists(), "libfaketime is not installed")
    file = tmp_path / "clock"

    def set_to(when):
        file.with_suffix(".new").write_text(f"{when}\n")
        file.with_suffix(".new").rename(file)

    set_to.environment = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": 1}
    set_to.environment |= {"FAKETIME_DONT_FAKE_MONOTONIC": 1, "TZ": "UTC"}
    return set_to


@pytest.mark.parametrize(("when", "warnings"), [("2024-06-29 23:00:00", 1), ("2024-06-30 00:00:01", 0)])
def test_a_clock_that_is_behind_the_models_data_is_one_line(tiny_bundle, tmp_path, clock, when, warnings):
    clock(when)
    with logged_service(tiny_bundle, tmp_path, **clock.environment) as service:
        service.ask()
        assert service.stop() == 0

    lines = [json.loads(line) for line in service.errors().splitlines()]
    expected = "the clock says 2024-06-29, and the model has data up to 2024-06-30: if it is wrong, so are the logs"
    assert [(line["severity"], line["message"]) for line in lines] == [("WARNING", expected)] * warnings


def test_a_clock_that_jumps_by_years_keeps_no_record_from_being_written(tiny_bundle, tmp_path, clock):
    clock("2030-01-01 12:00:00")
    log, ids = tmp_path / "log", []
    with logged_service(
        tiny_bundle, tmp_path, PREDICTION_LOG=log, PREDICTION_LOG_INTERVAL=1, **clock.environment
    ) as service:
        for when in ("2030-01-01 12:00:00", "1970-01-02 00:00:00", "2099-12-31 23:59:00", "2030-01-01 12:00:00"):
            clock(when)
            ids.append(service.ask()["request_id"])
            wait_until(lambda: {record["request_id"] for record in records(log, killed=True)} == set(ids), seconds=20)
        assert service.stop() == 0
        assert service.errors() == ""

    assert {file.parent.name for file in log.rglob("*.parquet")} == {
        "date=1970-01-02",
        "date=2030-01-01",
        "date=2099-12-31",
    }
    assert sorted(record["request_id"] for record in records(log)) == sorted(ids)
