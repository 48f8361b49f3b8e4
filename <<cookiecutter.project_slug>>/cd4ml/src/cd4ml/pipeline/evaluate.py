"""Judge the bundle, which is what is shipped, on the rows held out; write reports/ for people, DVC and later runs."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.training_profile import training_profile
from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, read_table, target_of_table, times_of_table
from cd4ml.evaluation.card import Told, Window, card, verdict
from cd4ml.evaluation.curves import curves
from cd4ml.evaluation.formatting import shown, shown_interval
from cd4ml.evaluation.metrics import METRICS, main_metric
from cd4ml.evaluation.pictures import pictures
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import results
from cd4ml.evaluation.slices import slices
from cd4ml.files.atomic import replacing_folder, write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.terminal.output import align, report


def run() -> None:
    """Write reports/: metrics.json, slices.json, curves/, pictures/ and model-card.md."""
    everything, bundle, table = Params.load(), Bundle.load(paths.BUNDLE), read_table(paths.HOLDOUT)
    params = everything.evaluate
    contract, reference = bundle.contract, bundle.reference()
    columns = columns_of_table(table, contract)
    target = target_of_table(table, contract)
    judged = Predictions.of(target, bundle.scores(columns), bundle.decision)

    report(f"judging bundle {bundle.version} on {judged.rows:,} rows, {params.bootstrap_rounds:,} resamples each")
    metrics = results(judged, reference["target"], params.bootstrap_rounds)
    by_slice = slices(judged, columns, contract, params)
    drawn = pictures(judged, _guess(reference["target"]), contract.target)
    shows = {f"{paths.PICTURES.name}/{name}.svg": words for name, (_, words) in drawn.items()}
    window = _window(table, target, contract)
    accepted = [waiver for waiver in everything.gate.accept if waiver.bundle == bundle.version]
    told = Told(bundle.manifest, contract, reference, metrics, by_slice, shows, window, accepted)

    _write_folder(paths.CURVES, {f"{name}.csv": curve.to_csv() for name, curve in curves(judged).items()})
    _write_folder(paths.PICTURES, {f"{name}.svg": svg for name, (svg, _) in drawn.items()})
    write_text(paths.SLICES, json.dumps(by_slice, indent=1, ensure_ascii=False))
    write_text(paths.CARD, card(told))
    write_text(paths.METRICS, json.dumps(metrics, indent=1))
    _show(contract, metrics)


def _guess(target: dict[str, Any]) -> float:
    return float(target.get("median", target.get("shares", {}).get("1", 0.0)))


def _window(table: pd.DataFrame, target: Array, contract: Contract) -> Window:
    told = training_profile({}, target, times_of_table(table, contract), contract)
    time = told["time"] or {"first": None, "last": None}
    return Window(told["rows"], told["target"], time["first"], time["last"])


def _write_folder(folder: Path, files: dict[str, str]) -> None:
    with replacing_folder(folder) as new:
        for name, text in files.items():
            write_text(new / name, text)


def _show(contract: Contract, metrics: dict[str, Any]) -> None:
    lines = [("metric", "value", "95 % interval", "baseline")]
    for metric in METRICS[contract.task]:
        name = metric.name
        bounds = shown_interval(metrics["intervals"][name])
        lines.append((name, shown(metrics[name]), bounds, shown(metrics["baseline"][name])))
    for line in align(lines).splitlines():
        report(line)
    report(verdict(metrics, main_metric(contract.task)).replace("**", ""))
    report(f"the whole story: {paths.CARD}; next: `make serve`")
