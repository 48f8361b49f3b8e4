"""The verb `gate`: judge models/bundle, write reports/gate.json and reports/gate.md, refuse or let pass."""

import json
import tempfile
from pathlib import Path

import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Columns
from cd4ml.contract.table import columns_of_table, read_table
from cd4ml.errors import BundleError, UserError
from cd4ml.evaluation.predictions import Predictions
from cd4ml.files.atomic import write_text
from cd4ml.gate import integrity, rules
from cd4ml.gate.champion import LIVE, WANTED, Champion, UnknownChampionError, bundle_digest_here, find_champion
from cd4ml.gate.comparison import Comparison, answered, contest
from cd4ml.gate.rules import Finding
from cd4ml.gate.verdict import Opponent, Verdict, as_json, as_markdown, as_text, waived
from cd4ml.settings import paths
from cd4ml.settings.params import GateParams, Params
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report

_FOUND = "found and scored"


class RefusedError(UserError):
    """The gate refuses the bundle."""


def main(argv: list[str]) -> None:
    """Judge the bundle and print the verdict.

    Raises:
        RefusedError: a rule is broken that no waiver accepts for this bundle.
        UserError: there is nothing to judge.
    """
    Arguments("gate").parse_args(argv)
    params, challenger, table = Params.load(), _challenger(), read_table(paths.HOLDOUT)
    report(f"is {challenger.version} whole, and does it answer as its pipeline does?")
    stale = integrity.not_of_these_rows(challenger) or integrity.not_current()
    report("looking for the champion")
    with tempfile.TemporaryDirectory(prefix="gate-", dir=_scratch()) as folder:
        try:
            champion: Champion | UnknownChampionError | None = find_champion(Path(folder) / "bundle")
        except UnknownChampionError as reason:
            champion = reason
        report(f"judging on {len(table):,} rows, {params.evaluate.bootstrap_rounds:,} resamples")
        verdict = judge(challenger, champion, table, stale, params)
    write_text(paths.GATE_TABLE, as_markdown(verdict))
    said = as_json(verdict) | {"dvc_lock": bundle_digest_here()}  # as git knows the bundle, in a clone that lacks it
    write_text(paths.GATE, json.dumps(said, indent=1, ensure_ascii=False))
    print(as_text(verdict))
    if not verdict.passed:
        raise RefusedError(
            f"{verdict.challenger.version} is refused; mend it, or accept one rule for this bundle under gate.accept "
            "in params.yaml"
        )


def judge(
    challenger: Bundle,
    champion: Champion | UnknownChampionError | None,
    table: pd.DataFrame,
    stale: str | None,
    params: Params,
) -> Verdict:
    """Return the verdict.

    Args:
        challenger: the bundle to judge.
        champion: what it must hold against; the reason where that cannot be told; None where there is none yet.
        table: the rows held out, which neither has seen.
        stale: why the bundle is not what dvc.lock names; None where it is.
        params: the rules' limits, the waivers, and how slices and resamples are made.
    """
    columns = columns_of_table(table, challenger.contract)
    findings = _integrity(challenger, columns, stale)
    if findings[-1].result == "refused":  # what it answers is not the model's: there is nothing to compare
        return Verdict(challenger.manifest, len(table), None, findings, [], [], params.gate.accept)
    found, scored = _found(champion, challenger, table)
    known = champion if isinstance(champion, Champion) else None
    judged = contest(table, challenger, scored, columns, params.evaluate)
    findings += [found, *_rules(judged, known, challenger, params.gate)]
    findings, used = waived(findings, params.gate.accept, challenger.version)
    opponent = None
    if known is not None and scored is not None:
        opponent = Opponent(known.branch, known.revision, known.bundle.version, known.bundle.manifest.digest)
    unused = [waiver for waiver in params.gate.accept if waiver not in used]
    metrics = judged.all_metrics(judged.champion or judged.baseline)
    return Verdict(challenger.manifest, len(table), opponent, findings, metrics, used, unused)


def _challenger() -> Bundle:
    if not paths.BUNDLE.exists():
        raise UserError(f"no bundle in {paths.BUNDLE}; run `make train`, which makes one")
    try:
        return Bundle.load(paths.BUNDLE)
    except BundleError as altered:
        raise RefusedError(f"refused: whole: {altered}") from None


def _scratch() -> Path:
    """Return where the champion is unpacked: on the disk of DVC's cache, so that files can be linked."""
    folder = Path(".dvc/tmp")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _integrity(challenger: Bundle, columns: Columns, stale: str | None) -> list[Finding]:
    scores = challenger.scores(columns)
    apart = integrity.not_as_fitted(challenger, paths.PIPELINE, columns, scores)
    return [
        _whole("whole", "every file as dvc.lock names it", stale),
        _whole("answers", f"{len(scores):,} rows answered as its pipeline does", apart),
    ]


def _whole(rule: str, measured: str, reason: str | None) -> Finding:
    if reason is not None:
        return Finding(rule, "refused", "no", why=reason)
    return Finding(rule, "passed", measured)


def _found(
    champion: Champion | UnknownChampionError | None, challenger: Bundle, table: pd.DataFrame
) -> tuple[Finding, Predictions | None]:
    """Return what is said of the champion, and its answers where it can be scored."""
    if champion is None:
        return Finding("champion", "passed", f"none on {LIVE} or {WANTED} yet", _FOUND), None
    if isinstance(champion, UnknownChampionError):
        return Finding("champion", "refused", "not known", _FOUND, str(champion)), None
    try:
        scored = answered(table, champion.bundle, challenger.contract)
    except UnknownChampionError as reason:
        return Finding("champion", "refused", "not scored", _FOUND, str(reason)), None
    return Finding("champion", "passed", f"{champion.branch} at {champion.revision[:7]}", _FOUND), scored


def _rules(judged: Comparison, champion: Champion | None, challenger: Bundle, params: GateParams) -> list[Finding]:
    found = [rules.beats_baseline(judged), rules.above_floor(judged, params.floor)]
    other, whose = judged.baseline, "without looking"
    if judged.champion is None:
        found.append(Finding("comparison", "not judged", "no champion"))
    else:
        other, whose = judged.champion, "the champion's"
        found.append(rules.holds_against(judged, judged.champion, params.max_regression))
    found.append(rules.holds_in_slices(judged, other, whose, params.max_slice_regression))
    found.append(rules.is_calibrated(judged, params.max_calibration_error))
    if champion is None:
        return [*found, Finding("requests", "not judged", "no champion")]
    return [*found, rules.keeps_requests(champion.bundle.contract, challenger.contract)]
