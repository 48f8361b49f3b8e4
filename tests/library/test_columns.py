"""A value of a request and the same value of a table give the same column."""

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.column import Column
from cd4ml.contract.columns import columns_of_rows, normalize, rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, parse_column
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("kind", "null"), [("number", np.nan), ("integer", np.nan), ("boolean", np.nan), ("category", "")]
)
def test_a_null_is_the_same_from_json_and_from_any_table(kind, null):
    column = Column(type=kind, nullable=True)
    value = {"number": 1.5, "integer": 2, "boolean": True, "category": "a"}[kind]
    alone = normalize([None], column)
    with_value = normalize([None, value], column)
    tables = [
        pd.Series([None, value]),
        pd.Series([np.nan, value], dtype=object),
        pd.Series([pd.NA, value], dtype="object"),
        pd.Series([pd.NA, value]).convert_dtypes(),
    ]

    for array in [alone, with_value, *(normalize(parse_column(series, column), column) for series in tables)]:
        np.testing.assert_array_equal(array[:1], normalize([null], column))
        assert array.dtype == (object if kind == "category" else np.float32)


def test_a_missing_time_is_the_same_from_json_and_from_a_table():
    column = Column(type="timestamp", nullable=True)

    alone, with_value = normalize([None], column), normalize([None, "2024-02-29T12:30:00"], column)
    from_table = normalize(parse_column(pd.Series([None, "2024-02-29 12:30"]), column), column)

    assert np.isnat(alone[0])
    np.testing.assert_array_equal(with_value, from_table)


def test_a_time_with_an_offset_becomes_utc_if_the_column_has_a_timezone():
    column = Column(type="timestamp", timezone="UTC")

    from_json = normalize(["2024-02-29T12:30:00+02:00"], column)
    from_table = normalize(parse_column(pd.Series(["2024-02-29T12:30:00+02:00"]), column), column)

    assert from_json[0] == from_table[0] == np.datetime64("2024-02-29T10:30:00")


def test_a_time_is_not_a_number():
    assert np.isnan(parse_column(pd.Series(pd.to_datetime(["2024-02-29"])), Column(type="number"))).all()


def test_a_code_that_pandas_reads_as_a_float_stays_a_code():
    column = Column(type="category", nullable=True)

    assert normalize(parse_column(pd.Series([7, None]), column), column).tolist() == ["7", ""]


@given(st.floats(allow_nan=False, width=64, min_value=-1e30, max_value=1e30))
def test_a_number_is_the_same_float32_from_json_and_from_a_table(value):
    column = Column(type="number")

    from_table = normalize(parse_column(pd.Series([value]), column), column)

    assert normalize([value], column)[0] == from_table[0] == np.float32(value)


def test_a_row_gets_the_same_scores_alone_and_among_others_and_from_the_table(tiny_projects):
    for project in tiny_projects.values():
        bundle = Bundle.load(project.bundle)
        table = pd.read_parquet(project.folder / "data/holdout.parquet")
        columns = columns_of_table(table, bundle.contract)
        rows = rows_of_columns(columns, bundle.contract)
        assert any(None in row.values() for row in rows)

        together = bundle.scores(columns)

        np.testing.assert_array_equal(bundle.scores_of_rows(rows), together)
        for row, expected in zip(rows, together, strict=True):
            np.testing.assert_array_equal(bundle.scores_of_rows([row])[0], expected)
            without_nulls = {name: value for name, value in row.items() if value is not None}
            np.testing.assert_array_equal(bundle.scores_of_rows([without_nulls])[0], expected)


def test_rows_become_columns_and_the_same_rows_again(tiny_bundle):
    contract = Contract.from_json((tiny_bundle / "contract.json").read_bytes())
    rows = Bundle.load(tiny_bundle).examples()["rows"]

    assert rows_of_columns(columns_of_rows(rows, contract), contract) == rows
