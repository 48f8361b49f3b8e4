"""Which changes of a contract break the clients of the service."""

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
    """Return the contract with other columns; None removes a column."""
    changed = {name: rule for name, rule in {**CONTRACT["columns"], **columns}.items() if rule is not None}
    return Contract.model_validate({**CONTRACT, "columns": changed})


@pytest.mark.parametrize(
    ("columns", "change"),
    [
        ({"street": None}, "street was removed, and a request that contains it is rejected"),
        ({"garden": {"type": "boolean"}}, "garden is new and required; make it nullable"),
        ({"rooms": {"type": "integer", "min": 1.0}}, "rooms was nullable and is now required"),
        ({"size": {"type": "number", "min": 10.0, "max": 500.0}}, "size may no longer be below 10"),
        ({"size": {"type": "number", "min": 0.0, "max": 400.0}}, "size may no longer be above 400"),
        ({"size": {"type": "integer", "min": 0.0, "max": 500.0}}, "size was a number and is now a whole number"),
        ({"district": {"type": "category", "values": ["north"]}}, 'district no longer accepts "south"'),
        ({"street": {"type": "category", "values": ["Elm Road"]}}, "street accepted any value and now rejects values"),
        ({"built": {"type": "timestamp", "timezone": "UTC"}}, "built was a time without offset"),
        ({"street": {"type": "boolean"}}, "street was a string and is now true or false"),
    ],
)
def test_a_breaking_change_is_found(columns: dict[str, object], change: str) -> None:
    (found,) = breaking_changes(contract(), contract(**columns))

    assert found.startswith(change)


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
    ids=[
        "nothing",
        "new nullable column",
        "no minimum",
        "nullable",
        "integer to number",
        "new category",
        "any category",
    ],
)
def test_another_change_is_not_reported(columns: dict[str, object]) -> None:
    assert breaking_changes(contract(), contract(**columns)) == []


@pytest.mark.parametrize(
    ("target", "change"),
    [
        ({"name": "price", "type": "category", "values": ["flat", "villa"]}, "the target was kind and is now price"),
        ({"name": "kind", "type": "number"}, "the target was a category and is now a number"),
        ({"name": "kind", "type": "category", "values": ["flat", "hut"]}, "the target has other classes"),
        ({**CONTRACT["target"], "unit": "m"}, "the target was in no unit and is now in m"),
    ],
)
def test_another_target_is_a_breaking_change(target: dict[str, object], change: str) -> None:
    after = Contract.model_validate({**CONTRACT, "target": target})

    assert breaking_changes(contract(), after) == [change]


def test_a_removed_id_is_a_breaking_change() -> None:
    after = Contract.model_validate({name: value for name, value in CONTRACT.items() if name != "id"})

    assert breaking_changes(contract(), after) == [
        "house_id is no longer the id, and a request that contains it is rejected"
    ]
