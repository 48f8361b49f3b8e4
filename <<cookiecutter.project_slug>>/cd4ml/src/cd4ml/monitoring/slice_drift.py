"""Which columns moved inside the slices that lost most, more than elsewhere: what a loss goes with."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.results import round_significant
from cd4ml.evaluation.slices import masks_by_value
from cd4ml.monitoring.drift import chance_index, stability_index
from cd4ml.monitoring.performance import MOST_ROWS, Judged
from cd4ml.monitoring.served import ColumnCounter

_MOST_SLICES, _MOST_COLUMNS = 5, 3
_SMALL = 0.1  # of the stability index, by convention
_SEED = 20_240_131


def with_columns(
    slices: Sequence[dict[str, Any]],
    judged: Sequence[Judged],
    contract: Contract,
    counters: Mapping[str, ColumnCounter],
) -> list[dict[str, Any]]:
    """Return the slices; each of those that lost most also has `columns`: what moved in it, and not as much elsewhere.

    A column has `name`, `index` and `elsewhere`: the stability indices of the newest period against those before, in
    the slice and in all other rows.

    Args:
        slices: as `slices_beside` returns them.
        judged: the newest period that was judged, after those before it.
        contract: of the model.
        counters: of the columns.
    """
    now, before = _sample(judged[-1:]), _sample(judged[:-1])
    if not now or not before:
        return [*slices]
    masks, masks_before = masks_by_value(now, contract), masks_by_value(before, contract)
    found = []
    for number, each in enumerate(slices):
        mask, mask_before = (known.get(each["column"], {}).get(each["value"]) for known in (masks, masks_before))
        if number < _MOST_SLICES and each["loss"] > 0 and mask is not None and mask_before is not None:
            others = {name: counter for name, counter in counters.items() if name != each["column"]}
            each = each | {"columns": _moved(now, mask, before, mask_before, others)}
        found.append(each)
    return found


def _moved(
    now: Columns, mask: Array, before: Columns, mask_before: Array, counters: Mapping[str, ColumnCounter]
) -> list[dict[str, Any]]:
    """Return the columns that moved inside of a mask by more than chance, and than outside of it, explains."""
    found = []
    for name, counter in counters.items():
        inside, by_chance = _index(counter, now[name][mask], before[name][mask_before])
        elsewhere, _ = _index(counter, now[name][~mask], before[name][~mask_before])
        if inside - by_chance > max(_SMALL, elsewhere):
            found.append((inside, elsewhere, name))
    return [
        {"name": name, "index": round_significant(inside), "elsewhere": round_significant(elsewhere)}
        for inside, elsewhere, name in sorted(found, reverse=True)[:_MOST_COLUMNS]
    ]


def _index(counter: ColumnCounter, now: Array, before: Array) -> tuple[float, float]:
    """Return the stability index of some values against others, and the one that chance reaches; 0 without values."""
    counts, others = counter.tallier.tally(now).bins, counter.tallier.tally(before).bins
    if not counts.sum() or not others.sum():
        return 0.0, 0.0
    shares = others / others.sum()
    return stability_index(shares, counts), chance_index(shares, int(others.sum()), int(counts.sum()))


def _sample(judged: Sequence[Judged]) -> Columns:
    """Return the columns of some periods together, of a sample if there are many rows; empty without a row."""
    parts = [each for each in judged if each.predictions.rows]
    if not parts:
        return {}
    generator, most = np.random.Generator(np.random.PCG64(_SEED)), MOST_ROWS // len(parts)
    chosen = [generator.permutation(each.predictions.rows)[:most] for each in parts]
    return {
        name: np.concatenate([each.columns[name][rows] for each, rows in zip(parts, chosen, strict=True)])
        for name in parts[0].columns
    }
