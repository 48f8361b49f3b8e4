"""A team's own test set: the function in split.py is asked wherever it matters which rows are in the test set."""

from collections.abc import Callable

import pandas as pd
import pytest
from cd4ml.cli import main
from house_project import Project

SPLIT = '''\
"""Houses of one street are all on one side."""

import pandas as pd


def in_test_set(table: pd.DataFrame):
    """All houses of Elm Road | and no others.

    Not shown.
    """
    return table["street"] == "Elm Road"
'''


@pytest.fixture
def read_project_with(project: Project) -> Callable[[str], Project]:
    """A project whose rows are read and validated, with this split.py."""

    def make(text: str) -> Project:
        project.write("src/houses/split.py", text)
        project.run("ingest", "validate")
        return project

    return make


def rows_of(project: Project, name: str) -> pd.DataFrame:
    return pd.read_parquet(project.folder / f"data/{name}.parquet")


@pytest.mark.parametrize("time", ["time: sold_on\n", ""])
def test_the_function_decides_whether_there_is_a_time_or_not(project: Project, time: str) -> None:
    project.replace("contract.yaml", "time: sold_on\n", time)
    project.replace("params.yaml", '"2024-06-30"', '"2024-06-30"' if time else "null")
    project.write("src/houses/split.py", SPLIT)

    project.run("ingest", "validate", "split")

    raw, train, test = (rows_of(project, name) for name in ("raw", "train", "holdout"))
    assert set(test["street"]) == {"Elm Road"}
    assert "Elm Road" not in set(train["street"])
    assert len(train) + len(test) == len(raw)
    assert set(test["house_id"]) == set(raw[raw["street"] == "Elm Road"]["house_id"])


def test_report_and_card_name_the_rule_that_was_used(
    read_project_with: Callable[[str], Project], capsys: pytest.CaptureFixture[str]
) -> None:
    project = read_project_with(SPLIT)
    project.run("split", "train", "package", "evaluate")

    assert "rows, chosen by in_test_set in src/houses/split.py\n" in capsys.readouterr().out
    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    expected = (
        r"The test set was chosen by in\_test\_set in src/houses/split.py: All houses of Elm Road \| and no others."
    )
    assert expected in card
    assert "is later than every row of the training set" not in card


def test_the_card_names_the_group_whose_rows_are_on_one_side(project: Project) -> None:
    project.replace("contract.yaml", "time: sold_on\n", "group: street\n")
    project.replace("contract.yaml", "  street: {type: category, nullable: true}\n", "")
    project.replace("params.yaml", '"2024-06-30"', "null")
    numbers = pd.Series(range(len(project.table))) % 40
    project.table = project.table.assign(street="street " + numbers.astype(str))

    project.run("ingest", "validate", "split", "train", "package", "evaluate")

    card = (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert "The test set was chosen by a hash of `street`: all rows of a value are on one side" in card


def test_without_the_file_card_and_report_name_the_librarys_rule(
    projects_with_reports: dict[str, Project],
) -> None:
    card = (projects_with_reports["binary"].folder / "reports/model-card.md").read_text(encoding="utf-8")

    assert "By `sold_on`, every row of the test set is later than every row of the training set." in card


def test_the_function_may_do_anything_with_its_table(read_project_with: Callable[[str], Project]) -> None:
    project = read_project_with(SPLIT.replace("    return", '    table["size"] = 0\n    return'))

    project.run("split")

    assert rows_of(project, "holdout")["size"].min() > 0


RETURN = 'table["street"] == "Elm Road"'
BAD_FILES = [
    (
        RETURN,
        "[True, False]",
        ":6: in_test_set returned list of shape (2,) for 400 rows; return one boolean for each row",
    ),
    (RETURN, '(table["street"] == "Elm Road").mean()', ":6: in_test_set returned float"),
    (RETURN, 'table["rooms"]', ":6: in_test_set returned values of type float64; return booleans"),
    (
        RETURN,
        'table["street"].map({"Elm Road": True})',
        ":6: in_test_set returned values of type object; return booleans, without nulls",
    ),
    (RETURN, "None", ":6: in_test_set returned NoneType of shape () for 400 rows"),
    (RETURN, 'table["size"] > 0', ":6: in_test_set puts all of 400 rows into the test set; return True for some"),
    (RETURN, 'table["size"] < 0', ":6: in_test_set puts none of 400 rows into the test set"),
    (RETURN, 'table["road"] == "Elm Road"', ":11: KeyError: 'road'\n"),
    (RETURN, "__import__('numpy').random.random(len(table)) < 0.2", ":6: in_test_set gave another answer for "),
    (RETURN, "__import__('numpy').arange(len(table)) < 80", ":6: in_test_set gave another answer for 160 of 400 rows"),
    ("def in_test_set(", "def in_testset(", " has no function in_test_set(table); write one that returns one boolean"),
    (
        "table: pd.DataFrame",
        "table, params",
        ":6: in_test_set does not take the table alone; write def in_test_set(table)",
    ),
    ('"""All houses of Elm Road | and no others.\n\n    Not shown.\n    """', "", ":6: in_test_set has no docstring; "),
    ("import pandas as pd", "import pandaz as pd", ":3: ModuleNotFoundError: No module named 'pandaz'"),
    ("def in_test_set(", "def in_test_set((", ":6: SyntaxError: "),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD_FILES)
def test_what_is_wrong_in_split_py_is_said_in_one_line(
    read_project_with: Callable[[str], Project],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    message: str,
) -> None:
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)  # the parent of these tests lives
    assert old in SPLIT
    project = read_project_with(SPLIT.replace(old, new))

    with project.inside():
        assert main(["stage", "split"]) == 1

    printed = capsys.readouterr().err
    assert printed.startswith(f"stage split: src/houses/split.py{message}"), printed
    assert printed.count("\n") == 1
    assert not (project.folder / "data/train.parquet").exists()


def test_too_few_rows_name_the_function_to_change(
    read_project_with: Callable[[str], Project], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cd4ml.pipeline.stage.stop_with_parent", lambda: None)
    project = read_project_with(SPLIT.replace(RETURN, 'table["house_id"] == "house-7"'))

    with project.inside():
        assert main(["stage", "split"]) == 1

    expected = "the test set has only 1 of 400 rows, fewer than split.minimum_rows (30); change in_test_set in src/"
    assert expected in capsys.readouterr().err


def test_booleans_in_a_column_of_objects_are_booleans(read_project_with: Callable[[str], Project]) -> None:
    project = read_project_with(SPLIT.replace(RETURN, f"({RETURN}).astype(object)"))

    project.run("split")

    assert set(rows_of(project, "holdout")["street"]) == {"Elm Road"}
