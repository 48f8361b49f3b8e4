"""What was measured, as tables, and beside the goals."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.serving.load import LOADS, Load, Measured
from benchmarks.serving.models import BUILD

MEGABYTE = 1e6


@dataclass(frozen=True)
class Goal:
    """How a figure of one contender compares with that of another."""

    contender: str
    figure: str
    other: str
    limit: float
    at_most: bool = False

    def __str__(self) -> str:
        return f"{self.contender} / {self.other}, {self.figure}"


GOALS = [
    Goal("ours", "1 row c1", "fastapi-constant", 1.0),
    Goal("ours", "1 row c64", "fastapi-constant", 1.0),
    Goal("ours", "100 rows c8", "fastapi-constant", 1.2),
    Goal("ours", "1 row c1", "mlflow", 40),
    Goal("ours", "1 row c1", "fastapi", 25),
    Goal("ours", "start", "fastapi", 0.2, at_most=True),
    Goal("ours", "start", "mlflow", 0.1, at_most=True),
    Goal("ours", "memory", "mlflow", 0.25, at_most=True),
    Goal("ours", "largest process", "mlflow", 0.25, at_most=True),
    Goal("ours-sklearn", "1 row c1", "fastapi", 1.0),
    Goal("ours-sklearn", "1 row c64", "fastapi", 8),
]


class Results:
    """The figures of all rounds: requests per second by load, and what else is measured, by its name."""

    def __init__(self, chosen: Sequence[str]) -> None:
        self._chosen = chosen
        self.failures: list[str] = []
        self.size: dict[str, int] = {}
        self._figures: dict[tuple[str, str, str], list[float]] = defaultdict(list)

    def fail(self, model: str, contender: str, reason: str) -> None:
        """Note and print that something could not be measured."""
        self.failures.append(f"{model}, {contender}: {reason}")
        print(f"FAILED: {self.failures[-1]}", flush=True)

    def add(self, model: str, contender: str, figure: str, value: float) -> None:
        """Add the figure of one round."""
        self._figures[model, contender, figure].append(value)

    def add_load(self, model: str, contender: str, load: Load, measured: Measured) -> None:
        """Add and print what wrk measured."""
        self.add(model, contender, str(load), measured.per_second)
        self.add(model, contender, f"{load} p50", measured.p50)
        self.add(model, contender, f"{load} p99", measured.p99)
        self.add(model, contender, f"{load} cpu", measured.cpu)
        self.add(model, contender, "others", measured.others)
        print(
            f"  {contender:<23} {load!s:<13} {measured.per_second:9,.1f}/s  p50 {measured.p50:8.2f} ms"
            f"  p99 {measured.p99:8.2f} ms  other programs on its core {measured.others:4.0%}",
            flush=True,
        )

    def median(self, model: str, contender: str, figure: str) -> float | None:
        """Return the median of all rounds; None if it was not measured."""
        values = self._figures.get((model, contender, figure))
        return statistics.median(values) if values else None

    def _cell(self, model: str, contender: str, figure: str, form: str, unit: float = 1.0) -> str:
        value = self.median(model, contender, figure)
        return "-" if value is None else format(value / unit, form)

    def show(self) -> None:
        """Print all tables, then a line for each goal; write the figures of all rounds into build/serving/."""
        models = list(dict.fromkeys(model for model, _, _ in self._figures))
        for model in models:
            names = list(dict.fromkeys(name for other, name, _ in self._figures if other == model))
            self._show_loads(model, names)
            self._show_costs(model, names)
            if "ours" in names:
                self._show_ratios(model, names)
        print()
        for model in models:
            for goal in GOALS:
                if {goal.contender, goal.other} <= set(self._chosen):
                    self._show_goal(model, goal)
        for failure in self.failures:
            print(f"FAILED: {failure}")
        text = json.dumps({", ".join(key): values for key, values in self._figures.items()}, indent=1)
        (BUILD / "figures.json").write_text(text, encoding="utf-8")

    def _show_loads(self, model: str, names: list[str]) -> None:
        for title, suffix, form in (
            ("requests/s", "", ",.0f"),
            ("p50, ms", " p50", ",.2f"),
            ("p99, ms", " p99", ",.2f"),
            ("CPU, µs a request", " cpu", ",.0f"),
        ):
            print(f"\n{f'{model}: {title}':<28}" + "".join(f"{load!s:>13}" for load in LOADS))
            for name in names:
                cells = [self._cell(model, name, f"{load}{suffix}", form) for load in LOADS]
                print(f"{name:<28}" + "".join(f"{cell:>13}" for cell in cells))

    def _show_costs(self, model: str, names: list[str]) -> None:
        heads = ("start, s", "its CPU, s", "memory, MB", "processes", "largest, MB", "size, MB", "others, %")
        print(f"\n{model:<28}" + "".join(f"{head:>13}" for head in heads))
        for name in names:
            cells = [
                self._cell(model, name, "start", ".2f"),
                self._cell(model, name, "start cpu", ".2f"),
                self._cell(model, name, "memory", ",.0f", MEGABYTE),
                self._cell(model, name, "processes", ".0f"),
                self._cell(model, name, "largest process", ",.0f", MEGABYTE),
                f"{self.size[name] / MEGABYTE:,.0f}",
                self._cell(model, name, "others", ".0f", 0.01),
            ]
            print(f"{name:<28}" + "".join(f"{cell:>13}" for cell in cells))

    def _show_ratios(self, model: str, names: list[str]) -> None:
        figures = [*map(str, LOADS), "start", "memory"]
        print(f"\n{f'{model}: ours / other':<28}" + "".join(f"{figure:>13}" for figure in figures))
        for name in names:
            ratios = [self._ratio(model, "ours", name, figure) for figure in figures]
            cells = ["-" if ratio is None else f"{ratio:,.2f}" for ratio in ratios]
            print(f"{name:<28}" + "".join(f"{cell:>13}" for cell in cells))

    def _ratio(self, model: str, contender: str, other: str, figure: str) -> float | None:
        mine, others = self.median(model, contender, figure), self.median(model, other, figure)
        return None if mine is None or others is None else mine / others

    def _show_goal(self, model: str, goal: Goal) -> None:
        ratio = self._ratio(model, goal.contender, goal.other, goal.figure)
        shown = f"{f'{model}: {goal}':<58}"
        sign = "<=" if goal.at_most else ">="
        if ratio is None:
            print(f"{shown} not measured  goal {sign} {goal.limit:g}")
            return
        kept = ratio <= goal.limit if goal.at_most else ratio >= goal.limit
        pair = (goal.contender, goal.other) if goal.at_most else (goal.other, goal.contender)
        work = self._ratio(model, *pair, f"{goal.figure} cpu")
        by_work = "" if work is None else f"  (by CPU time {work:.2f})"
        print(f"{shown} {ratio:8.2f}  goal {sign} {goal.limit:g}  {'ok' if kept else 'short'}{by_work}")
