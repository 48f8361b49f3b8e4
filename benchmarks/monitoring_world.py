"""Trained projects for the experiments on monitoring, and days of predictions that are judged as `cd4ml monitor` does.

A world is a project of the example whose model was trained by the project's own stages, on the rows of a table until a
day. A stream is what its model answered on some days, with the outcomes: the records are those that the service would
have logged, made and counted by the library's own code, without files between.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.table import columns_of_table, target_of_table
from cd4ml.evaluation.metric_set import MetricSet, read_metric_set
from cd4ml.monitoring.drift import chance_index, stability_index
from cd4ml.monitoring.findings import Finding, check_age, check_columns, check_loss, check_predictions, check_volume
from cd4ml.monitoring.label_delay import Coverage
from cd4ml.monitoring.outcomes import Labelled, LabelledAnswers, Outcomes, source_rows
from cd4ml.monitoring.performance import Judged, performance
from cd4ml.monitoring.periods import Period, periods_until
from cd4ml.monitoring.reading import Readings, Source, newest_record
from cd4ml.monitoring.served import Served, ServedCounter
from cd4ml.monitoring.watch import Live, watch
from cd4ml.prediction_log.parquet import table_of
from cd4ml.prediction_log.record import Entry, Layout
from cd4ml.serving.answer import Answer
from cd4ml.settings.params import Params
from cookiecutter.main import cookiecutter

from benchmarks.laptop import ROOT

STAGES = ("ingest", "validate", "split", "train", "package", "evaluate")
DAY = timedelta(days=1)


def generated(folder: Path) -> Path:
    """Return a new project of the example."""
    return Path(cookiecutter(str(ROOT), no_input=True, default_config=True, output_dir=str(folder)))


def trained(example: Path, folder: Path, until: str, rows: pd.DataFrame | None = None) -> Path:
    """Return a copy of a project, trained on the rows until a day; one that is there already is used as it is.

    Args:
        example: the project.
        folder: of the copy.
        until: the newest day.
        rows: the source; None: the example's.

    Raises:
        SystemExit: a stage failed.
    """
    if (folder / "reports/metrics.json").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(example, folder)
    params = folder / "params.yaml"
    text = params.read_text(encoding="utf-8").replace('until: "2013-07-31"', f'until: "{until}"')
    params.write_text(text.replace("bootstrap_rounds: 1000", "bootstrap_rounds: 400"), encoding="utf-8")
    if rows is not None:
        for path in (folder / "data/source").glob("*.parquet"):
            path.unlink()
        rows.to_parquet(folder / "data/source/rows.parquet", index=False)
    environment = os.environ | {"PYTHONPATH": f"{folder}/cd4ml/src:{folder}/src"}
    for stage in STAGES:
        command = [sys.executable, "-m", "cd4ml", "stage", stage]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"benchmark: {stage} failed:\n{done.stdout}{done.stderr}")
    return folder


@dataclass(frozen=True)
class World:
    """A trained model, and the rows that it has not seen."""

    live: Live
    params: Params
    metrics: MetricSet
    columns: Columns
    target: Array
    days: Array
    """Of the rows, datetime64[D]."""

    @classmethod
    def of(cls, folder: Path) -> World:
        """Return a trained project's world: all rows of its source after the last day of the training."""
        with chdir(folder):
            bundle, params = Bundle.load(folder / "models/bundle"), Params.load()
            rows = source_rows(params.data, bundle.contract)
            metrics = read_metric_set(bundle.manifest.task, params)
        time, until = str(bundle.contract.time), pd.Timestamp(str(bundle.manifest.until)) + pd.Timedelta(days=1)
        rows = rows[rows[time] >= until].sort_values(time, kind="stable")
        days = rows[time].to_numpy().astype("datetime64[D]")
        live = Live(bundle, folder / "reports")
        target = target_of_table(rows, bundle.contract)
        return cls(live, params, metrics, columns_of_table(rows, bundle.contract), target, days)

    @cached_property
    def profile(self) -> dict[str, Any]:
        """The training profile, as reference.json has it."""
        return self.live.bundle.training_profile()

    @cached_property
    def tested(self) -> dict[str, Any]:
        """The metrics on the test set, as metrics.json has them."""
        return self.live.read_report("metrics.json")


class Stream:
    """The answers to some rows on some days, and their outcomes."""

    def __init__(self, world: World, columns: Columns, target: Array, days: Array, delay: Array | None = None) -> None:
        """Answer the rows.

        Args:
            world: whose model answers.
            columns: of the requests.
            target: what came of each row.
            days: of the rows, datetime64[D], ascending.
            delay: the days until each outcome is known, shape `(rows,)`; None: it is known on the next morning.
        """
        self.world, self.days = world, days
        self.first, self.last = days.min().item(), days.max().item()
        bundle = world.live.bundle
        ids = np.arange(len(days)).astype(str)
        self._starts = np.searchsorted(days, np.arange(days.min(), days.max() + 2, dtype="datetime64[D]"))
        self.records = table_of(list(self._entries(columns, ids)), Layout.of(bundle)).flatten()
        self.outcomes = Outcomes(pa.array(ids, pa.string()), target, columns, days.astype("datetime64[us]"))
        answers = LabelledAnswers(self.outcomes, bundle.decision)
        answers.add(self.records)
        self.labelled, self._delay = answers.labelled(), np.zeros(len(days), dtype=int) if delay is None else delay
        self._counter, self._counted = ServedCounter(bundle), dict[Period, Served]()

    def _entries(self, columns: Columns, ids: Array) -> Iterator[Entry]:
        bundle = self.world.live.bundle
        scores = bundle.scores(columns)
        predictions, probabilities = bundle.decision.predictions(scores), bundle.decision.probabilities(scores)
        for number, (start, end) in enumerate(zip(self._starts[:-1], self._starts[1:], strict=True)):
            if start == end:
                continue
            noon = np.datetime64(self.first + DAY * number, "ns") + np.timedelta64(12, "h")
            part = slice(start, end)
            answer = Answer(
                {name: values[part] for name, values in columns.items()},
                ids[part].tolist(),
                predictions[part],
                None if probabilities is None else probabilities[part],
            )
            yield Entry(int(noon.astype(np.int64)), f"request-{number}", "user", answer)

    def rows(self, period: Period) -> slice:
        """Return which rows are of a period."""
        ends = [np.datetime64(period.first), np.datetime64(period.last + DAY)]
        start, end = np.searchsorted(self.days, np.array(ends, dtype="datetime64[D]"))
        return slice(int(start), int(end))

    def served(self, period: Period) -> Served:
        """Return what was asked in a period."""
        if period not in self._counted:
            served, rows = Served(), self.rows(period)
            if rows.stop > rows.start:
                self._counter.add(served, self.records.slice(rows.start, rows.stop - rows.start))
            self._counted[period] = served
        return self._counted[period]

    def _known(self, today: date) -> Array:
        """Return which outcomes are known in the morning of a day."""
        return np.asarray(self.days + self._delay < np.datetime64(today))

    def judge(self, last: date) -> tuple[list[Finding], dict[str, Any] | None]:
        """Return the findings of the day after `last`, and the performance of the period that they rest on."""
        world = self.world
        limits, profile = world.params.monitor, world.profile
        periods = [each for each in periods_until(last, limits.period_days, limits.periods) if each.first >= self.first]
        now, before = self.served(periods[-1]), [self._count(period) for period in periods[:-1]]
        known = self._known(last + DAY)
        enough = [period for period in periods if self._has_enough(period, known)]
        answers, result, together = self._labelled(known), None, None
        if enough:
            result = self._performance(enough[-1], answers)
        if len(enough) > 1:
            together = self._performance(Period(enough[0].first, enough[-1].last), answers)
        index, chance, count = predictions_drift(now, profile)
        return [
            *check_columns(now, profile["columns"], limits),
            check_volume(now, before, limits),
            check_age(
                "log", self.days[self.days <= np.datetime64(last)].max().item(), last + DAY, limits.max_log_age_days
            ),
            check_loss(result, together, world.tested, world.metrics, limits),
            check_predictions(index, chance, count, limits),
        ], result

    def _has_enough(self, period: Period, known: Array) -> bool:
        limits, rows = self.world.params.monitor, self.rows(period)
        labelled = int(known[rows].sum())
        return bool(labelled >= max(limits.minimum_rows, limits.minimum_labelled * (rows.stop - rows.start)))

    def _performance(self, period: Period, answers: Labelled) -> dict[str, Any]:
        world = self.world
        judged = Judged.of(period, answers, self.outcomes, world.live.bundle.decision)
        return performance(judged, world.profile, world.metrics)

    def _count(self, period: Period) -> int:
        rows = self.rows(period)
        return int(rows.stop - rows.start)

    def _labelled(self, known: Array) -> Labelled:
        kept, found = known[self.labelled.rows], self.labelled
        return Labelled(found.rows[kept], found.times[kept], found.versions[kept], found.scores[kept])

    def watched(self, last: date) -> dict[str, Any]:
        """Return what the verb `monitor` would write of the day after `last`; every outcome is known by then."""
        world = self.world
        periods = periods_until(last, world.params.monitor.period_days, world.params.monitor.periods)
        answered = {day: self._count(Period(day, day)) for day in Period(periods[0].first, last).days()}
        source = Source(self.outcomes, pd.DataFrame(), 0)
        served = [self.served(period) for period in periods]
        coverage = Coverage.of(answered, self.labelled.times)
        newest = newest_record(served)
        readings = Readings(
            periods,
            served,
            self._counter.columns,
            source,
            "",
            self.outcomes,
            self.labelled,
            coverage,
            newest,
            newest_outcome=max((day for day in self.outcomes.days() if day <= last), default=None),
            ahead_in_log=None,
            ahead_in_source=None,
        )
        return watch(readings, world.live, world.params, world.metrics, last + DAY)


def predictions_drift(now: Served, profile: dict[str, Any]) -> tuple[float, float, int]:
    """Return the stability index of predictions against the test set, what chance gives, and the number of rows."""
    tested = profile["scores"]
    expected, rows = np.array(tested["predicted"]["shares"]), int(now.scores.sum())
    if not rows:
        return 0.0, 0.0, 0
    return stability_index(expected, now.scores), chance_index(expected, tested["rows"], rows), rows
