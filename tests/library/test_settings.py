"""An error in contract.yaml or params.yaml names the file, the line and the key, and what is expected."""

import pytest
from cd4ml.contract.contract import Contract
from cd4ml.errors import ContractError, ParamsError
from cd4ml.settings.params import Params
from cd4ml.settings.paths import CONTRACT


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  size: {type: number,", "  size: {type: numbr,", ':7: columns.size.type is "numbr"; expected'),
        ("unit: m²", "units: m²", "contract.yaml:7: columns.size.units is not a known key"),
        ("min: 0, max: 500", "min: 500, max: 0", ":7: columns.size: no number can be at least 500"),
        ("min: 1, max: 30", "min: 1.2, max: 1.8", ":8: columns.rooms: no integer can be at least 2 and at most 1; fix"),
        ("min: 0, max: 500", "min: low, max: 500", ':7: columns.size.min is "low"; expected a number'),
        (
            "example: 120.5",
            "example: 999",
            ":7: columns.size: example is 999, which breaks the column's own rule: at most 500",
        ),
        ("min: 1, max: 30", "min: 1, max: 30, values: [a]", ":8: columns.rooms: values are for a category"),
        ("heated: {type: boolean,", "heated: {type: boolean, min: 0,", ":9: columns.heated: min and max are for"),
        ("[north, south, east]", "[north, south, north]", ":10: columns.district: values repeat"),
        ("[north, south, east]", "[]", ":10: columns.district.values is a list; expected at least 1 value"),
        ("[north, south, east]", "[1, 2]", ":10: columns.district.values.0 is 1; expected a string"),
        ("street: {type: category,", "street: {type: category, unknown: allow,", ":11: columns.street: unknown"),
        (
            "nullable: true}\n  district",
            "nullable: maybe}\n  district",
            'columns.heated.nullable is "maybe"; expected true or false',
        ),
        (
            "target: {name: sold_fast,",
            "target: {name: size,",
            ":1: size is the target and one of the",
        ),
        ("time: sold_on", "time: rooms", "rooms is the time; expected type timestamp, and not nullable"),
        ("id: house_id", "id: sold_on", "id, group, time and target.name must be different columns"),
        ("type: boolean}", "type: category, values: [a, a]}", ":5: target: values repeat"),
        ("type: boolean}", "type: number, values: [a, b]}", ":5: target: values are for a category"),
        ("name: houses\n", "", "contract.yaml:1: name is missing; add it"),
        ("type: boolean}", "type: integer}", 'target.type is "integer"; expected'),
        ("name: houses\n", "name: [houses\n", "contract.yaml:2: not valid YAML"),
        ("id: house_id\n", "id: house_id\nid: other\n", "contract.yaml:4: not valid YAML: found duplicate key"),
    ],
)
def test_an_error_in_the_contract(project, old, new, message):
    project.replace("contract.yaml", old, new)

    with pytest.raises(ContractError) as error:
        Contract.load(CONTRACT)

    assert message in str(error.value)
    assert len(str(error.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  source: houses.csv", "  sources: houses.csv", "params.yaml:2: data.sources is not a known key"),
        ("  source: houses.csv\n", "", "params.yaml:1: source is missing under data; add it"),
        (
            'until: "2024-06-30"',
            "until: 2024-06-30",
            ':3: data.until: DVC rejects a date without quotes; write "2024-06-30"',
        ),
        (
            'until: "2024-06-30"',
            'until: "30.6.2024"',
            ':3: data.until: "30.6.2024" is not a date; expected one such as',
        ),
        ('until: "2024-06-30"', 'until: ""', ':3: data.until: "" is not a date; expected one such as'),
        ('until: "2024-06-30"', 'until: "20240630"', ':3: data.until: "20240630" is not a date; expected one such as'),
        ('until: "2024-06-30"', 'until: "2024-W26-7"', ':3: data.until: "2024-W26-7" is not a date; expected one'),
        ("holdout_days: 60", "holdout_days: 0", ":5: split.holdout_days is 0; expected a whole number of at least 1"),
        ("holdout_days: 60", 'holdout_days: "60"', ':5: split.holdout_days is "60"; expected a whole number'),
        (
            "holdout_days: 60",
            "holdout_share: 1.5",
            ":5: split.holdout_share is 1.5; expected a number between 0 and 1, 0 and 1 excluded",
        ),
        ("split:", "splits:", "params.yaml:4: splits is not a known key"),
    ],
)
def test_an_error_in_the_parameters(project, old, new, message):
    project.replace("params.yaml", old, new)

    with pytest.raises(ParamsError) as error:
        Params.load()

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("iteratons: 10", "params.yaml:7: model.iteratons is not a known key"),
        ("iterations: many", 'params.yaml:7: model.iterations is "many"; expected a whole number'),
        ("iterations: -1", "model.py: the model cannot be fitted: The 'max_iter' parameter"),
    ],
)
def test_an_error_in_the_models_parameters(project, new, message):
    project.run("ingest", "validate", "split")
    project.replace("params.yaml", "iterations: 10", new)

    with pytest.raises(Exception, match=r".") as error:
        project.run("train")

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("m²", "°F", r"contract\.yaml:7: the byte 0xb0 is not UTF-8; save the file as UTF-8"),
        ("Houses", "Ho\x07uses", r"contract\.yaml:2: contains the control character U\+0007; remove it"),
        ("Houses that", r'"\ud83d" # that', r"contract\.yaml:2: an escape is half of a character, or none; write the"),
        ("[north,", r'["\ud83d\ude00",', r"contract\.yaml:10: an escape is half of a character, or none; write the"),
        ("  street", r'  "\U0000dc00"', r"contract\.yaml:11: an escape is half of a character, or none; write the"),
        (
            "Houses that",
            r'"\UFFFFFFFF" # that',
            r"contract\.yaml:2: an escape is half of a character, or none; write the",
        ),
        ("name: houses", "name: " + "[" * 1000, r"contract\.yaml: nested too deeply; write `key: value` lines"),
        (
            "Houses that were sold",
            "2024-02-31",
            r"contract\.yaml:2: 2024-02-31 cannot be read: day is out of range.*; correct it, or",
        ),
    ],
    ids=["Latin-1", "control character", "half", "pair", "key", "beyond Unicode", "nested", "impossible date"],
)
def test_a_contract_that_is_no_text_of_yaml_is_reported_with_its_line(project, old, new, message):
    text = (project.folder / "contract.yaml").read_text(encoding="utf-8")
    (project.folder / "contract.yaml").write_bytes(text.replace(old, new).replace("m²", "m").encode("latin-1"))

    with pytest.raises(ContractError, match=message) as error:
        Contract.load(CONTRACT)

    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text", [r"'\ud83d'", r"\ud83d", r'"\\ud83d"', r'"" # \ud83d', r'"\U0001F600"', "\N{GRINNING FACE}"]
)
def test_what_only_looks_like_half_of_a_character_is_text(project, text):
    project.replace("contract.yaml", "Houses that were sold", text)

    assert (project.folder / "contract.yaml").read_text(encoding="utf-8").splitlines()[1] == f"description: {text}"
    assert Contract.load(CONTRACT).name == "houses"


def test_params_with_half_of_a_character_are_reported_with_the_line(project):
    project.replace("params.yaml", "split:", '  null_values: ["\\udfff"]\nsplit:')

    with pytest.raises(ParamsError, match=r"^params\.yaml:4: an escape is half of a character, or none; write"):
        Params.load()


def test_all_errors_are_reported_at_once(project):
    project.replace("params.yaml", "holdout_days: 60", "holdout_days: 0\n  holdout_hours: 2")

    with pytest.raises(ParamsError) as error:
        Params.load()

    assert [":".join(line.split(":")[:2]) for line in str(error.value).splitlines()] == [
        "params.yaml:5",
        "params.yaml:6",
    ]


def test_a_missing_file_is_reported_with_where_to_run(tmp_path):
    with pytest.raises(ParamsError, match="run this from the project's folder"):
        Params.load()


def test_a_contract_in_a_bundle_loses_only_its_comments(project):
    contract = Contract.load(CONTRACT)

    assert Contract.from_json(contract.to_json()) == contract

    project.replace("contract.yaml", "id: house_id", "id: house_id # what a house is called")
    assert Contract.load(CONTRACT).to_json() == contract.to_json()


@pytest.mark.parametrize(
    "rules",
    [
        "{type: integer, min: 0, max: 100000000}",
        "{type: integer, min: -1e9}",
        "{type: integer, min: 0.5, max: 1.5}",
        "{type: integer, min: 3, max: 4}",
        "{type: number, min: 0, max: 1e39}",
        "{type: number, min: 1e-9, max: 2e-9}",
        "{type: category, values: [a], nullable: true}",
    ],
)
def test_a_sample_keeps_the_rules_of_its_column(project, rules):
    project.replace("contract.yaml", "{type: integer, min: 1, max: 30}", rules)
    column = Contract.load(CONTRACT).columns["rooms"]

    assert column.broken_rule(column.sample()) is None


def test_a_sample_row_keeps_the_contract(project):
    contract = Contract.load(CONTRACT)

    row = contract.sample_row()

    assert row["size"] == 120.5
    assert not any(contract.columns[name].broken_rule(value) for name, value in row.items())
