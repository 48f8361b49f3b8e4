"""Evaluate the bundle, which is what is shipped, on the test set; write reports/ for people, DVC and later runs."""

import json
from pathlib import Path
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.training_profile import training_profile
from cd4ml.contract.split_rule import read_split_rule
from cd4ml.contract.table import columns_of_table, read_table, target_of_table, times_of_table
from cd4ml.evaluation.baseline import baseline_value
from cd4ml.evaluation.card import CardData, model_card
from cd4ml.evaluation.card_quality import summary_sentence
from cd4ml.evaluation.card_rows import RowSummary
from cd4ml.evaluation.cross_validation import cross_validate, is_informative
from cd4ml.evaluation.curves import compute_curves
from cd4ml.evaluation.formatting import format_interval, format_number
from cd4ml.evaluation.metric_set import MetricSet, read_metric_set
from cd4ml.evaluation.pictures import draw_pictures
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import compute_results
from cd4ml.evaluation.slices import compute_slices
from cd4ml.files.atomic import replacing_folder, write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.terminal.output import align, report


def run() -> None:
    """Write reports/: metrics.json, slices.json, curves/, pictures/ and model-card.md."""
    params, bundle, table = Params.load(), Bundle.load(paths.BUNDLE), read_table(paths.HOLDOUT)
    contract, profile = bundle.contract, bundle.training_profile()
    columns, target = columns_of_table(table, contract), target_of_table(table, contract)
    predictions = Predictions.from_scores(target, bundle.scores(columns), bundle.decision)
    metrics = read_metric_set(contract.task, params)

    rounds = params.evaluate.bootstrap_rounds
    report(f"evaluating bundle {bundle.version} on {predictions.rows:,} rows, with {rounds:,} resamples")
    results = compute_results(predictions, profile["target"], rounds, metrics)
    slices = compute_slices(predictions, columns, contract, params.evaluate, metrics)
    pictures = draw_pictures(predictions, baseline_value(profile["target"]), contract.target)
    card = CardData(
        manifest=bundle.manifest,
        contract=contract,
        profile=profile,
        metrics=metrics,
        results=results,
        slices=slices,
        pictures={f"{paths.PICTURES.name}/{name}.svg": title for name, (_, title) in pictures.items()},
        test=RowSummary.from_profile(training_profile({}, target, times_of_table(table, contract), contract)),
        rule=read_split_rule(contract, params.split),
        cross_validation=(
            cross_validate(read_table(paths.TRAIN), bundle, params, metrics)
            if is_informative(contract, params.evaluate, predictions.rows)
            else None
        ),
        accepted=[waiver for waiver in params.gate.accept if waiver.bundle == bundle.version],
    )

    _write_folder(paths.CURVES, {f"{name}.csv": curve.to_csv() for name, curve in compute_curves(predictions).items()})
    _write_folder(paths.PICTURES, {f"{name}.svg": svg for name, (svg, _) in pictures.items()})
    write_text(paths.SLICES, json.dumps(slices, indent=1, ensure_ascii=False))
    write_text(paths.CARD, model_card(card, read_project().card))
    write_text(paths.METRICS, json.dumps(results, indent=1))
    _report_results(metrics, results)


def _write_folder(folder: Path, files: dict[str, str]) -> None:
    with replacing_folder(folder) as new:
        for name, text in files.items():
            write_text(new / name, text)


def _report_results(metrics: MetricSet, results: dict[str, Any]) -> None:
    rows = [("metric", "value", "95 % interval", "baseline")]
    for metric in metrics.all:
        name = metric.name
        interval = format_interval(results["intervals"][name])
        rows.append((name, format_number(results[name]), interval, format_number(results["baseline"][name])))
    for line in align(rows).splitlines():
        report(line)
    report(summary_sentence(results, metrics.main).replace("**", ""))
    report(f"all results: {paths.CARD}; next: `make serve`")
