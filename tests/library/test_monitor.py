"""`make monitor`: which damage is found, by which check, and what is said of it; and what is no reason to alarm."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from house_project import Project
from served_log import LAST, new_houses, write_log

Monitor = Callable[..., dict[str, Any]]
NEWEST_WEEK = pd.Timestamp("2024-07-29")


@pytest.fixture(scope="module")
def watched(projects_with_reports: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project of each task whose source has five more weeks, with an undamaged log of them."""
    copies = {}
    for task, project in projects_with_reports.items():
        copy = project.copy_to(tmp_path_factory.mktemp(f"watched-{task}") / "project")
        copy.table = pd.concat([copy.table.assign(sold_on=pd.to_datetime(copy.table["sold_on"])), new_houses()])
        write_log(copy.folder / "log", Bundle.load(copy.bundle), new_houses())
        copies[task] = copy
    return copies


@pytest.fixture
def project(watched: dict[str, Project], tmp_path: Path) -> Project:
    return watched["binary"].copy_to(tmp_path / "project")


def monitor(project: Project, *, until: str = LAST, fails: bool = False) -> dict[str, Any]:
    """Run the verb; return what it wrote."""
    with project.inside():
        assert main(["monitor", "--log", "log", "--until", until]) == (1 if fails else 0)
    return {} if fails else json.loads((project.folder / "build/monitoring/monitoring.json").read_bytes())


def damage_log(project: Project, damage: Callable[[dict[str, Any]], None]) -> None:
    """Write the newest week of the log again, of requests that were damaged."""
    week = new_houses()[lambda table: table["sold_on"] >= NEWEST_WEEK]
    for day in week["sold_on"].unique():
        for file in (project.folder / f"log/date={day:%Y-%m-%d}").iterdir():
            file.unlink()
    write_log(project.folder / "log", Bundle.load(project.bundle), week, damage)


def found(document: dict[str, Any], level: str = "page") -> list[tuple[str, str]]:
    return [(each["check"], each["column"]) for each in document["findings"] if each["level"] == level]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_nothing_is_said_of_weeks_like_those_before(watched, task):
    document = monitor(watched[task])

    assert (found(document), found(document, "warn")) == ([], [])
    newest = document["periods"][-1]
    assert (newest["rows"], newest["labelled_share"], newest["judged"]) == (420, 1.0, True)
    name = document["metric"]["name"]
    assert newest["performance"]["interval"]["low"] < newest["performance"]["metrics"][name]
    assert document["outcomes"]["delay_days"] == 1
    assert {column["name"] for column in document["columns"]} == {
        "size", "rooms", "heated", "district", "street", "built",
    }  # fmt: skip


def nulls(columns):
    columns["heated"] = np.full(len(columns["heated"]), np.nan, dtype=np.float32)


def another_unit(columns):
    columns["size"] = (columns["size"] * 1000).astype(np.float32)


def renamed(columns):
    columns["street"] = np.array([f"{name} Str." if name else "" for name in columns["street"]], dtype=object)


def only_large(columns):
    columns["size"] = np.full(len(columns["size"]), 290, dtype=np.float32)


@pytest.mark.parametrize(
    ("damage", "check", "column", "says"),
    [
        (nulls, "nulls", "heated", "heated is null in 100 % of the rows; in no week of the training set in more than"),
        (another_unit, "range", "size", "have a size out of the training set's range of 20.1 to 299.2; it goes from"),
        (renamed, "categories", "street", "of the rows have a street that the training set has not"),
    ],
)
def test_what_breaks_answers_is_found_in_the_requests(project, damage, check, column, says):
    damage_log(project, damage)

    document = monitor(project)

    assert (check, column) in found(document)
    assert {name for _, name in found(document)} <= {column, ""}  # nothing is said of another column
    finding = next(each for each in document["findings"] if each["check"] == check)
    assert says in finding["sentence"]
    assert column in finding["advice"] or check == "categories"


def test_outcomes_that_contradict_the_model_are_a_loss(project):
    table = project.table
    newest = pd.to_datetime(table["sold_on"]) >= NEWEST_WEEK
    project.table = table.assign(sold_fast=table["sold_fast"] ^ newest)

    document = monitor(project)

    assert found(document) == [("loss", "")]
    assert document["findings"][0]["sentence"].endswith("The model got worse.")
    newest = document["periods"][-1]["performance"]
    assert newest["expected"]["roc_auc"] > 0.8 > 0.4 > newest["metrics"]["roc_auc"]  # the gap is concept drift
    assert document["slices"][0]["loss"] > 0.3


def test_other_inputs_move_the_predictions_which_is_a_warning(project):
    damage_log(project, only_large)

    document = monitor(project)

    assert ("predictions", "") in found(document, "warn")
    moved = document["columns"][0]
    assert (moved["name"], moved["unit"]) == ("size", "m²")
    assert moved["index_training"] > 1 > 0.1 > document["columns"][-1].get("index_training", 0)
    assert 100 < moved["distance_training"] < 200  # of the mean of 160 to 290


def test_few_predictions_are_an_alarm_and_none_a_louder_one(project):
    for day in range(29, 32):
        for file in (project.folder / f"log/date=2024-07-{day}").iterdir():
            file.unlink()
    for day in range(1, 4):
        for file in (project.folder / f"log/date=2024-08-0{day}").iterdir():
            file.unlink()

    assert ("volume", "") in found(monitor(project))
    assert found(monitor(project, until="2024-08-18")) == [("volume", ""), ("log", "")]


def test_a_log_that_stopped_long_ago_is_old_and_one_that_never_began_is_not_judged(project):
    later = monitor(project, until="2024-12-31")

    assert found(later) == [("log", "")]
    assert later["findings"][0]["sentence"].startswith("The newest record of the prediction log is of 2024-08-04, 150 ")
    assert found(monitor(project, until="2024-06-30")) == []


def test_smoke_tests_and_canaries_are_not_predictions(project):
    write_log(project.folder / "log", Bundle.load(project.bundle), new_houses(), nulls, kind="canary")

    document = monitor(project)

    assert (found(document), document["periods"][-1]["rows"], document["periods"][-1]["tests"]) == ([], 420, 420)


def test_of_several_answers_for_one_id_the_last_one_counts(project):
    table = new_houses()
    write_log(project.folder / "log", Bundle.load(project.bundle), table, hours=20)

    newest = monitor(project)["periods"][-1]

    assert (newest["rows"], newest["performance"]["rows"]) == (840, 420)


def test_rows_of_the_source_that_break_the_contract_would_stop_the_next_training(project):
    table = project.table
    newest = pd.to_datetime(table["sold_on"]) >= NEWEST_WEEK
    project.table = table.assign(district=table["district"].where(~newest, "west"))

    finding = monitor(project)["findings"][0]

    assert (finding["level"], finding["check"], finding["column"]) == ("page", "schema", "district")
    assert finding["sentence"].startswith("420 of 2,100 new rows of the source break a rule: district")


def test_a_source_that_cannot_be_read_is_an_alarm_and_the_rest_is_judged(project):
    (project.folder / "houses.csv").unlink()

    document = monitor(project)

    assert found(document) == [("source", "")]
    assert {"loss", "data"} <= {check for check, _ in found(document, "not judged")}
    assert document["periods"][-1]["rows"] == 420


@pytest.mark.parametrize("column", ["district", "sold_fast", "house_id", "sold_on"])
def test_a_source_without_a_column_of_the_contract_is_an_alarm_and_the_rest_is_judged(project, column):
    project.table = project.table.rename(columns={column: "renamed"})

    document = monitor(project)

    assert found(document) == [("source", "")]
    assert f"the source lacks the column {column}; put back" in document["findings"][0]["sentence"]
    assert document["periods"][-1]["rows"] == 420


def test_outcomes_that_have_not_arrived_yet_are_waited_for(project):
    table = project.table
    late = pd.to_datetime(table["sold_on"]) >= pd.Timestamp("2024-07-31")
    project.table = table.assign(sold_fast=table["sold_fast"].astype(object).where(~late, None))

    document = monitor(project)

    assert [period["judged"] for period in document["periods"]] == [False, False, False, True, False]
    assert document["outcomes"]["delay_days"] == 6
    assert document["periods"][-1]["labelled_share"] == pytest.approx(2 / 7, abs=0.001)


def test_too_few_rows_are_not_judged(project):
    project.replace("params.yaml", "model:", "monitor: {minimum_rows: 500}\nmodel:")

    document = monitor(project)

    assert found(document) == []
    assert {"columns", "loss", "predictions"} <= {check for check, _ in found(document, "not judged")}
    sentence = next(each["sentence"] for each in document["findings"] if each["check"] == "columns")
    assert sentence == "420 predictions, fewer than monitor.minimum_rows (500): too few to judge."


def test_a_year_ago_is_shown_where_the_source_has_it(project):
    table = project.table
    last_year = new_houses(seed=7)
    before = last_year.assign(
        house_id=[f"old-{number}" for number in range(len(last_year))],
        sold_on=last_year["sold_on"] - pd.Timedelta(days=364),
    )
    project.table = pd.concat([table, before])

    size = next(column for column in monitor(project)["columns"] if column["name"] == "size")

    assert size["index_season"] < size["chance_season"] * 2
    assert sum(size["season"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--log", "nowhere"], "there is no prediction log in nowhere; check --log or PREDICTION_LOG"),
        ([], "no prediction log is named; name a folder, or the URL of a bucket, with --log or as PREDICTION_LOG"),
        (["--log", "log", "--until", "soon"], '--until is "soon"; expected a date such as 2024-01-31'),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(project, capsys, arguments, says):
    with project.inside():
        assert main(["monitor", *arguments]) == 1

    assert capsys.readouterr().err == f"monitor: {says}\n"


def test_answers_of_an_earlier_version_do_not_count_against_the_live_one(project):
    """The weeks before a release were answered by another model, whose loss is over."""
    log, bundle = project.folder / "log", Bundle.load(project.bundle)
    for day in log.iterdir():
        if day.name < f"date={NEWEST_WEEK:%Y-%m-%d}":
            for path in day.iterdir():
                table = pq.read_table(path)
                versions = pa.array(["2024-01-01.0000000"] * len(table))
                pq.write_table(table.set_column(table.column_names.index("version"), "version", versions), path)
    earlier = pd.to_datetime(project.table["sold_on"]).between("2024-07-01", "2024-07-28")
    project.table = project.table.assign(sold_fast=project.table["sold_fast"] ^ earlier)

    document = monitor(project)

    assert found(document) == []
    assert document["periods"][0]["performance"]["metrics"]["roc_auc"] < 0.4
    assert document["periods"][-1]["by_version"] == {bundle.version: 420}


def a_little_larger(columns):
    columns["size"] = (columns["size"] + np.float32(60)).astype(np.float32)


def test_numbers_a_little_out_of_range_are_a_warning(project):
    damage_log(project, a_little_larger)

    document = monitor(project)

    assert ("range", "size") in found(document, "warn")
    assert "range" not in [check for check, _ in found(document)]
