"""The damages of the experiment on monitoring: what goes wrong in requests, outcomes, the world, or the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from cd4ml.contract.columns import Array, Columns

Random = np.random.Generator
DELAY = 10
"""Days by which outcomes are late in the damage that delays them."""


@dataclass
class Days:
    """Some days of requests, which a damage changes in place."""

    columns: Columns
    target: Array
    days: Array
    delay: Array
    kept: Array
    """Which rows are predicted at all."""
    hit: Array
    """The rows of the days that are damaged."""


Damage = Callable[[Days, Random], None]


def null(column: str, share: float = 1.0, origin: str | None = None) -> Damage:
    """Return the damage that a column is null, in some rows or for one airport."""

    def apply(days: Days, random: Random) -> None:
        rows = days.hit & (random.random(len(days.hit)) < share)
        if origin is not None:
            rows &= days.columns["origin"] == origin
        values = days.columns[column].copy()
        values[rows] = "" if values.dtype == object else np.nan
        days.columns[column] = values

    return apply


def unit(column: str, factor: float, offset: float = 0.0, origin: str | None = None) -> Damage:
    """Return the damage that a number comes in another unit: `(value + offset) * factor`."""

    def apply(days: Days, _: Random) -> None:
        rows = days.hit if origin is None else days.hit & (days.columns["origin"] == origin)
        values = days.columns[column]
        days.columns[column] = np.where(rows, (values + offset) * factor, values).astype(np.float32)

    return apply


def renamed(column: str, share_of_names: float) -> Damage:
    """Return the damage that some of a column's categories are written in another way."""

    def apply(days: Days, random: Random) -> None:
        values = days.columns[column].copy()
        names = random.permutation(np.unique(values.astype(str)))
        chosen = set(names[: max(1, round(share_of_names * len(names)))].tolist())
        rows = days.hit & np.array([value in chosen for value in values])
        values[rows] = [f"{value} airport" for value in values[rows]]
        days.columns[column] = values

    return apply


def swapped(column: str) -> Damage:
    """Return the damage that a column's categories are exchanged for each other: all are known, and wrong."""

    def apply(days: Days, _: Random) -> None:
        values = days.columns[column].copy()
        names = np.unique(values.astype(str))
        other = dict(zip(names.tolist(), np.roll(names, 1).tolist(), strict=True))
        values[days.hit] = [other[value] for value in values[days.hit]]
        days.columns[column] = values

    return apply


def flipped(share: float) -> Damage:
    """Return the damage that a share of the outcomes is wrong."""

    def apply(days: Days, random: Random) -> None:
        rows = days.hit & (random.random(len(days.hit)) < share)
        days.target = np.where(rows, ~days.target.astype(bool), days.target.astype(bool))

    return apply


def late(delay: int) -> Damage:
    """Return the damage that outcomes arrive some days later than they did."""

    def apply(days: Days, _: Random) -> None:
        days.delay = np.where(days.hit, delay, days.delay)

    return apply


def another_world(share: float) -> Damage:
    """Return the damage that outcomes no longer depend on the inputs as they did, in a share of the rows.

    They get the outcome of another flight, drawn at random: as many are late as before.
    """

    def apply(days: Days, random: Random) -> None:
        rows = days.hit & (random.random(len(days.hit)) < share)
        days.target = np.where(rows, random.permutation(days.target), days.target)

    return apply


def more_late(factor: float) -> Damage:
    """Return the damage that more flights are late, whatever the model knows of them: another base rate."""

    def apply(days: Days, random: Random) -> None:
        late_ = days.target.astype(bool)
        more = (factor - 1) * late_.mean() / (1 - late_.mean())
        days.target = late_ | (days.hit & (random.random(len(late_)) < more))

    return apply


def volume(share: float) -> Damage:
    """Return the damage that only a share of the predictions is asked for."""

    def apply(days: Days, random: Random) -> None:
        days.kept = ~days.hit | (random.random(len(days.hit)) < share)

    return apply


def more_predictions(factor: float) -> Damage:
    """Return the damage that several times as many predictions are asked for; before, there are fewer."""

    def apply(days: Days, random: Random) -> None:
        days.kept = days.hit | (random.random(len(days.hit)) < 1 / factor)

    return apply


DAMAGES: dict[str, Damage | None] = {
    "none": None,
    "temperature null, all": null("temperature"),
    "temperature null, one airport": null("temperature", origin="LGA"),
    "temperature null, 10 % of the rows": null("temperature", 0.1),
    "temperature null, 3 % of the rows": null("temperature", 0.03),
    "wind_gust null, all (78 % are)": null("wind_gust"),
    "destination null, all": null("destination"),
    "wind_speed in m/s, not mph": unit("wind_speed", 0.44704),
    "temperature in °C, not °F": unit("temperature", 5 / 9, -32.0),
    "temperature in °C, one airport": unit("temperature", 5 / 9, -32.0, "LGA"),
    "pressure in inHg, not millibar": unit("pressure", 0.02953),
    "distance in km, not miles": unit("distance", 1.609),
    "destinations renamed, all": renamed("destination", 1.0),
    "destinations renamed, one in ten": renamed("destination", 0.1),
    "destinations renamed, one": renamed("destination", 0.001),
    "carriers exchanged for each other": swapped("carrier"),
    "origins exchanged for each other": swapped("origin"),
    "outcomes flipped, 10 %": flipped(0.1),
    "outcomes flipped, 30 %": flipped(0.3),
    "outcomes flipped, all": flipped(1.0),
    f"outcomes {DELAY} days late": late(DELAY),
    "outcomes stopped": late(1_000),
    "another world, 20 % of the flights": another_world(0.2),
    "another world, 50 % of the flights": another_world(0.5),
    "another world, all flights": another_world(1.0),
    "half as many again are late": more_late(1.5),
    "twice as many are late": more_late(2.0),
    "predictions tripled": more_predictions(3.0),
    "predictions five times": more_predictions(5.0),
    "predictions halved": volume(0.5),
    "predictions a quarter": volume(0.25),
    "predictions a tenth": volume(0.1),
    "log stopped": volume(0.0),
}
