"""`cd4ml monitor` with reports, outcomes or settings that are missing, damaged or of another type."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cd4ml.cli import main
from house_project import Project
from watched_project import judged, let_it_answer

NO_METRIC = "roc_auc cannot be compared: the reports of the model have no roc_auc of its test set."


@pytest.fixture(scope="module")
def watched(projects_with_reports: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """Projects of two tasks, with an undamaged log of five weeks. Do not change them: make a copy."""
    copies = {}
    for task in ("binary", "regression"):
        copies[task] = projects_with_reports[task].copy_to(tmp_path_factory.mktemp(f"watched-{task}") / "project")
        let_it_answer(copies[task])
    return copies


@pytest.fixture
def copy(watched: dict[str, Project], tmp_path: Path) -> Callable[[str], Project]:
    return lambda task: watched[task].copy_to(tmp_path / task)


def loss(document: dict[str, Any]) -> tuple[str, str]:
    return next((each["level"], each["sentence"]) for each in document["findings"] if each["check"] == "loss")


@pytest.mark.parametrize(
    "content",
    [
        None, "", "{", "[1]", "\x00", "[" * 100_000, '{"roc_auc": "good", "intervals": {"roc_auc": 3}}',
        '{"roc_auc": null, "intervals": null}', '{"roc_auc": NaN}', '{"roc_auc": true}', '{"roc_auc": 1e999}',
        '{"roc_auc": [0.9]}', f'{{"roc_auc": 1{"0" * 400}}}',
    ],
)  # fmt: skip
def test_a_report_without_the_metric_leaves_the_loss_unjudged_and_says_so(copy, content):
    project = copy("binary")
    if content is None:
        (project.folder / "reports/metrics.json").unlink()
    else:
        project.write("reports/metrics.json", content)

    document = judged(project)

    assert loss(document) == ("not judged", NO_METRIC)
    assert document["metric"]["on_test_set"] is None
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    "interval", ["3", "null", "{}", '{"low": null, "high": 0.9}', '{"low": "a", "high": 1}', '{"low": NaN, "high": 1}']
)
def test_without_an_interval_the_metric_of_the_test_set_is_taken_as_exact(copy, interval):
    project = copy("binary")
    project.write("reports/metrics.json", f'{{"roc_auc": 0.9, "intervals": {{"roc_auc": {interval}}}}}')

    document = judged(project)

    assert loss(document)[0] == "fine"
    assert document["metric"]["interval_on_test_set"] is None


@pytest.mark.parametrize(
    "content",
    [
        None, "nope", '{"slices": null}', '{"slices": [1, 2]}', '{"slices": {"a": 1}}', '{"slices": [{"roc_auc": 1}]}',
        '{"slices": [{"column": [1], "value": {}, "roc_auc": 1}]}',
        '{"slices": [{"column": "district", "value": "east", "roc_auc": "x"}]}',
    ],
)  # fmt: skip
def test_slices_that_are_damaged_are_not_compared_and_the_loss_is_judged(copy, content):
    project = copy("binary")
    if content is None:
        (project.folder / "reports/slices.json").unlink()
    else:
        project.write("reports/slices.json", content)

    document = judged(project)

    assert (document["slices"], loss(document)[0]) == ([], "fine")


@pytest.mark.parametrize("value", ["inf", "-inf", "dear"])
def test_an_outcome_that_is_no_number_hides_no_loss(copy, value, recwarn):
    project = copy("regression")
    table = project.table
    new = table.index[table["house_id"].str.startswith("new-")]
    prices = table["price"].astype(object)
    prices[new[-5:]] = value
    project.table = table.assign(price=prices)

    document = judged(project)

    assert loss(document)[0] == "fine"
    assert document["periods"][-1]["performance"]["rows"] == 415
    assert ("page", "schema", "price") in [
        (each["level"], each["check"], each["column"]) for each in document["findings"]
    ]
    assert not [str(each.message) for each in recwarn if each.category is RuntimeWarning]


def test_an_outcome_that_is_neither_true_nor_false_is_none(copy, recwarn):
    project = copy("binary")
    table = project.table
    new = table.index[table["house_id"].str.startswith("new-")]
    outcomes = table["sold_fast"].astype(object)
    outcomes[new[-5:]] = "perhaps"
    project.table = table.assign(sold_fast=outcomes)

    document = judged(project)

    assert document["periods"][-1]["performance"]["rows"] == 415
    assert not [str(each.message) for each in recwarn if each.category is RuntimeWarning]


def test_outcomes_whose_ids_are_written_otherwise_are_named(copy):
    project = copy("binary")
    table = project.table
    project.table = table.assign(house_id="0" + table["house_id"])

    level, sentence = loss(judged(project))

    assert level == "not judged"
    assert sentence.startswith("None of 2,100 predictions has an id that is among those of the source's ")


def test_outcomes_of_one_kind_are_too_few_of_the_other(copy):
    project = copy("binary")
    table = project.table
    new = pd.to_datetime(table["sold_on"]) >= pd.Timestamp("2024-07-01")
    project.table = table.assign(sold_fast=table["sold_fast"] | new)

    assert loss(judged(project)) == (
        "not judged",
        "roc_auc cannot be compared: 420 outcomes, and too few of one kind among them.",
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("{max_los: 0.1}", "monitor.max_los is not a known key; check its spelling, or remove it"),
        ("{max_loss: lots}", 'monitor.max_loss is "lots"; expected a number of at least 0'),
        ("{max_loss: -1}", "monitor.max_loss is -1; expected a number of at least 0"),
        ("{max_loss: .inf}", "monitor.max_loss is inf; expected a number of at least 0"),
        ("{max_volume_change: .inf}", "monitor.max_volume_change is inf; expected a finite number"),
        ("{max_nulls: .nan}", "monitor.max_nulls is nan; expected a finite number"),
        ("{period_days: 7.5}", "monitor.period_days is 7.5; expected a whole number between 1 and 92"),
        ("[1]", "monitor is a list; expected a mapping"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(copy, capsys, settings, says):
    project = copy("binary")
    project.replace("params.yaml", "model:", f"monitor: {settings}\nmodel:")

    with project.inside():
        assert main(["monitor", "--log", "log"]) == 1

    error = capsys.readouterr().err
    assert error.startswith("monitor: params.yaml:6: ")
    assert says in error
    assert error.count("\n") == 1
