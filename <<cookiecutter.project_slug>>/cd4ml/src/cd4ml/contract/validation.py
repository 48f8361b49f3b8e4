"""Find the rows of a table that violate the contract."""

import pandas as pd
import pandera.pandas as pa

from cd4ml.contract.column import Column
from cd4ml.contract.columns import normalize
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import parse_column

_EXAMPLES = 3
_PANDERA_RULES = {"not_nullable": "not null", "field_uniqueness": "unique", "column_in_dataframe": "required"}


def violations(table: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Return the broken rules, one row for each column and rule: `column`, `rule`, `rows`, `examples`.

    Empty if the table keeps the contract. An empty string is a null, as the service takes it for a category.
    """
    with_nulls = table.mask(table.astype(object) == "", None) if len(table) else table
    try:
        pandera_schema(contract).validate(with_nulls, lazy=True)
    except pa.errors.SchemaErrors as failure:
        return _summary(failure.failure_cases, len(table))
    return pd.DataFrame(columns=["column", "rule", "rows", "examples"])


def pandera_schema(contract: Contract) -> pa.DataFrameSchema:
    """Return the contract as a Pandera schema, with the rules' names as the names of the checks."""
    columns = {
        name: pa.Column(nullable=column.nullable, unique=name == contract.id, checks=_checks(column), required=True)
        for name, column in contract.table_columns().items()
    }
    return pa.DataFrameSchema(columns)


def _checks(column: Column) -> list[pa.Check]:
    def parsed(series: pd.Series) -> pd.Series:
        return pd.Series(parse_column(series, column), index=series.index)

    def is_of_type(series: pd.Series) -> pd.Series:
        values = parsed(series)
        whole = column.type != "integer" or (values % 1 == 0)
        return values.notna() & whole

    def is_listed(series: pd.Series) -> pd.Series:
        return pd.Series(normalize(parse_column(series, column), column), index=series.index).isin(column.values or [])

    checks = [pa.Check(is_of_type, name=column.source_rule)]
    if column.type in ("number", "integer"):
        checks.append(pa.Check(lambda series: ~(parsed(series) < column.lowest), name=column.minimum_rule))
        checks.append(pa.Check(lambda series: ~(parsed(series) > column.highest), name=column.maximum_rule))
    if column.rejects_unknown:
        checks.append(pa.Check(is_listed, name=column.values_rule))
    return checks


def _summary(cases: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return Pandera's failure cases, one row a value, as one row for each column and rule."""
    absent = cases["check"] == "column_in_dataframe"
    named = cases.assign(
        column=cases["column"].where(~absent, cases["failure_case"]),
        rule=cases["check"].replace(_PANDERA_RULES),
    )
    lines = []
    for (column, rule), group in named.groupby(["column", "rule"], sort=False):
        missing = rule == _PANDERA_RULES["column_in_dataframe"]
        examples = "" if missing or rule == "not null" else _examples(group["failure_case"])
        lines.append((column, rule, rows if missing else len(group), examples))
    return pd.DataFrame(lines, columns=["column", "rule", "rows", "examples"])


def _examples(values: pd.Series) -> str:
    first = values.drop_duplicates()[:_EXAMPLES]
    return ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in first)
