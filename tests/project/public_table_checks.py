"""What every public table must show once it is adopted."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.adopted_table import adopt
from tests.public_tables import PublicTable

ROW_NUMBERS = "rownames"  # a column of each of R's tables


def each_third_in_the_tier(tables: Sequence[PublicTable]) -> list[ParameterSet]:
    """Return tables as parameters of a test, of which two in three are drills: each takes half a minute."""
    return [
        pytest.param(table, id=table.name, marks=[pytest.mark.drill] if number % 3 else [])
        for number, table in enumerate(tables)
    ]


def check(table: PublicTable, project: Path) -> None:
    """Adopt a table in a generated project; check what was found out about it, and how good its model is."""
    adopted = adopt(table, project)
    print(adopted.printed)

    contract = adopted.contract
    assert contract.task == table.task
    assert (contract.time, contract.group) == (table.time, table.group)
    used = {*contract.columns, table.target, contract.id, contract.group}
    left_out = sorted({*table.load().columns} - used - {ROW_NUMBERS})
    assert left_out == sorted(table.without), f"left out: {left_out}"
    assert "Enter for 1" not in adopted.printed
    for quality in adopted.qualities:
        shown = f"{quality.own:.4g} beside {quality.plain}, ratio {quality.low:.3f} to {quality.high:.3f}"
        assert not quality.is_worse, f"{table.name}: {quality.metric} {shown}; {adopted.model}"
