"""`cd4ml monitor` reads what the service would not have written: it leaves that out, says so, and judges the rest."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from damaged_log import NEWEST_DAYS, constant, files_of, rewrite, with_columns, with_field
from house_project import Project
from watched_project import judged, let_it_answer, monitor

FLOATS = pa.float64()


@pytest.fixture(scope="module")
def watched(projects_with_reports: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A project of each task, with an undamaged log of five weeks. Do not change them: make a copy."""
    copies = {}
    for task, project in projects_with_reports.items():
        copies[task] = project.copy_to(tmp_path_factory.mktemp(f"watched-{task}") / "project")
        let_it_answer(copies[task])
    return copies


@pytest.fixture
def copy(watched: dict[str, Project], tmp_path: Path) -> Callable[[str], Project]:
    return lambda task: watched[task].copy_to(tmp_path / task)


def findings(document: dict[str, Any], check: str) -> list[tuple[str, str]]:
    return [(each["level"], each["sentence"]) for each in document["findings"] if each["check"] == check]


def loss(document: dict[str, Any]) -> Any:
    return next(each for each in document["findings"] if each["check"] == "loss")


def renamed(columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    return {{"size": "area"}.get(name, name): values for name, values in columns.items()}


@pytest.mark.parametrize(
    "change",
    [
        renamed,
        lambda columns: columns | {"size": pa.array(["large"] * len(columns["size"]))},
        lambda columns: columns | {"size": columns["size"].cast(pa.string())},
        lambda columns: columns | {"size": pa.array([{"m²": 1}] * len(columns["size"]))},
        lambda columns: columns | {"size": pa.array([True] * len(columns["size"]))},
    ],
)
@pytest.mark.parametrize("beside", [False, True])
def test_a_column_of_another_name_or_type_is_not_counted_and_the_rest_is(copy, change, beside):
    """As of an earlier contract; `beside`: such a file lies in the folder of a day that has others, too."""
    project = copy("binary")
    if beside:
        (path,) = files_of(project.folder / "log", NEWEST_DAYS[:1])
        shutil.copy(path, path.with_name("000000-old.parquet"))
        pq.write_table(with_columns(change)(pq.read_table(path)), path)
    else:
        rewrite(project.folder / "log", with_columns(change), NEWEST_DAYS[:1])

    document = judged(project)

    rows = 480 if beside else 420
    ((level, sentence),) = [each for each in findings(document, "columns") if each[0] != "fine"]
    assert (level, sentence.endswith(": size (60).")) == ("not judged", True)
    assert {each["name"]: each["rows"] for each in document["columns"]}["size"] == rows - 60
    assert document["periods"][-1]["rows"] == rows
    assert document["level"] == "not judged"


@pytest.mark.parametrize(
    ("column", "values"), [("district", [1.5]), ("built", ["long ago"]), ("heated", ["yes"]), ("rooms", ["three"])]
)
def test_no_column_of_another_type_is_taken_for_damage(copy, column, values):
    project = copy("binary")
    rewrite(
        project.folder / "log",
        with_columns(lambda columns: columns | {column: pa.array(values * len(columns[column]))}),
        NEWEST_DAYS[:2],
    )

    document = judged(project)

    assert document["level"] == "not judged"
    assert findings(document, "columns")[0][1].endswith(f": {column} (120).")


@pytest.mark.parametrize(
    ("task", "other"),
    [
        (task, other)
        for task in ("binary", "multiclass", "regression")
        for other in ("binary", "multiclass", "regression")
        if task != other
    ],
)
def test_answers_of_another_task_are_a_page_and_no_loss(copy, watched, task, other):
    project = copy(task)
    shutil.rmtree(project.folder / "log")
    shutil.copytree(watched[other].folder / "log", project.folder / "log")

    document = judged(project)

    assert findings(document, "records")[0] == (
        "page",
        f"The answers of 420 of 420 records are not those of a {task} model, and are left out.",
    )
    assert loss(document)["level"] == "not judged"
    assert document["predictions"]["rows"] == 0
    assert [period["performance"] for period in document["periods"]] == [None] * 5


def test_answers_of_an_earlier_task_leave_the_newer_ones_judged(copy, watched):
    """The model became one of numbers on Thursday; until then it told classes, in the same place."""
    project = copy("regression")
    for path in files_of(project.folder / "log", NEWEST_DAYS[:3]):
        path.unlink()
    for path in files_of(watched["binary"].folder / "log", NEWEST_DAYS[:3]):
        shutil.copy(path, project.folder / "log" / path.parent.name)

    document = judged(project)

    assert [level for level, _ in findings(document, "records")] == ["warn"]
    assert (document["periods"][-1]["rows"], document["periods"][-1]["performance"]["rows"]) == (420, 240)
    assert loss(document)["level"] == "fine"


@pytest.mark.parametrize(
    ("task", "change"),
    [
        ("binary", constant("probability", None, FLOATS)),
        ("binary", constant("probability", float("nan"))),
        ("binary", constant("probability", float("inf"))),
        ("binary", constant("probability", 1.01)),
        ("regression", constant("prediction", None, FLOATS)),
        ("regression", constant("prediction", float("nan"))),
        ("regression", constant("prediction", float("-inf"))),
        ("regression", constant("prediction", 1e300)),
        ("multiclass", with_field("probability", lambda table: pa.nulls(len(table), table["probability"].type))),
        ("multiclass", with_field("probability", lambda table: pa.array([[]] * len(table), table["probability"].type))),
        (
            "multiclass",
            with_field(
                "probability",
                lambda table: pa.array([[("flat", float("nan"))]] * len(table), table["probability"].type),
            ),
        ),
    ],
)
def test_answers_that_are_no_number_are_a_page_and_hide_no_loss(copy, task, change, recwarn):
    """One such answer would make the metric of its whole period unknown, or the answer count as a wrong one."""
    project = copy(task)
    rewrite(project.folder / "log", change, NEWEST_DAYS[:1])

    document = judged(project)

    ((level, sentence),) = findings(document, "records")
    assert (level, sentence.split(" have no ")[0]) == ("page", "60 of 420 records")
    newest = document["periods"][-1]
    assert (newest["rows"], newest["performance"]["rows"], newest["left_out"]) == (420, 360, {"no score": 60})
    assert loss(document)["level"] == "fine"
    assert not [str(each.message) for each in recwarn if each.category is RuntimeWarning]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.drop_columns(["kind"]), "lack a time, a kind, a model or a version, and are left out"),
        (constant("version", None, pa.string()), "lack a time, a kind, a model or a version, and are left out"),
        (constant("time", None, pa.timestamp("us", tz="UTC")), "lack a time, a kind, a model or a version"),
        (constant("time", "yesterday"), "lack a time, a kind, a model or a version, and are left out"),
        (constant("model", "kinds"), "are of another model (kinds), and are left out"),
        (
            with_field("time", lambda table: pc.subtract(table["time"], pa.scalar(timedelta(days=400)))),
            "are of another day than the folder that has them, and are left out",
        ),
    ],
)
def test_records_of_something_else_are_left_out_which_is_a_warning(copy, change, says):
    project = copy("binary")
    rewrite(project.folder / "log", change, NEWEST_DAYS[:1])

    document = judged(project)

    ((level, sentence),) = findings(document, "records")
    assert (level, sentence.startswith(f"60 of 420 records {says}")) == ("warn", True)
    assert document["periods"][-1]["rows"] == document["periods"][-1]["performance"]["rows"] == 360
    assert document["level"] == "warn"


def test_a_file_that_was_copied_into_another_day_does_not_count_twice(copy):
    project = copy("binary")
    (path,) = files_of(project.folder / "log", NEWEST_DAYS[:1])
    shutil.copy(path, project.folder / f"log/date={NEWEST_DAYS[1]}")

    newest = judged(project)["periods"][-1]

    assert (newest["rows"], newest["left_out"]) == (420, {"another day": 60})
    assert set(newest["by_day"]) == set(NEWEST_DAYS)


def test_a_log_of_nothing_but_another_model_is_a_page(copy):
    project = copy("binary")
    rewrite(project.folder / "log", constant("model", "kinds"))

    document = judged(project)

    assert findings(document, "records")[0][0] == "page"
    assert "PREDICTION_LOG" in next(each for each in document["findings"] if each["check"] == "records")["advice"]


def test_ids_that_were_logged_as_numbers_and_times_in_another_zone_are_read(copy):
    project = copy("binary")
    rewrite(
        project.folder / "log",
        with_field("time", lambda table: table["time"].cast(pa.timestamp("ns", tz="Asia/Tokyo"))),
    )
    rewrite(
        project.folder / "log",
        lambda table: with_field("id", lambda of: pa.array(range(len(of))))(table),
        NEWEST_DAYS[:1],
    )

    document = judged(project)

    assert findings(document, "records") == [("fine", "Every record is whole, and of this model.")]
    assert (document["periods"][-1]["rows"], document["periods"][-1]["performance"]["rows"]) == (420, 360)


def test_infinite_values_of_a_column_are_out_of_range_and_the_document_is_json(copy):
    project = copy("binary")
    rewrite(
        project.folder / "log",
        with_columns(lambda columns: columns | {"size": pa.array([float("inf")] * len(columns["size"]), pa.float32())}),
    )

    document = monitor(project)

    finding = next(each for each in document["findings"] if each["check"] == "range")
    assert (finding["level"], finding["numbers"]["highest"]) == ("page", None)
    text = (project.folder / "build/monitoring/monitoring.json").read_text(encoding="utf-8")
    assert "Infinity" not in text
