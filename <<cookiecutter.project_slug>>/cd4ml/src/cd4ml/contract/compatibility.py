"""Find the changes between two contracts that break the clients of the service."""

from collections.abc import Iterator

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract, Target


def breaking_changes(before: Contract, after: Contract) -> list[str]:
    """Return what a client written for `before` would have to change for `after`, one short sentence each.

    Accepting more requests breaks nothing: a new column that is nullable, a wider limit, another category. Answering
    differently does: another target, type, unit or set of classes.
    """
    return [*_in_columns(before, after), *_in_id(before, after), *_in_target(before.target, after.target)]


def _in_columns(before: Contract, after: Contract) -> Iterator[str]:
    for name, old in before.columns.items():
        if name not in after.columns:
            yield f"{name} was removed, and a request that contains it is rejected"
            continue
        yield from (f"{name} {change}" for change in _in_column(old, after.columns[name]))
    for name, new in after.columns.items():
        if name not in before.columns and not new.nullable:
            yield f"{name} is new and required; make it nullable"


def _in_column(old: Column, new: Column) -> Iterator[str]:
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
            yield "accepted any value and now rejects values that are not listed"
        elif removed := sorted(set(old.values or ()) - set(new.values or ())):
            yield f"no longer accepts {_quoted(removed)}"


def _in_id(before: Contract, after: Contract) -> Iterator[str]:
    if before.id is not None and before.id != after.id and before.id not in after.columns:
        yield f"{before.id} is no longer the id, and a request that contains it is rejected"


def _in_target(old: Target, new: Target) -> Iterator[str]:
    if old.name != new.name:
        yield f"the target was {old.name} and is now {new.name}"
    if old.type != new.type:
        yield f"the target was a {old.type} and is now a {new.type}"
    elif set(new.values or ()) != set(old.values or ()):
        yield "the target has other classes"
    if old.unit != new.unit:
        yield f"the target was in {old.unit or 'no unit'} and is now in {new.unit or 'no unit'}"


def _quoted(values: list[str]) -> str:
    listed = ", ".join(f'"{value}"' for value in values[:5])
    return listed if len(values) <= 5 else f"{listed} and {len(values) - 5} more"
