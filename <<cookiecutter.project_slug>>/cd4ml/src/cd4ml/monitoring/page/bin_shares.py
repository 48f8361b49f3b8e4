"""Turn the bins of monitoring.json into what a picture or a table shows: labels, and the share of the rows in each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cd4ml.evaluation.formatting import format_rounded
from cd4ml.monitoring.verdict import one_line

SIDES = ("training", "before", "season")
"""What the newest period is compared with."""
_MOST_CATEGORIES = 8  # of their own; the rest is one bin
_SMALL = 0.005  # a share that no bin of its own is for


@dataclass(frozen=True)
class BinShares:
    """The shares of the rows in each bin, of the newest period and of what it is compared with."""

    labels: Sequence[str]
    """Of each bin, for a table."""
    ticks: Sequence[tuple[float, str]]
    """Where a number stands on an axis: 0.5 is between the first bin and the second; none of categories."""
    outside: Sequence[int]
    """The bins of numbers beyond those of the training set."""
    now: Sequence[float]
    others: Mapping[str, Sequence[float]]
    """By `training`, `before`, `season`: those that there are."""

    @property
    def is_ordered(self) -> bool:
        """Whether these are bins of numbers."""
        return bool(self.ticks)

    @property
    def largest(self) -> float:
        """The largest share of any bin."""
        return max(share for shares in (self.now, *self.others.values()) for share in shares)


def of_column(column: Mapping[str, Any]) -> BinShares | None:
    """Return the shares of a column; None if its values were not counted, or there is nothing to compare with."""
    others = {side: column[side] for side in SIDES if column.get(side)}
    if not sum(column["counts"]) or not others:
        return None
    if column["type"] in ("number", "integer"):
        return of_numbers(column["bins"], column["counts"], others)
    names = ["false" if name is False else "true" if name is True else one_line(name) for name in column["bins"]]
    return _of_categories(names, column["counts"], others)


def of_numbers(
    edges: Sequence[float], counts: Sequence[int], others: Mapping[str, Sequence[float]]
) -> BinShares | None:
    """Return the shares of bins that end at `edges`; the first and the last bin hold what is beyond these."""
    if not edges or not sum(counts):
        return None
    every = {"now": _shares(counts), **{side: list(shares) for side, shares in others.items()}}
    ends = [format_rounded(edge) for edge in edges]
    labels = [
        f"to {ends[0]}",
        *(f"{low} to {high}" for low, high in pairwise(ends)),
        f"above {ends[-1]}",
    ]
    first, last = 0, len(labels)
    if len(labels) > 2 and all(shares[0] < _SMALL for shares in every.values()):
        first = 1  # the smallest number of the training set is a bin of its own: add it to the next one
        for shares in every.values():
            shares[1] += shares[0]
    if all(shares[-1] < _SMALL for shares in every.values()):
        last -= 1
    every = {side: shares[first:last] for side, shares in every.items()}
    chosen = sorted({0, len(ends) // 3, 2 * len(ends) // 3, len(ends) - 1})
    ticks = [(number + 0.5 - first, ends[number]) for number in chosen]
    in_training = others.get("training", [1.0] * len(labels))  # of others, no bin is beyond the training set
    outside = [
        number - first for number in (0, len(labels) - 1) if first <= number < last and in_training[number] < _SMALL
    ]
    return BinShares(labels[first:last], ticks, outside, every.pop("now"), every)


def _of_categories(names: Sequence[str], counts: Sequence[int], others: Mapping[str, Sequence[float]]) -> BinShares:
    every = {"now": _shares(counts), **others}
    order = sorted(range(len(names)), key=lambda number: -max(shares[number] for shares in every.values()))
    shown, rest = order[:_MOST_CATEGORIES], order[_MOST_CATEGORIES:]
    shown = [number for number in shown if any(shares[number] > 0 for shares in every.values())]
    labels = [names[number] for number in shown]
    found = {side: [shares[number] for number in shown] for side, shares in every.items()}
    if rest:
        labels.append(f"({len(rest)} others)")
        for side, shares in every.items():
            found[side].append(sum(shares[number] for number in rest))
    return BinShares(labels, [], [], found.pop("now"), found)


def _shares(counts: Sequence[int]) -> list[float]:
    rows = sum(counts)
    return [count / rows for count in counts]
