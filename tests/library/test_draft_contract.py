"""`make contract` drafts a contract from a table, and never changes an existing one."""

import pandas as pd
import pytest
from cd4ml.contract.contract import Contract
from cd4ml.contract.inference import infer_column, yaml_string
from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.settings.paths import CONTRACT
from cd4ml.source import contract_values
from cd4ml.source.arrow_table import SourceTable
from cd4ml.source.draft_contract import main
from cd4ml.source.number_text import is_number
from ruamel.yaml import YAML


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([1.5, -2.0, None], "{type: number, nullable: true}"),
        ([0.5, 2.0, 2.0], "{type: number, min: 0}"),
        ([3, 4, 4], "{type: integer, min: 0}"),
        ([2**30, 5, 5], "{type: number, min: 0}"),
        ([0, 1, 1], "{type: integer, min: 0}"),
        ([True, False, None], "{type: boolean, nullable: true}"),
        (["true", "FALSE", ""], "{type: boolean, nullable: true}"),
        (["2024-01-31", "2024-02-01 12:00", None], "{type: timestamp, nullable: true}"),
        (["2024-01-31T10:00:00Z", "2024-02-01T10:00:00+02:00"] * 2, "{type: timestamp, timezone: UTC}"),
        (["no", "yes"] * 30, "{type: boolean}"),
        (["Y", "n", None], "{type: boolean, nullable: true}"),
        (["yes", "no", "perhaps"] * 30, '{type: category, values: ["no", perhaps, "yes"]}'),
        (["01/31/2022", "02/01/2022"], '{type: timestamp, format: "%m/%d/%Y"}'),
        (["31/01/2022", "01/02/2022"], '{type: timestamp, format: "%d/%m/%Y"}'),
        (["01/02/2022", "03/04/2022"], '{type: timestamp, format: "%m/%d/%Y"} # or %d/%m/%Y?'),
        (["31.01.2022 14:30", "01.02.2022 09:15"], '{type: timestamp, format: "%d.%m.%Y %H:%M"}'),
        (["01/31/2022 12:00 AM", None], '{type: timestamp, nullable: true, format: "%m/%d/%Y %I:%M %p"}'),
        (["3 Mar 2022", "14 Apr 2022"], '{type: timestamp, format: "%d %b %Y"}'),
        ([20220131, 20220201], '{type: timestamp, format: "%Y%m%d"}'),
        ([20220131, 20221301], "{type: number, min: 0}"),
        (["a b", 'c"d'] * 30, '{type: category, values: [a b, "c\\"d"]}'),
        (["x", "y", "y"], "{type: category}"),
        ([7, 7, 7], "{type: integer, min: 0} # the same in every row: leave it out?"),
        (["h1", "h2", "h3"], "{type: category} # different in every row: is it the id?"),
        ([None, None], "{type: category, nullable: true} # empty in every row: leave it out?"),
    ],
)
def test_a_column_is_drafted_from_its_values(values, line):
    assert infer_column(pd.Series(values, name="size")).line() == f"  size: {line}"


def test_a_name_that_is_not_plain_yaml_is_quoted():
    assert infer_column(pd.Series([0.5, 1.5], name="fee: (€)")).line() == '  "fee: (€)": {type: number, min: 0}'


@pytest.mark.parametrize(
    "character", ["\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff", "é", "\n"]
)
def test_a_name_with_any_character_is_read_back_as_it_is(character):
    written = yaml_string(f"a{character}b")

    assert YAML(typ="safe", pure=True).load(written) == f"a{character}b"


def test_a_table_keeps_the_contract_drafted_from_it(project):
    (project.folder / CONTRACT).unlink()
    project.replace("params.yaml", '  until: "2024-06-30"\n', "")

    main(["--target", "sold_fast"])
    project.run("ingest", "validate", "split")

    contract = Contract.load(project.folder / CONTRACT)
    assert contract.task == "binary"
    assert contract.columns["built"].type == "timestamp"
    assert contract.columns["district"].values == ["east", "north", "south"]


def test_columns_of_plain_numbers_are_not_read_text_by_text(monkeypatch):
    rows = pd.DataFrame({"size": ["1.5", "-2e3", None], "rooms": ["1", "22", "3"], "fee": ["€1,250.50", "7", "8"]})
    read = []
    monkeypatch.setattr(
        contract_values, "is_number", lambda text, mark: bool(read.append(text)) or is_number(text, mark)
    )

    source = contract_values.with_plain_numbers(
        SourceTable(rows.astype("str"), typed=False), DataParams(source="x.csv")
    )

    assert "€1,250.50" in read
    assert not {*rows["size"], *rows["rooms"]} & {*read}
    assert source.rows["size"].to_list()[:2] == ["1.5", "-2e3"]
    assert source.rows["fee"].to_list() == ["1250.50", "7", "8"]
    lines = [infer_column(source.rows[name], typed=False).line() for name in rows]
    assert lines == [
        "  size: {type: number, nullable: true}",
        "  rooms: {type: integer, min: 0} # different in every row: is it the id?",
        "  fee: {type: number, min: 0}",
    ]


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["01234", "1234"], "{type: category} # different in every row: is it the id?"),
        (["+5", " 7 "], "{type: integer, min: 0} # different in every row: is it the id?"),
        (["-0", "0.5"], "{type: number, min: 0}"),
        (["20220131", "20220201"], '{type: timestamp, format: "%Y%m%d"}'),
        (["99999999", "5"], "{type: number, min: 0}"),
        (["nan", "1"], "{type: category} # different in every row: is it the id?"),
        ([" Yes", "no ", "yes"], "{type: boolean}"),
        (["2020-01-01", "now"] * 20, '{type: category, values: ["2020-01-01", now]}'),
        (["Jan\t2020", "Feb\t2020"], '{type: timestamp, format: "%b %Y"}'),
        (["2020-01-01", "", None], "{type: timestamp, nullable: true} # the same in every row: leave it out?"),
    ],
)
def test_a_column_of_text_is_drafted_from_what_its_texts_look_like(texts, line):
    assert infer_column(pd.Series(texts, name="size"), typed=False).line() == f"  size: {line}"


def test_an_existing_contract_is_not_changed(project, capsys):
    before = (project.folder / CONTRACT).read_bytes()

    main(["--target", "price"])

    assert (project.folder / CONTRACT).read_bytes() == before
    printed = capsys.readouterr().out
    assert "contract.yaml exists, so no new one is drafted; to draft one for price: rm contract.yaml" in printed
    assert "leaves out these columns of the source" in printed
    assert "  price: {type: number, min: 0}" in printed
    assert "  kind: {type: category, values: [flat, terrace, villa]}" in printed


@pytest.mark.parametrize(
    ("target", "problem"), [([], "name the column to predict"), (["--target", "prize"], "no column prize")]
)
def test_a_draft_needs_a_target(project, target, problem):
    (project.folder / CONTRACT).unlink()

    with pytest.raises(DataError, match=f"{problem}.*TARGET=one of house_id, sold_on, size"):
        main(target)

    assert not (project.folder / CONTRACT).exists()
