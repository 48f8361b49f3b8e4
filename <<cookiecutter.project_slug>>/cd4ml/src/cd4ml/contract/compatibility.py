"""Whether those who call the champion can go on calling the challenger with the same requests."""

from collections.abc import Iterator

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract, Target


def breaking_changes(before: Contract, after: Contract) -> list[str]:
    """Return what a caller of `before` would have to change for `after`: one short text each, none when nothing.

    Requests may widen and answers may not: a new column that can be left out, a wider limit, one more category pass.
    """
    return [*_of_columns(before, after), *_of_id(before, after), *_of_target(before.target, after.target)]


def _of_columns(before: Contract, after: Contract) -> Iterator[str]:
    for name, old in before.columns.items():
        if name not in after.columns:
            yield f"{name} was removed, and a request that carries it is refused"
            continue
        yield from (f"{name} {change}" for change in _of_column(old, after.columns[name]))
    for name, new in after.columns.items():
        if name not in before.columns and not new.nullable:
            yield f"{name} is new and required; make it nullable"


def _of_column(old: Column, new: Column) -> Iterator[str]:
    if old.nullable and not new.nullable:
        yield "was nullable and is now required"
    if (old.type, new.type) != ("integer", "number") and old.type != new.type:
        yield f"was {old.type_rule} and is now {new.type_rule}"
        return
    if old.timezone != new.timezone:
        yield f"was {old.type_rule} and is now {new.type_rule}"
    if old.type in ("number", "integer"):
        if new.lowest > old.lowest:
            yield f"may no longer be below {new.lowest:.9g}"
        if new.highest < old.highest:
            yield f"may no longer be above {new.highest:.9g}"
    if new.rejects_unknown:
        if not old.rejects_unknown:
            yield "was open and now refuses values that are not listed"
        elif dropped := sorted(set(old.values or ()) - set(new.values or ())):
            yield f"no longer knows {_listed(dropped)}"


def _of_id(before: Contract, after: Contract) -> Iterator[str]:
    if before.id is not None and before.id != after.id and before.id not in after.columns:
        yield f"{before.id} is no longer the id, and a request that carries it is refused"


def _of_target(old: Target, new: Target) -> Iterator[str]:
    if old.name != new.name:
        yield f"the answer was {old.name} and is now {new.name}"
    if old.type != new.type:
        yield f"the answer was a {old.type} and is now a {new.type}"
    elif set(new.values or ()) != set(old.values or ()):
        yield "the answer's classes are others"
    if old.unit != new.unit:
        yield f"the answer was in {old.unit or 'no unit'} and is now in {new.unit or 'no unit'}"


def _listed(values: list[str]) -> str:
    shown = ", ".join(f'"{value}"' for value in values[:5])
    return shown if len(values) <= 5 else f"{shown} and {len(values) - 5} more"
