"""A request is either decoded by the contract, or rejected with every violation in it."""

import json
import re
from datetime import datetime

import msgspec
import numpy as np
import pytest
from cd4ml.contract.columns import columns_of_rows
from cd4ml.contract.contract import Contract
from cd4ml.serving.payload import MAX_VIOLATIONS, MalformedError, Payload, RejectedError
from cd4ml.serving.time_pattern import time_pattern
from hypothesis import given, settings
from hypothesis import strategies as st

CONTRACT = Contract.model_validate(
    {
        "name": "parcels",
        "id": "parcel id",
        "target": {"name": "late", "type": "boolean"},
        "columns": {
            "weight": {"type": "number", "min": 0, "max": 30.5},
            "from": {"type": "category", "values": ["Ulm", "Graz", "Český Krumlov"]},
            "items": {"type": "integer", "min": 1, "nullable": True},
            "c0": {"type": "boolean", "nullable": True},
            "sent-at": {"type": "timestamp"},
            "due": {"type": "timestamp", "timezone": "UTC", "nullable": True},
            "note": {"type": "category", "nullable": True},
            "shop": {"type": "category"},
            "class": {"type": "category", "values": ["A", "B"], "nullable": True},
            "boxes": {"type": "integer", "min": 0.5, "max": 9.5, "nullable": True},
        },
    }
)
PAYLOAD = Payload(CONTRACT, max_rows=3)
GOOD = {"weight": 1, "from": "Ulm", "sent-at": "2024-02-29T12:30:00", "shop": "7"}

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
anything = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(), scalars, max_size=2)
likely = st.sampled_from(
    [0, 1, 30.5, 30.500001, -0.0, 2**24, 2**24 + 1, 2**70, 1.0, 3.5e38, True, None, "", "Ulm", "ulm", "a",
     "2024-02-29T12:30:00", "2024-02-29T12:30:00Z", "2023-02-29T12:30:00", "2024-02-29", "0001-01-01T00:00:00+14:00"]
)  # fmt: skip
names = st.sampled_from([*CONTRACT.columns, "parcel id", "late", "other"])
row = st.builds(lambda changes: {**GOOD, **changes}, st.dictionaries(names, likely | anything, max_size=3))
rows = st.lists(row | st.dictionaries(names, likely) | anything, max_size=4)
envelope = st.builds(lambda rows: {"rows": rows}, rows)
bodies = envelope | st.dictionaries(st.sampled_from(["rows", "x"]), anything) | anything


def violations(body):
    with pytest.raises(RejectedError) as rejection:
        PAYLOAD.decode(body if isinstance(body, bytes) else json.dumps(body).encode())
    return [msgspec.structs.astuple(violation) for violation in rejection.value.violations]


@given(bodies)
def test_a_body_is_rejected_exactly_if_it_has_violations(content):
    body = msgspec.json.encode(content)
    expected = list(PAYLOAD.violations(msgspec.json.decode(body)))

    if expected or b"0001-01-01T00:00:00+14:00" in body:  # a valid time, but not representable in UTC
        with pytest.raises(RejectedError) as rejection:
            PAYLOAD.decode(body)
        assert rejection.value.violations[: len(expected)] == expected[:MAX_VIOLATIONS]
        msgspec.json.encode(rejection.value.violations)
    else:
        columns, expected_columns = PAYLOAD.decode(body).columns, columns_of_rows(content["rows"], CONTRACT)
        assert columns.keys() == expected_columns.keys()
        for name, array in expected_columns.items():
            np.testing.assert_array_equal(columns[name], array)


def test_columns_may_have_any_name_and_nullable_ones_may_be_missing():
    columns = PAYLOAD.decode(json.dumps({"rows": [GOOD | {"c0": True, "parcel id": 17}, GOOD]}).encode()).columns

    assert list(columns) == list(CONTRACT.columns)
    assert columns["from"].tolist() == ["Ulm", "Ulm"]
    np.testing.assert_array_equal(columns["c0"], np.array([1, np.nan], dtype=np.float32))
    np.testing.assert_array_equal(columns["items"], np.array([np.nan, np.nan], dtype=np.float32))


@pytest.mark.parametrize(
    "name", ['height "in"', "a\\b", "a\nb", "class", "c0", "rows", "2nd floor?", "価格", " lead", "a.b", "$"]
)
def test_a_column_of_any_name_is_decoded_and_checked(name):
    columns = {name: {"type": "integer"}, "other": {"type": "number", "nullable": True}}
    contract = {"name": "x", "id": 'the "id"', "target": {"name": "y", "type": "number"}, "columns": columns}
    payload = Payload(Contract.model_validate(contract), max_rows=2)

    rows = [{name: 7, 'the "id"': "a"}, {name: 8.0, "other": 1}]
    assert payload.decode(json.dumps({"rows": rows}).encode()).columns[name].tolist() == [7, 8]

    for row, column, rule in (
        ({name: 7.5}, name, "a whole number"),
        ({"other": 1}, name, "required"),
        ({name: 1, "c1": 1}, "c1", "not a column of the contract"),
    ):
        with pytest.raises(RejectedError) as rejection:
            payload.decode(json.dumps({"rows": [row]}).encode())
        assert [(one.column, one.rule) for one in rejection.value.violations] == [(column, rule)]


def test_an_empty_string_is_a_null_of_a_nullable_category():
    columns = PAYLOAD.decode(json.dumps({"rows": [GOOD | {"note": "", "class": ""}, GOOD]}).encode()).columns

    assert columns["note"].tolist() == columns["class"].tolist() == ["", ""]


def test_every_violation_has_its_row_column_rule_and_value():
    invalid = {"weight": -1.5, "from": "Rome", "sent-at": "noon", "extra": [1], "parcel id": 1.5}

    assert violations({"rows": [GOOD, invalid, 7]}) == [
        (1, "weight", "at least 0", -1.5),
        (1, "from", "one of Ulm, Graz, Český Krumlov", "Rome"),
        (1, "sent-at", "a time without offset, such as 2024-01-31T12:00:00", "noon"),
        (1, "shop", "required", None),
        (1, "extra", "not a column of the contract", "a list"),
        (1, "parcel id", "a string or a whole number", 1.5),
        (2, None, "an object, {column: value}", 7),
    ]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"extra": 1}, "not a column of the contract"),
        ({"late": True}, "not a column of the contract"),
        ({"parcel id": None}, "a string or a whole number"),
        ({"shop": ""}, "not null"),
        ({"from": ""}, "not null"),
        ({"class": "C"}, "one of A, B"),
        ({"items": ""}, "a whole number"),
        ({"boxes": 0}, "at least 1"),
        ({"boxes": 10}, "at most 9"),
        ({"items": 2**24 + 1}, "at most 16777216"),
        ({"items": 1.5}, "a whole number"),
        ({"weight": True}, "a number"),
    ],
)
def test_one_violation_is_enough(change, rule):
    ((column, value),) = change.items()

    assert violations({"rows": [GOOD | change]}) == [(0, column, rule, value)]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({}, '"rows" is required'),
        ([], 'an object, {"rows": [...]}'),
        ({"rows": {}}, "rows is a list"),
        ({"rows": []}, "from 1 to 3 rows"),
        ({"rows": [GOOD] * 4}, "from 1 to 3 rows"),
        ({"rows": [GOOD], "row": 1}, 'only "rows" and "explain" are known here, not "row"'),
        ({"rows": [GOOD], "explain": 1}, '"explain" is true or false'),
    ],
)
def test_a_violation_outside_the_rows_has_no_row_and_no_column(body, rule):
    assert [violation[:3] for violation in violations(body)] == [(None, None, rule)]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"rows=1", b'{"rows": NaN}', b'{"rows": [{"weight": -Infinity}]}', b'{"rows": "\xff"}',
             b"[" * 100_000, b'{"rows": []} x', b"\xef\xbb\xbf{}"]
)  # fmt: skip
def test_a_body_that_is_not_json_is_malformed(body):
    with pytest.raises(MalformedError):
        PAYLOAD.decode(body)


@pytest.mark.parametrize("number", ["1e400", "9" * 4000, "9" * 5000])
def test_a_number_that_no_float_can_represent_is_rejected(number):
    body = json.dumps({"rows": [GOOD | {"weight": 0}]}).replace(": 0", f": {number}")

    ((_, column, rule, _),) = violations(body.encode())

    assert (column, rule) in [("weight", "at most 30.5"), (None, "Number out of range - at `$.rows[0].weight`")]


def test_a_time_that_utc_cannot_represent_is_rejected():
    ((_, _, rule, _),) = violations({"rows": [GOOD | {"due": "0001-01-01T00:00:00+14:00"}]})

    assert "out of range" in rule


def test_a_response_repeats_no_long_value_and_lists_at_most_twenty_violations():
    payload = Payload(CONTRACT, max_rows=100)
    row = GOOD | {"from": "x" * 10_000, "n" * 10_000: 1, "items": 10**30}

    with pytest.raises(RejectedError) as rejection:
        payload.decode(json.dumps({"rows": [row] * 100}).encode())

    assert len(rejection.value.violations) == 20
    assert len(msgspec.json.encode(rejection.value.violations)) < 5000
    assert rejection.value.violations[1].value == str(10**30)


def is_accepted(text, column):
    try:
        PAYLOAD.decode(json.dumps({"rows": [GOOD | {column: text}]}).encode())
    except RejectedError:
        return False
    return True


times = st.datetimes(timezones=st.none() | st.timezones(), allow_imaginary=False).map(datetime.isoformat)
dates = st.builds("{:04}-{:02}-{:02}".format, st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
clocks = st.from_regex(r"[Tt _]?([01][0-9]|2[0-5]):[0-6][0-9](:[0-6][0-9](\.[0-9]{0,8})?)?", fullmatch=True)
offsets = st.sampled_from(["", "Z", "z", "+14:00", "-0030", "+24:00", "+01", "-23:60", " Z", "\n"])
spelled = st.builds("{}{}{}".format, dates, clocks, offsets)


@pytest.mark.parametrize("column", ["sent-at", "due"])
@settings(max_examples=500)
@given(st.data())
def test_the_pattern_of_a_time_matches_exactly_what_is_accepted(column, data):
    pattern = time_pattern(offset=column == "due")
    text = data.draw(times | spelled | st.from_regex(pattern, fullmatch=True))

    left_out = text[:4] in ("0001", "9999") and not re.fullmatch(r".[\d:]*(\.\d{1,6})?[Zz]?", text[10:])
    if not (left_out and is_accepted(text, column)):
        assert bool(re.fullmatch(pattern, text)) == is_accepted(text, column)


@pytest.mark.parametrize(
    "text",
    ["0000-00-00T00:00:00", "0000-01-01T00:00:00", "2023-02-29T00:00:00", "1900-02-29T00:00:00", "2024-04-31T00:00:00",
     "2024-01-01T24:00:00", "2024-01-01T23:59:60", "2024-01-01T00:00:00.", "２024-01-01T00:00:00",
     "2024-01-01T00:00:00Z"]
)  # fmt: skip
def test_the_pattern_of_a_time_does_not_match_what_no_calendar_has(text):
    assert not re.fullmatch(time_pattern(offset=False), text)
    assert not is_accepted(text, "sent-at")
