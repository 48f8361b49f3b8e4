"""A table that breaks the contract stops the pipeline, and the message names column, rule, rows and examples."""

import pandas as pd
import pytest
from cd4ml.errors import DataError

RULES = [
    ("size", "size", [-3.0, 501.0], ["at least 0", "at most 500"]),
    ("size", "size", ["big"], ["a number"]),
    ("size", "size", [None], ["not null"]),
    ("rooms", "rooms", [2.5], ["a whole number"]),
    ("heated", "heated", ["perhaps"], ["true or false"]),
    ("district", "district", ["west", None], ["one of north, south, east", "not null"]),
    ("district", "district", [""], ["not null"]),
    ("built", "built", ["yesterday", "2020-01-01T10:00:00+02:00"], ["a time without offset"]),
    ("built", "built", ["2020-01-01T10:00:00+02:00", "2020-01-01T10:00:00Z"], ["a time without offset"]),
    ("house_id", "house_id", ["house-1"], ["unique"]),
    ("sold_on", "sold_on", ["soon"], ["a time without offset"]),
]


def test_an_empty_string_is_a_null(project):
    project.replace("contract.yaml", "east]}", "east], nullable: true}")
    table = project.table.astype({"district": object, "street": object})
    table.loc[3, ["district", "street"]] = ""
    table.to_parquet("houses.parquet")
    project.replace("params.yaml", "houses.csv", "houses.parquet")

    project.run("ingest", "validate", "split", "train")


def test_a_fractional_limit_of_an_integer_is_the_next_whole_number(project):
    project.replace("contract.yaml", "min: 1, max: 30", "min: 1.5, max: 30.5")

    with pytest.raises(DataError, match=r"rooms +at least 2 "):
        project.run("ingest", "validate")


@pytest.mark.parametrize(("name", "column", "values", "rules"), RULES)
def test_a_broken_rule_is_named_with_its_column_rows_and_examples(project, name, column, values, rules):
    table = project.table.astype({column: object})
    table.loc[range(100, 100 + len(values)), column] = values
    project.table = table

    with pytest.raises(DataError) as error:
        project.run("ingest", "validate")

    lines = str(error.value).splitlines()
    assert lines[0].startswith(f"contract.yaml: {len(rules)} rule{'s' if len(rules) > 1 else ''} violated in 400 rows")
    for rule in rules:
        assert any(line.split()[0] == name and rule in line for line in lines), rule
    assert not (project.folder / "data/validated.json").exists()


def test_a_missing_column_is_named(project):
    project.table = project.table.drop(columns=["district", "sold_fast"])

    with pytest.raises(DataError, match=r"(?s)district +required +400.*sold_fast +required +400"):
        project.run("ingest", "validate")


def test_three_examples_are_shown_and_the_rows_counted(project):
    table = project.table
    table.loc[:9, "size"] = [-float(number) for number in range(1, 11)]
    project.table = table

    with pytest.raises(DataError, match=r"size +at least 0 +10 +-1\.0, -2\.0, -3\.0\n"):
        project.run("ingest", "validate")


def test_a_valid_table_gets_a_receipt(project):
    project.run("ingest", "validate")

    assert project.read_json("data/validated.json")["rows"] == 400


def test_an_unlisted_category_passes_if_the_contract_allows_it(project):
    project.replace("contract.yaml", "east]}", "east], unknown: allow}")
    table = project.table
    table.loc[5, "district"] = "west"
    project.table = table

    project.run("ingest", "validate")


def test_a_rejected_table_leaves_the_bundle_as_it_is(project):
    project.run("ingest", "validate", "split", "train", "package")
    before = {path.name: path.read_bytes() for path in project.bundle.iterdir()}
    project.table = pd.concat([project.table, project.table.head(1).assign(rooms=29)])

    with pytest.raises(DataError, match="unique"):
        project.run("ingest", "validate")

    assert {path.name: path.read_bytes() for path in project.bundle.iterdir()} == before
