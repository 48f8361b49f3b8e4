"""`cd4ml monitor`: a day that has not come yet is no day to judge, and a wrong date hides nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.cli import main
from damaged_log import NEWEST_DAYS
from house_project import Project
from watched_project import judged, let_it_answer


@pytest.fixture(scope="module")
def watched(projects_with_reports: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an undamaged log of five weeks. Do not change it: make a copy."""
    project = projects_with_reports["binary"].copy_to(tmp_path_factory.mktemp("watched") / "project")
    let_it_answer(project)
    return project


@pytest.fixture
def copy(watched: Project, tmp_path: Path) -> Callable[[], Project]:
    return lambda: watched.copy_to(tmp_path / "copy")


@pytest.mark.parametrize(
    ("until", "says"),
    [
        ("2199-01-01", "--until is 2199-01-01, which has not come yet: it is "),
        ("9999-12-31", "--until is 9999-12-31, which has not come yet: it is "),
        ("0001-01-05", "5 periods of 7 days do not fit before 0001-01-05; name a later day with --until"),
        ("2024-W31-7", '--until is "2024-W31-7"; expected a date such as 2024-01-31'),
        ("20240804", '--until is "20240804"; expected a date such as 2024-01-31'),
        ("", '--until is ""; expected a date such as 2024-01-31'),
        ("None", '--until is "None"; expected a date such as 2024-01-31'),
    ],
)
def test_a_day_that_cannot_be_judged_is_said_in_one_line(watched, capsys, until, says):
    with watched.inside():
        assert main(["monitor", "--log", "log", "--until", until]) == 1

    error = capsys.readouterr().err
    assert error.startswith(f"monitor: {says}")
    assert error.count("\n") == 1


def test_a_wrong_date_in_the_source_does_not_hide_that_outcomes_are_old(copy):
    project = copy()
    table = project.table
    known = pd.to_datetime(table["sold_on"]) < pd.Timestamp(NEWEST_DAYS[0])
    table = table[known]
    dates = table["sold_on"].astype(str).where(table.index != table.index[-1], "2199-01-01")
    project.table = table.assign(sold_on=dates)
    project.replace("params.yaml", "model:", "monitor: {max_data_age_days: 3}\nmodel:")

    document = judged(project)

    found = {each["check"]: (each["level"], each["sentence"]) for each in document["findings"]}
    assert found["data"] == (
        "page",
        "The newest row with an outcome is of 2024-07-28, 8 days ago. 3 are allowed.",
    )
    assert found["dates"] == ("warn", "The source has outcomes of 2199-01-01, which has not come yet.")


def test_outcomes_after_the_day_that_is_judged_are_not_the_newest(copy):
    project = copy()
    table = project.table
    later = table.tail(1).assign(sold_on="2024-09-01", house_id="later")
    project.table = pd.concat([table.assign(sold_on=table["sold_on"].astype(str)), later])

    found = {each["check"]: each for each in judged(project)["findings"]}

    assert found["data"]["numbers"] == {"newest": NEWEST_DAYS[-1], "days": 1}
    assert "dates" not in found


def test_records_of_a_service_whose_clock_is_ahead_are_a_warning(copy):
    project = copy()
    ahead = project.folder / "log/date=2199-01-01"
    shutil.move(project.folder / f"log/date={NEWEST_DAYS[-1]}", ahead)

    document = judged(project)

    found = {each["check"]: (each["level"], each["sentence"]) for each in document["findings"]}
    assert found["dates"] == ("warn", "The prediction log has records of 2199-01-01, which has not come yet.")
    assert found["log"][1] == "The newest record of the prediction log is of 2024-08-03, 2 days ago."
