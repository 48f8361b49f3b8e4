"""The verb `gate`: judge models/bundle, write reports/gate.json and reports/gate.md, and exit with 1 on a rejection."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Columns
from cd4ml.contract.table import columns_of_table, read_table
from cd4ml.errors import BundleError, UserError
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.evaluation.predictions import Predictions
from cd4ml.files.atomic import write_text
from cd4ml.files.git import GitError
from cd4ml.files.temporary import temporary_folder
from cd4ml.gate import behaviour, integrity, live, power, rules
from cd4ml.gate.branches import PRODUCTION
from cd4ml.gate.champion import Champion, UnknownChampionError, bundle_digest_here, find_champion
from cd4ml.gate.champion_limits import ChampionLimits, UnreadableLimitsError, read_champion_limits
from cd4ml.gate.comparison import Comparison, compare, score_champion
from cd4ml.gate.history import History, check_history, find_history
from cd4ml.gate.limits import check_limits
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.gate.rules import Finding
from cd4ml.gate.verdict import ChampionSummary, Verdict, apply_waivers, as_json, as_markdown, as_text, is_waived
from cd4ml.settings import paths
from cd4ml.settings.params import GateParams, Params
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report


class RejectedError(UserError):
    """The gate rejects the bundle."""


def main(argv: list[str]) -> None:
    """Judge the bundle, write both reports, and print the verdict.

    Raises:
        RejectedError: a rule is broken, and no waiver accepts that for this bundle.
        UserError: there is no bundle or no test set.
    """
    arguments = Arguments("gate")
    arguments.add_argument(
        "--unless-live", action="store_true", help="if the bundle is live, keep its verdict, and check the limits alone"
    )
    if not arguments.parse_args(argv).unless_live:
        _judge_new()
    elif released := live.find_released(bundle_digest_here()):
        _judge_again(released)
    else:
        _judge_new(recorded_verdict())


def _judge_again(released: live.Released) -> None:
    """Write the verdict that a live bundle was released with, and reject it if the gate's limits are looser now."""
    finding, accepted = live.check_limits_again(released, Params.load())
    misnamed = integrity.difference_in_name(recorded_verdict(), released.version)
    write_text(paths.GATE_TABLE, live.as_markdown(released, finding, accepted))
    write_text(paths.GATE, json.dumps(live.as_json(released, finding, accepted), indent=1, ensure_ascii=False))
    print(f"{released.version} is live, and was judged for its release; limits: {finding.result}, {finding.measured}")
    if misnamed or finding.result == "rejected":
        raise RejectedError(f"{released.version} is rejected: {misnamed or f'limits: {finding.why}'}")


def _judge_new(recorded: Mapping[str, Any] | None = None) -> None:
    """Judge models/bundle; `recorded` is the verdict in git, from which other steps have read the bundle's name."""
    params, challenger, table = Params.load(), _load_challenger(), read_table(paths.HOLDOUT)
    report(f"checking that {challenger.version} is complete, and gives its pipeline's scores")
    stale = (
        integrity.difference_from_inputs(challenger)
        or integrity.difference_from_lock()
        or integrity.difference_in_name(recorded or {}, challenger.version)
    )
    report("looking for the champion")
    with temporary_folder("gate-", _temporary_folder()) as folder:
        champion, limits, history = _find_models(folder, params)
        report(f"comparing on {len(table):,} rows, with {params.evaluate.bootstrap_rounds:,} resamples")
        verdict = judge(challenger, champion, table, stale, params, limits, history)
    write_text(paths.GATE_TABLE, as_markdown(verdict))
    content = as_json(verdict) | {"dvc_lock": bundle_digest_here()}  # identifies the bundle in a clone without it
    write_text(paths.GATE, json.dumps(content, indent=1, ensure_ascii=False))
    print(as_text(verdict))
    if not verdict.passed:
        raise RejectedError(
            f"{verdict.challenger.version} is rejected by {', '.join(finding.rule for finding in verdict.rejected)}; "
            "improve it, or accept one rule for this bundle under gate.accept in params.yaml"
        )


def _find_models(
    folder: Path, params: Params
) -> tuple[Champion | UnknownChampionError | None, ChampionLimits | UnreadableLimitsError | None, History]:
    """Return the champion, the limits at its revision, and the releases before it."""
    limits = None
    try:
        limits = read_champion_limits()
        champion = find_champion(folder / "bundle")
    except (UnknownChampionError, GitError) as reason:
        return UnknownChampionError(str(reason)), limits, History()
    if champion is None:
        return None, limits, History()
    releases = params.gate.compare_releases
    if isinstance(limits, ChampionLimits):
        releases = max(releases, limits.gate.compare_releases)
    return champion, limits, find_history(champion, releases, folder)


def judge(
    challenger: Bundle,
    champion: Champion | UnknownChampionError | None,
    table: pd.DataFrame,
    stale: str | None,
    params: Params,
    limits: ChampionLimits | UnreadableLimitsError | None = None,
    history: History | None = None,
) -> Verdict:
    """Return the verdict on a bundle.

    Args:
        challenger: the bundle to judge.
        champion: the model to compare it with; the reason if that is not known; None if there is none yet.
        table: the challenger's test set.
        stale: how the bundle differs from what dvc.lock names; None if it does not.
        params: the rules' limits, the waivers, and how slices and resamples are made.
        limits: those of the champion; why they cannot be read; None if there are none.
        history: the releases before the champion.
    """
    columns, task, accept = columns_of_table(table, challenger.contract), challenger.contract.task, params.gate.accept
    waived = is_waived("limits", accept, challenger.version)
    limits_finding, used = check_limits(params, task, limits, replaces=champion is not None, waived=waived)
    integrity_findings = _check_integrity(challenger, table, columns, stale, params)
    if integrity_findings[-1].result == "rejected":  # other scores than the model's: a comparison would mean nothing
        findings, accepted, unused = apply_waivers([limits_finding, *integrity_findings], accept, challenger.version)
        return Verdict(challenger.manifest, len(table), None, findings, [], accepted, unused)
    champion_finding, champion_predictions = _check_champion(champion, challenger, table)
    known_champion = champion if isinstance(champion, Champion) else None
    metrics = read_metric_set(task, used)
    comparison = compare(table, challenger, champion_predictions, columns, used.evaluate, metrics)
    all_findings = [
        limits_finding,
        *integrity_findings,
        behaviour.check_behaviour(challenger, columns),
        behaviour.check_constant(comparison.challenger.scores),
        champion_finding,
        *_check_rules(comparison, known_champion, challenger, used.gate),
        check_history(comparison, history or History(), table, challenger.contract, used.gate),
    ]
    findings, accepted, unused = apply_waivers(all_findings, accept, challenger.version)
    summary = None
    if known_champion is not None and champion_predictions is not None:
        summary = ChampionSummary.of(known_champion)
    differences = comparison.all_differences()
    return Verdict(challenger.manifest, len(table), summary, findings, differences, accepted, unused)


def _load_challenger() -> Bundle:
    if not paths.BUNDLE.exists():
        raise UserError(f"no bundle in {paths.BUNDLE}; run `make train`, which makes one")
    try:
        return Bundle.load(paths.BUNDLE)
    except BundleError as damaged:
        raise RejectedError(f"rejected: whole: {damaged}") from None


def _temporary_folder() -> Path:
    """Return a folder for the champion's bundle on the disk of DVC's cache, so that DVC can link its files."""
    folder = Path(".dvc/tmp")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _check_integrity(
    challenger: Bundle, table: pd.DataFrame, columns: Columns, stale: str | None, params: Params
) -> list[Finding]:
    difference = integrity.difference_from_pipeline(challenger, paths.PIPELINE, columns)
    if stale is None and difference is None:
        stale = integrity.difference_from_metrics(challenger, table, columns, params)
    rows = len(next(iter(columns.values())))
    return [
        _integrity_finding("whole", "every file is the one that dvc.lock names", stale),
        _integrity_finding("answers", f"the pipeline's scores on {rows:,} rows", difference),
    ]


def _integrity_finding(rule: str, measured: str, difference: str | None) -> Finding:
    if difference is not None:
        return Finding(rule, "rejected", "different", why=difference)
    return Finding(rule, "passed", measured)


def _check_champion(
    champion: Champion | UnknownChampionError | None, challenger: Bundle, table: pd.DataFrame
) -> tuple[Finding, Predictions | None]:
    """Return the finding on the champion, and its predictions if it can be scored."""
    allowed = "found and scored"
    if champion is None:
        return Finding("champion", "passed", f"none on {PRODUCTION} or the default branch yet", allowed), None
    if isinstance(champion, UnknownChampionError):
        return Finding("champion", "rejected", "not known", allowed, str(champion)), None
    try:
        predictions = score_champion(table, champion.bundle, challenger.contract)
    except UnknownChampionError as reason:
        return Finding("champion", "rejected", "not scored", allowed, str(reason)), None
    return Finding("champion", "passed", f"{champion.branch} at {champion.revision[:7]}", allowed), predictions


def _check_rules(
    comparison: Comparison, champion: Champion | None, challenger: Bundle, params: GateParams
) -> list[Finding]:
    findings = [
        rules.check_baseline(comparison),
        rules.check_floor(comparison, params.floor),
        rules.check_leakage(comparison, params.too_good),
    ]
    other, other_name = comparison.baseline, "the baseline"
    if comparison.champion is None:
        compared = Finding("comparison", "not judged", "no champion")
    else:
        other, other_name = comparison.champion, "the champion"
        compared = rules.check_comparison(comparison, comparison.champion, params.max_regression)
    findings += [compared, power.check_power(compared, comparison.metric, params.smallest_loss)]
    findings.append(rules.check_slices(comparison, other, other_name, params.max_slice_regression))
    findings.append(rules.check_calibration(comparison, params.max_calibration_error))
    if champion is None:
        return [
            *findings,
            Finding("rows", "not judged", "no champion"),
            Finding("requests", "not judged", "no champion"),
        ]
    findings.append(power.check_rows(comparison.challenger.rows, champion))
    return [*findings, rules.check_requests(champion.bundle.contract, challenger.contract)]
