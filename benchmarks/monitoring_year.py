"""The flights' real year, week by week: what monitoring says, beside what each model was worth."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from cd4ml.contract.contract import Contract
from cd4ml.monitoring.findings import Finding
from cd4ml.monitoring.periods import Period
from scipy.stats import ks_2samp, pearsonr  # type: ignore[import-untyped]

from benchmarks.monitoring_world import DAY, Stream, World, trained

FIRST, LAST = date(2013, 4, 1), date(2013, 12, 29)  # a Monday, and the Sunday of the last whole week
ALPHA = 0.05


def show_year(kept: Path, example: Path) -> None:
    """Print a line for each week, with the model of January to March and with those trained anew each month."""
    streams = {date(2013, 3, 31): real(World.of(trained(example, kept / "march", "2013-03-31")))}
    for month in range(4, 12):
        until = date(2013, month, calendar.monthrange(2013, month)[1])
        streams[until] = real(World.of(trained(example, kept / f"until-{until}", str(until))))
    frozen = streams[date(2013, 3, 31)]
    numbers, before = training_rows(example, frozen.world.live.bundle.contract)
    print("\nThe year, by week: ROC AUC and its interval, the one expected if only the inputs had changed, stability")
    print("  index of the predictions, what was said; KS: number columns flagged by Kolmogorov-Smirnov with Bonferroni")
    print(f"  {'week':<11}{'kept since April':<78}{'KS':>8}  trained each month")
    flagged, inside, metrics = [], {"kept": 0, "monthly": 0}, []
    weeks = [FIRST + timedelta(days=7 * number) for number in range(((LAST - FIRST).days + 1) // 7)]
    for first in weeks:
        last = first + DAY * 6
        newest = streams[max(until for until in streams if until < first)]
        rows = frozen.rows(Period(first, last))
        flags = sum(
            ks_2samp(before[name], values[rows][~np.isnan(values[rows])]).pvalue < ALPHA / len(numbers)
            for name, values in frozen.world.columns.items()
            if name in numbers
        )
        lines = {}
        for name, stream in (("kept", frozen), ("monthly", newest)):
            findings, result = stream.judge(last)
            assert result is not None
            value, expected = (result[key]["roc_auc"] for key in ("metrics", "expected"))
            low, high = (result["interval"][end] for end in ("low", "high"))
            index = next(each.numbers.get("index", 0.0) for each in findings if each.check == "predictions")
            inside[name] += low <= expected <= high
            lines[name] = f"{value:.3f} ({low:.3f} to {high:.3f})  {expected:.3f}  {index:5.2f}  {said(findings)}"
            if name == "kept":
                metrics.append(value)
        flagged.append(flags)
        print(f"  {first!s:<11}{lines['kept']:<78}{flags:>3} of {len(numbers)}  {lines['monthly']}", flush=True)
    related = pearsonr(flagged, metrics).statistic
    print(
        f"  Kolmogorov-Smirnov: {min(flagged)} to {max(flagged)} of {len(numbers)} columns each week, "
        f"{sum(flag > 0 for flag in flagged)} of {len(weeks)} weeks would alarm; correlation of their number with "
        f"ROC AUC {related:+.2f}"
    )
    for name, count in inside.items():
        print(f"  {name}: the expected ROC AUC lies inside the realised interval in {count} of {len(weeks)} weeks")


def real(world: World) -> Stream:
    """Return the answers to all rows that a model has not seen, on their own days."""
    return Stream(world, world.columns, world.target, world.days)


def training_rows(example: Path, contract: Contract) -> tuple[list[str], dict[str, np.ndarray]]:
    """Return the columns of numbers, and their values from January to March."""
    names = [name for name, column in contract.columns.items() if column.type in ("number", "integer")]
    paths = [path for path in (example / "data/source").glob("*.parquet") if path.stem <= "2013-03"]
    rows = pd.concat([pd.read_parquet(path) for path in paths])
    return names, {name: rows[name].dropna().to_numpy() for name in names}


def said(findings: list[Finding]) -> str:
    """Return the alarms of a day in a few words."""
    alarms = sorted({(each.level, each.check) for each in findings if each.level in ("page", "warn")})
    return ", ".join(f"{level} {check}" for level, check in alarms) or "-"
