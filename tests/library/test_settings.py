"""A mistake in contract.yaml or params.yaml names the file, the line and the key, and says what to write."""

import pytest
from cd4ml.contract.contract import Contract
from cd4ml.errors import ContractError, ParamsError
from cd4ml.settings.params import Params
from cd4ml.settings.paths import CONTRACT


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  size: {type: number,", "  size: {type: numbr,", ':7: columns.size.type is "numbr"; write'),
        ("unit: m²", "units: m²", "contract.yaml:7: columns.size.units is not a key known here"),
        ("min: 0, max: 500", "min: 500, max: 0", ":7: columns.size: no number can be at least 500"),
        ("min: 0, max: 500", "min: low, max: 500", ':7: columns.size.min is "low"; write a valid number'),
        ("example: 120.5", "example: 999", ":7: columns.size: example is 999, which its own rule"),
        ("min: 1, max: 30", "min: 1, max: 30, values: [a]", ":8: columns.rooms: values are for a category"),
        ("heated: {type: boolean,", "heated: {type: boolean, min: 0,", ":9: columns.heated: min and max are for"),
        ("[north, south, east]", "[north, south, north]", ":10: columns.district: values repeat"),
        ("[north, south, east]", "[]", ":10: columns.district.values is a list; write"),
        ("[north, south, east]", "[1, 2]", ":10: columns.district.values.0 is 1; write a valid string"),
        ("street: {type: category,", "street: {type: category, unknown: allow,", ":11: columns.street: unknown"),
        ("nullable: true}\n  district", "nullable: maybe}\n  district", 'columns.heated.nullable is "maybe"; write a'),
        (
            "target: {name: sold_fast,",
            "target: {name: size,",
            ":1: size is the target and one of the",
        ),
        ("time: sold_on", "time: rooms", "rooms is the time: its column's type must be timestamp"),
        ("id: house_id", "id: sold_on", "id, time and target.name must be different columns"),
        ("type: boolean}", "type: category, values: [a, a]}", ":5: target: values repeat"),
        ("type: boolean}", "type: number, values: [a, b]}", ":5: target: values are for a category"),
        ("name: houses\n", "", "contract.yaml:1: name is missing; add it"),
        ("type: boolean}", "type: integer}", 'target.type is "integer"; write'),
        ("name: houses\n", "name: [houses\n", "contract.yaml:2: not valid YAML"),
        ("id: house_id\n", "id: house_id\nid: other\n", "contract.yaml:4: not valid YAML: found duplicate key"),
    ],
)
def test_a_mistake_in_the_contract(project, old, new, said):
    project.replace("contract.yaml", old, new)

    with pytest.raises(ContractError) as mistake:
        Contract.load(CONTRACT)

    assert said in str(mistake.value)
    assert len(str(mistake.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  source: houses.csv", "  sources: houses.csv", "params.yaml:2: data.sources is not a key known here"),
        ("  source: houses.csv\n", "", "params.yaml:1: source is missing under data; add it"),
        (
            'until: "2024-06-30"',
            "until: 2024-06-30",
            ":3: data.until: a bare date, which DVC does not take; put it",
        ),
        ('until: "2024-06-30"', 'until: "30.6.2024"', ':3: data.until: "30.6.2024" is no day; write one such as'),
        ("holdout_days: 60", "holdout_days: 0", ":5: split.holdout_days is 0; write greater than or equal to 1"),
        ("holdout_days: 60", 'holdout_days: "60"', ':5: split.holdout_days is "60"; write a valid integer'),
        ("holdout_days: 60", "holdout_share: 1.5", ":5: split.holdout_share is 1.5; write less than 1"),
        ("split:", "splits:", "params.yaml:4: splits is not a key known here"),
    ],
)
def test_a_mistake_in_the_parameters(project, old, new, said):
    project.replace("params.yaml", old, new)

    with pytest.raises(ParamsError) as mistake:
        Params.load()

    assert said in str(mistake.value)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("iteratons: 10", "params.yaml:7: model.iteratons is not a key known here"),
        ("iterations: many", 'params.yaml:7: model.iterations is "many"; write a valid integer'),
        ("iterations: -1", "model.py: the model cannot be fitted: The 'max_iter' parameter"),
    ],
)
def test_a_mistake_in_the_models_parameters(project, new, said):
    project.run("ingest", "validate", "split")
    project.replace("params.yaml", "iterations: 10", new)

    with pytest.raises(Exception, match=r".") as mistake:
        project.run("train")

    assert said in str(mistake.value)


def test_every_mistake_is_said_at_once(project):
    project.replace("params.yaml", "holdout_days: 60", "holdout_days: 0\n  holdout_hours: 2")

    with pytest.raises(ParamsError) as mistake:
        Params.load()

    assert [":".join(line.split(":")[:2]) for line in str(mistake.value).splitlines()] == [
        "params.yaml:5",
        "params.yaml:6",
    ]


def test_an_absent_file_says_where_to_stand(tmp_path):
    with pytest.raises(ParamsError, match="run this from the project's folder"):
        Params.load()


def test_a_contract_survives_the_bundle_and_loses_only_comments(project):
    contract = Contract.load(CONTRACT)

    assert Contract.from_json(contract.to_json()) == contract

    project.replace("contract.yaml", "id: house_id", "id: house_id # what a house is called")
    assert Contract.load(CONTRACT).to_json() == contract.to_json()


def test_a_sample_row_keeps_the_contract(project):
    contract = Contract.load(CONTRACT)

    row = contract.sample_row()

    assert row["size"] == 120.5
    assert not any(contract.columns[name].broken_rule(value) for name, value in row.items())
