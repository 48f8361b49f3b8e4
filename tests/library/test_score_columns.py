"""Arrow tables become the same columns, with the same broken rules, as pandas tables in training."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from cd4ml.batch.arrow_columns import TextFormat, contract_columns
from cd4ml.contract.columns import columns_of_rows
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table
from cd4ml.contract.validation import violations
from cd4ml.errors import DataError
from cd4ml.settings.params import CsvParams, DataParams
from cd4ml.source.arrow_table import SourceTable, source_table
from cd4ml.source.contract_values import contract_values, with_nulls
from hypothesis import given, reject, settings
from hypothesis import strategies as st

CONTRACT = Contract.model_validate(
    {
        "name": "parcels",
        "time": "when",
        "target": {"name": "late", "type": "boolean"},
        "columns": {
            "weight": {"type": "number", "min": 0, "max": 30.5, "nullable": True},
            "items": {"type": "integer", "min": 1},
            "fragile": {"type": "boolean", "nullable": True},
            "gift": {"type": "boolean", "positive": "ja", "negative": "nein"},
            "from": {"type": "category", "values": ["Ulm", "Graz", "7"], "nullable": True},
            "shop": {"type": "category"},
            "sent": {"type": "timestamp", "nullable": True},
            "due": {"type": "timestamp", "timezone": "UTC", "nullable": True},
            "paid": {"type": "timestamp", "format": "%d.%m.%Y", "nullable": True},
            "seen": {"type": "timestamp", "format": "epoch_s", "nullable": True},
        },
    }
)
TEXTS = [
    None, "", "?", "0", "7", "7.0", "-1", "30.5", "30.500001", "1e1", " 3 ", "+4", "1,234.5", "$5", "nan", "inf", "x",
    "16777217", "true", "FALSE", "Yes", "n", "ja", "nein", "Ulm", "ulm", "Graz", "2024-02-29", "2024-02-29 12:30:00",
    "2024-02-29T12:30:00.123456", "2024-02-29T12:30:00.123456789", "2024-02-29T12:30:00Z",
    "2024-02-29T12:30:00+05:30", "2023-02-29", "31.12.2023", "1700000000", "1700000000.5",
]  # fmt: skip
NULLS = ["?"]

values = {
    "text": st.sampled_from(TEXTS),
    "float": st.none() | st.sampled_from([0.0, -0.5, 1.0, 7.0, 30.5, 1e6, float("nan"), float("inf"), 1.7e9]),
    "integer": st.none() | st.sampled_from([-1, 0, 1, 7, 2**24, 2**24 + 1, 1_700_000_000]),
    "boolean": st.none() | st.booleans(),
    "time": st.none() | st.sampled_from([pd.Timestamp("2024-02-29T12:30:00.5"), pd.Timestamp("1950-01-01")]),
    "utc": st.none()
    | st.sampled_from([pd.Timestamp("2024-02-29T12:30:00+0100"), pd.Timestamp("1950-01-01T00:00:00Z")]),
    "date": st.none() | st.sampled_from([pd.Timestamp("2024-02-29").date()]),
}
types = {
    "text": pa.string(), "float": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(),
    "time": pa.timestamp("us"), "utc": pa.timestamp("us", tz="UTC"), "date": pa.date32(),
}  # fmt: skip


@st.composite
def tables(draw):
    count = draw(st.integers(1, 6))
    columns = {}
    for name in CONTRACT.columns:
        kind = draw(st.sampled_from(list(values)))
        array = pa.array(draw(st.lists(values[kind], min_size=count, max_size=count)), types[kind])
        columns[name] = array.dictionary_encode() if kind == "text" and draw(st.booleans()) else array
    return pa.table(columns)


def as_in_training(table):
    """The columns and the broken rules that the stages ingest and validate find.

    Raises:
        DataError: the whole column shows what no part of it does: one code is written in two ways.
    """
    data = DataParams(source="x", null_values=NULLS, csv=CsvParams(decimal="."))
    source = with_nulls(SourceTable(source_table(table).rows), NULLS)
    rows = contract_values(source, CONTRACT, data)
    whole = rows.assign(late=True, when=pd.Timestamp("2024-01-01"))
    found = {(row.column, row.rule): row.rows for row in violations(whole, CONTRACT).itertuples()}
    return columns_of_table(rows, CONTRACT), found


@settings(max_examples=150)
@given(tables())
def test_columns_and_broken_rules_are_those_of_training(table):
    try:
        expected, broken_in_training = as_in_training(table)
    except DataError:
        reject()

    read = contract_columns(table, CONTRACT.columns, TextFormat(tuple(NULLS), "."))

    assert {(rule.column, rule.rule): rule.rows.sum() for rule in read.broken} == broken_in_training
    rejected = {name: np.zeros(table.num_rows, dtype=bool) for name in CONTRACT.columns}
    for rule in read.broken:
        rejected[rule.column] |= rule.rows
    for name, array in expected.items():
        kept = ~rejected[name]
        assert read.columns[name].dtype == array.dtype
        np.testing.assert_array_equal(read.columns[name][kept], array[kept], err_msg=name)


def test_a_column_that_is_missing_is_null():
    read = contract_columns(pa.table({"items": [1, 2]}), CONTRACT.columns, TextFormat())

    nulls = columns_of_rows([{"items": 1}, {"items": 2}], CONTRACT)
    assert {rule.column: rule.rule for rule in read.broken} == {"gift": "not null", "shop": "not null"}
    for name, array in nulls.items():
        np.testing.assert_array_equal(read.columns[name], array)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_every_type_of_text_is_text(kind):
    table = pa.table({"items": pa.array(["1", "2"]).cast(kind), "shop": pa.array(["a", "b"]).cast(kind)})

    read = contract_columns(table, {name: CONTRACT.columns[name] for name in ("items", "shop")}, TextFormat())

    assert (read.broken, read.columns["items"].tolist(), read.columns["shop"].tolist()) == ([], [1, 2], ["a", "b"])
