"""Find the rows of a table that violate the contract."""

import pandas as pd
import pandera.pandas as pa

from cd4ml.contract.column import Column
from cd4ml.contract.columns import normalize
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import parse_column

_EXAMPLES = 3
_PANDERA_RULES = {"not_nullable": "not null", "field_uniqueness": "unique", "column_in_dataframe": "is there"}


def schema(contract: Contract) -> pa.DataFrameSchema:
    """Return the contract as a Pandera schema, each rule a check named as a person would name it."""
    columns = {}
    for name, column in contract.rules().items():
        columns[name] = pa.Column(
            nullable=column.nullable, unique=name == contract.id, checks=_checks(column), required=True
        )
    return pa.DataFrameSchema(columns)


def _checks(column: Column) -> list[pa.Check]:
    def is_of_type(series: pd.Series) -> pd.Series:
        values = pd.Series(parse_column(series, column), index=series.index)
        whole = column.type != "integer" or (values % 1 == 0)
        return values.notna() & whole

    def within(series: pd.Series) -> pd.Series:
        return pd.Series(parse_column(series, column), index=series.index)

    checks = [pa.Check(is_of_type, name=column.type_rule)]
    if column.type in ("number", "integer"):
        checks.append(pa.Check(lambda series: ~(within(series) < column.lowest), name=column.minimum_rule))
        checks.append(pa.Check(lambda series: ~(within(series) > column.highest), name=column.maximum_rule))
    if column.rejects_unknown:
        values = column.values or []
        checks.append(pa.Check(lambda series: _texts(series, column).isin(values), name=column.values_rule))
    return checks


def _texts(series: pd.Series, column: Column) -> pd.Series:
    return pd.Series(normalize(parse_column(series, column), column), index=series.index)


def violations(table: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Return what is broken, one row a column and rule: `column`, `rule`, `rows`, `examples`; empty when nothing is.

    An empty text is a null, as it is for the service.
    """
    blanks_are_nulls = table.mask(table.astype(object) == "", None) if len(table) else table
    try:
        schema(contract).validate(blanks_are_nulls, lazy=True)
    except pa.errors.SchemaErrors as broken:
        return _summary(broken.failure_cases, len(table))
    return pd.DataFrame(columns=["column", "rule", "rows", "examples"])


def _summary(cases: pd.DataFrame, rows: int) -> pd.DataFrame:
    absent = cases["check"] == "column_in_dataframe"
    found = cases.assign(
        column=cases["column"].where(~absent, cases["failure_case"]),
        rule=cases["check"].replace(_PANDERA_RULES),
    )
    lines = []
    for (column, rule), group in found.groupby(["column", "rule"], sort=False):
        missing = rule == _PANDERA_RULES["column_in_dataframe"]
        examples = "" if missing or rule == "not null" else _examples(group["failure_case"])
        lines.append((column, rule, rows if missing else len(group), examples))
    return pd.DataFrame(lines, columns=["column", "rule", "rows", "examples"])


def _examples(values: pd.Series) -> str:
    shown = [f'"{value}"' if isinstance(value, str) else str(value) for value in values.drop_duplicates()[:_EXAMPLES]]
    return ", ".join(shown)
