"""How often monitoring alarms for nothing, which damage it finds how soon, and what it would have said in a real year.

    uv run python -m benchmarks.monitoring_alarms [--quick] [--keep FOLDER] [--only false damage year]

The example's model is trained by the project's own stages, and the library's own checks judge what it answers, each day
on the seven days before, as the daily workflow does.

False alarms: the rows of a year, with their dates shuffled over the rows (nothing changes, and nothing belongs
together), or with whole days exchanged for others of the same weekday (no season, but each day has its weather, as real
days have). A year of days is drawn from the months that the model has not seen. Damage: from one day on, something goes
wrong for four weeks; shown are the days until a check says so. The year: the flights as they were, by week, judged with
the model of January to March, and with one that is trained anew each month. `--quick` draws less.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from cd4ml.contract.columns import Array

from benchmarks.monitoring_damage import DAMAGES, Damage, Days
from benchmarks.monitoring_world import DAY, Stream, World, generated, trained
from benchmarks.monitoring_year import show_year

FIRST = np.datetime64("2013-08-01")
BEFORE, DAMAGED, YEAR = 35, 28, 364  # days
LOOKED_AT = (1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 28)  # days of the damage
USUAL = 98  # predictions a day in the example, of rows
LEVELS = ("page", "warn")
Alarms = dict[tuple[str, str], int]
"""The day of the damage on which a level and a check first speak."""
WANTED = (
    ("temperature null, all", ("page", "nulls"), 2),
    ("destination null, all", ("page", "nulls"), 2),
    ("pressure in inHg, not millibar", ("page", "range"), 2),
    ("destinations renamed, all", ("page", "categories"), 2),
    ("predictions five times", ("page", "volume"), 7),
    ("log stopped", ("page", "volume"), 7),
    ("outcomes flipped, 30 %", ("page", "loss"), 14),
    ("another world, 50 % of the flights", ("page", "loss"), 28),
)


def shuffled(rows: pd.DataFrame, seed: int, *, whole_days: bool) -> pd.DataFrame:
    """Return rows on other dates of the year: each its own, or whole days, exchanged within a weekday."""
    random = np.random.default_rng(seed)
    times = rows["scheduled_departure"].to_numpy()
    days = times.astype("datetime64[D]")
    if not whole_days:
        return rows.assign(scheduled_departure=random.permutation(days) + (times - days))
    old = np.unique(days)
    new, weekday = old.copy(), weekday_of(old)
    for number in range(7):
        new[weekday == number] = random.permutation(old[weekday == number])
    return rows.assign(scheduled_departure=new[np.searchsorted(old, days)] + (times - days))


def weekday_of(days: Array) -> Array:
    return np.asarray((days.astype(int) + 3) % 7)


def drawn(world: World, days: int, a_day: int, seed: int, *, whole_days: bool) -> tuple[Array, Array]:
    """Return which rows of a world are predicted on some days, and the day of each."""
    random, dates = np.random.default_rng(seed), FIRST + np.arange(days)
    parts = []
    if whole_days:
        of_day = {day: np.flatnonzero(world.days == day) for day in np.unique(world.days)}
        pools = defaultdict(list)
        for day, rows in of_day.items():
            pools[int(weekday_of(day))].append(rows)
        for day in dates:
            pool = pools[int(weekday_of(day))]
            rows = pool[random.integers(len(pool))]
            parts.append(random.choice(rows, a_day, replace=False) if a_day < len(rows) else rows)
    else:
        parts = [random.choice(len(world.days), a_day, replace=False) for _ in dates]
    return np.concatenate(parts), np.repeat(dates, [len(part) for part in parts])


def stream_of(world: World, rows: Array, days: Array, damage: Damage | None = None, seed: int = 0) -> Stream:
    """Return the answers to rows on days, damaged from the end of the first five weeks on."""
    state = Days(
        {name: values[rows] for name, values in world.columns.items()},
        world.target[rows],
        days,
        np.zeros(len(rows), dtype=int),
        np.ones(len(rows), dtype=bool),
        days >= FIRST + BEFORE,
    )
    if damage is not None:
        damage(state, np.random.default_rng(seed))
    kept = state.kept
    columns = {name: values[kept] for name, values in state.columns.items()}
    return Stream(world, columns, state.target[kept], days[kept], state.delay[kept])


def show_false_alarms(worlds: dict[str, list[World]], volumes: tuple[int, ...], every: int) -> dict[str, float]:
    """Print how many weeks of an undrifted year page and warn; return the share of those that page."""
    shares = {}
    print(f"\nFalse alarms: years of {YEAR // 7} weeks, judged every {every} days; a week counts if any run of it does")
    for kind, several in worlds.items():
        for a_week in volumes:
            whole_days = kind == "whole days"
            if whole_days and a_week > 7 * USUAL:
                continue  # a day has no more rows than it had
            weeks, ends, inside, judged, gaps = Counter[tuple[str, str]](), Counter[str](), 0, 0, []
            for seed, world in enumerate(several):
                rows, days = drawn(world, BEFORE + YEAR, -(-a_week // 7), seed, whole_days=whole_days)
                found, metrics = of_year(stream_of(world, rows, days), every)
                for number in range(YEAR // 7):
                    of_week = [each for day in found[7 * number : 7 * number + 7] for each in day]
                    weeks.update({(level, "any") for level, _ in of_week} | set(of_week))
                    ends.update({level for level, _ in found[7 * number + 6]})
                inside += sum(low <= expected <= high for _, expected, low, high in metrics)
                gaps += [expected - value for value, expected, _, _ in metrics]
                judged += len(metrics)
            total = len(several) * YEAR // 7
            shares[f"{kind}, {a_week:,} a week"] = weeks["page", "any"] / total
            by_check = ", ".join(
                f"{level} {check} {count}" for (level, check), count in weeks.items() if check != "any"
            )
            print(
                f"  {kind:<11}{a_week:>6,} a week, {total} weeks: page {weeks['page', 'any']:>3}, "
                f"warn {weeks['warn', 'any']:>3}; judged once a week: page {ends['page']}, warn {ends['warn']}"
                f"  [{by_check}]\n{'':>20}expected ROC AUC inside the realised interval {inside / judged:.0%}, "
                f"{np.mean(gaps):+.3f} off on average",
                flush=True,
            )
    return shares


def of_year(stream: Stream, every: int) -> tuple[list[set[tuple[str, str]]], list[tuple[float, float, float, float]]]:
    """Return each day's alarms; and of each seventh day the metric, the expected one, and the ends of the interval."""
    found: list[set[tuple[str, str]]] = [set() for _ in range(YEAR)]
    metrics = []
    for number in range(every - 1, YEAR, every):
        findings, result = stream.judge(stream.first + DAY * (BEFORE + number))
        found[number] = {(each.level, each.check) for each in findings if each.level in LEVELS}
        if number % 7 == 6 and result is not None and result["interval"] is not None:
            name, interval = stream.world.metrics.main.name, result["interval"]
            metrics.append((result["metrics"][name], result["expected"][name], interval["low"], interval["high"]))
    return found, metrics


def first_alarms(stream: Stream) -> Alarms:
    """Return on which day of the damage each level and check first speaks."""
    found: Alarms = {}
    last = stream.first + DAY * (BEFORE - 1)
    for number in LOOKED_AT:
        for each in stream.judge(last + DAY * number)[0]:
            if each.level in LEVELS:
                found.setdefault((each.level, each.check), number)
    return found


def show_damage(worlds: list[World], draws: int, a_day: int) -> dict[str, list[Alarms]]:
    """Print on which day each check speaks of each damage; return the alarms of each draw, by damage."""
    print(f"\nDamage: {draws * len(worlds)} draws of {7 * a_day:,} rows a week with whole days; the median day of the")
    print(f"  first alarm (in how many draws), judged on days {', '.join(map(str, LOOKED_AT))} of the damage")
    reached: dict[str, list[Alarms]] = {}
    for name, damage in DAMAGES.items():
        reached[name] = []
        for world, seed in [(world, seed) for world in worlds for seed in range(draws)]:
            rows, days = drawn(world, BEFORE + DAMAGED, a_day, seed, whole_days=True)
            reached[name].append(first_alarms(stream_of(world, rows, days, damage, seed)))
        firsts = defaultdict(list)
        for alarms in reached[name]:
            for key, day in alarms.items():
                firsts[key].append(day)
        text = [
            f"{level} {check}: day {median(found):.0f} ({len(found)})"
            for (level, check), found in sorted(firsts.items(), key=lambda item: -len(item[1]))
        ]
        print(f"  {name:<36}{'; '.join(text) or 'nothing is said'}", flush=True)
    return reached


def main() -> None:
    """Run the parts, and print the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one shuffle, fewer draws, and no year")
    parser.add_argument("--keep", type=Path, help="a folder for the trained projects, which the next run uses again")
    parser.add_argument("--only", nargs="+", choices=["false", "damage", "year"], help="these parts")
    parser.add_argument("--every", type=int, help="days between two runs in the years: 1, or 7 when quick")
    given = parser.parse_args()
    parts = given.only or (["false", "damage"] if given.quick else ["false", "damage", "year"])
    seeds, draws, volumes = (1, 1, (200, 700)) if given.quick else (3, 2, (200, 700, 5_000))
    every = given.every or (7 if given.quick else 1)
    with tempfile.TemporaryDirectory() as scratch:
        kept = given.keep or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        example = kept / "flight-delays" if (kept / "flight-delays").is_dir() else generated(kept)
        worlds = dict(undrifted(kept, example, seeds)) if {"false", "damage"} & set(parts) else {}
        shares = show_false_alarms(worlds, volumes, every) if "false" in parts else {}
        reached = show_damage(worlds["whole days"], draws, USUAL) if "damage" in parts else {}
        if "year" in parts:
            show_year(kept, example)
    print()
    goals(shares, reached)


def undrifted(kept: Path, example: Path, seeds: int) -> Iterator[tuple[str, list[World]]]:
    """Yield the worlds without drift, by how they were shuffled."""
    rows = pd.concat([pd.read_parquet(path) for path in sorted((example / "data/source").glob("*.parquet"))])
    for kind, short in (("rows", "rows"), ("whole days", "days")):
        folders = [
            trained(example, kept / f"{short}{seed}", "2013-07-31", shuffled(rows, seed, whole_days=short == "days"))
            for seed in range(seeds)
        ]
        yield kind, [World.of(folder) for folder in folders]


def goals(shares: dict[str, float], reached: dict[str, list[Alarms]]) -> None:
    """Print a line for each goal."""
    for what, share in shares.items():
        print(f"weeks that page, {what:<46} {share:.3f}  goal <= 0.05  {'ok' if share <= 0.05 else 'short'}")
    for name, alarm, latest in WANTED:
        if name in reached:
            caught = sum(each.get(alarm, DAMAGED + 1) <= latest for each in reached[name]) / len(reached[name])
            what = f"{name}: {' '.join(alarm)} by day {latest}"
            print(f"{what:<63} {caught:.2f}  goal >= 0.8  {'ok' if caught >= 0.8 else 'short'}")


if __name__ == "__main__":
    main()
