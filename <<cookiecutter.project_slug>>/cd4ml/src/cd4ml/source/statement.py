"""The statement of `data.query`: its days filled in, in the form that a driver takes."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine.default import DefaultDialect

from cd4ml.errors import DataError


def with_days(query: str, first: date | None, last: date | None) -> sql.TextClause:
    """Return a query as a statement, with `:first`, the first day to use, and `:after`, the day after the last one.

    Raises:
        DataError: it contains another parameter.
    """
    days = {"first": first or date.min, "after": last + timedelta(days=1) if last and last < date.max else date.max}
    statement = sql.text(query)
    names = set(statement.compile().params)
    if unknown := sorted(names - set(days)):
        raise DataError(
            f"params.yaml: data.query contains :{unknown[0]}, and only :first and :after are filled in; "
            rf"for a literal colon, write \:{unknown[0]}"
        )
    return statement.bindparams(*(sql.bindparam(name, days[name], sql.Date()) for name in names))


def with_question_marks(statement: sql.TextClause) -> tuple[str, list[Any]]:
    """Return a statement's text with a `?` for each parameter, and the parameters in that order."""
    compiled = statement.compile(dialect=DefaultDialect(paramstyle="qmark"))
    return str(compiled).rstrip().rstrip(";"), [compiled.params[name] for name in compiled.positiontup or []]


def distinct_names(names: list[str]) -> list[str]:
    """Return the names of a result's columns.

    Raises:
        DataError: two are equal.
    """
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f"params.yaml: data.query returns two columns named {repeated[0]}; rename one with AS")
    return names
