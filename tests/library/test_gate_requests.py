"""Which changes of a contract those who call the service would notice."""

import pytest
from cd4ml.contract.compatibility import breaking_changes
from cd4ml.contract.contract import Contract

CONTRACT = {
    "name": "houses",
    "id": "house_id",
    "target": {"name": "kind", "type": "category", "values": ["flat", "villa"]},
    "columns": {
        "size": {"type": "number", "min": 0.0, "max": 500.0},
        "rooms": {"type": "integer", "min": 1.0, "nullable": True},
        "district": {"type": "category", "values": ["north", "south"]},
        "street": {"type": "category"},
        "built": {"type": "timestamp"},
    },
}


def contract(**columns: object) -> Contract:
    """The contract with columns changed; one that is None is removed."""
    changed = {name: rule for name, rule in {**CONTRACT["columns"], **columns}.items() if rule is not None}
    return Contract.model_validate({**CONTRACT, "columns": changed})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"street": None}, "street was removed, and a request that carries it is refused"),
        ({"garden": {"type": "boolean"}}, "garden is new and required; make it nullable"),
        ({"rooms": {"type": "integer", "min": 1.0}}, "rooms was nullable and is now required"),
        ({"size": {"type": "number", "min": 10.0, "max": 500.0}}, "size may no longer be below 10"),
        ({"size": {"type": "number", "min": 0.0, "max": 400.0}}, "size may no longer be above 400"),
        ({"size": {"type": "integer", "min": 0.0, "max": 500.0}}, "size was a number and is now a whole number"),
        ({"district": {"type": "category", "values": ["north"]}}, 'district no longer knows "south"'),
        ({"street": {"type": "category", "values": ["Elm Road"]}}, "street was open and now refuses values"),
        ({"built": {"type": "timestamp", "timezone": "UTC"}}, "built was a time without offset"),
        ({"street": {"type": "boolean"}}, "street was a text and is now true or false"),
    ],
)
def test_a_caller_would_notice(columns: dict[str, object], said: str) -> None:
    (change,) = breaking_changes(contract(), contract(**columns))

    assert change.startswith(said)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"garden": {"type": "boolean", "nullable": True}},
        {"size": {"type": "number", "max": 900.0}},
        {"size": {"type": "number", "min": 0.0, "max": 500.0, "nullable": True, "unit": "m²"}},
        {"rooms": {"type": "number", "min": 0.0, "nullable": True}},
        {"district": {"type": "category", "values": ["north", "south", "east"]}},
        {"district": {"type": "category", "values": ["north"], "unknown": "allow"}},
    ],
    ids=["nothing", "an optional column", "no least", "nullable", "integer to number", "a category more", "open"],
)
def test_a_caller_would_not_notice(columns: dict[str, object]) -> None:
    assert breaking_changes(contract(), contract(**columns)) == []


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"name": "price", "type": "category", "values": ["flat", "villa"]}, "the answer was kind and is now price"),
        ({"name": "kind", "type": "number"}, "the answer was a category and is now a number"),
        ({"name": "kind", "type": "category", "values": ["flat", "hut"]}, "the answer's classes are others"),
        ({**CONTRACT["target"], "unit": "m"}, "the answer was in no unit and is now in m"),
    ],
)
def test_another_answer_is_noticed(target: dict[str, object], said: str) -> None:
    after = Contract.model_validate({**CONTRACT, "target": target})

    assert breaking_changes(contract(), after) == [said]


def test_an_id_that_is_no_longer_taken_is_noticed() -> None:
    after = Contract.model_validate({name: value for name, value in CONTRACT.items() if name != "id"})

    assert breaking_changes(contract(), after) == [
        "house_id is no longer the id, and a request that carries it is refused"
    ]
