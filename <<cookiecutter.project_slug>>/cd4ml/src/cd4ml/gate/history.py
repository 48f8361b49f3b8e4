"""Compare with the releases before the champion, too: many losses that are allowed one by one add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.evaluation.formatting import format_number
from cd4ml.evaluation.predictions import Predictions
from cd4ml.files.git import GitError, branch_commit, remote_name, run_git
from cd4ml.gate.branches import PRODUCTION
from cd4ml.gate.champion import Champion, UnknownChampionError, bundle_digest_at, fetch_bundle
from cd4ml.gate.comparison import Comparison, Difference, score_champion
from cd4ml.gate.rules import Finding, format_amount, format_gain
from cd4ml.settings.params import GateParams

_COMMITS = 60  # of the champion's branch that are looked at
_SHALLOW_DEPTH = 300  # commits; each release is one, or on the default branch each merge
_TIMES_MAX_REGRESSION = 2
_ERROR_RATE = 0.025  # the probability that at least one earlier release rejects an equal model by chance


@dataclass(frozen=True)
class Earlier:
    """A release before the champion."""

    revision: str
    bundle: Bundle | None
    """None if it could not be fetched."""
    why_not: str = ""


@dataclass(frozen=True)
class History:
    """The releases before the champion, the newest first."""

    releases: Sequence[Earlier] = ()
    incomplete: str = ""
    """Why git does not show all of them; empty if it does."""


def find_history(champion: Champion, releases: int, folder: Path) -> History:
    """Return the releases before the champion, with their bundles fetched; empty before the first release.

    Args:
        champion: the model that is live.
        releases: how many different bundles to compare with, the champion's included.
        folder: where to put the bundles.
    """
    if champion.branch != PRODUCTION or releases < 2:
        return History()
    incomplete = _complete_history(champion)
    commits = earlier_commits(champion.revision, releases)
    return History([_fetched(commit, folder / commit[:12]) for commit in commits], incomplete)


def _complete_history(champion: Champion) -> str:
    """Fetch older commits of the branch into a shallow clone; return why that failed, empty if it did not."""
    if run_git("rev-parse", "--is-shallow-repository").stdout.strip() != "true":
        return ""
    try:
        branch_commit(remote_name(), champion.branch, depth=_SHALLOW_DEPTH)
    except GitError as failure:
        return f"the history is incomplete: {failure}"
    return ""


def earlier_commits(revision: str, releases: int) -> list[str]:
    """Return the newest commit of each different bundle before the one at `revision`, the newest first.

    A bundle that was left by a rollback does not count: a later commit names again a bundle from before it.

    Args:
        revision: the champion's.
        releases: how many different bundles there may be, the champion's included.
    """
    listed = run_git("rev-list", "--first-parent", f"--max-count={_COMMITS}", revision, "--", "dvc.lock").stdout
    commits: dict[str, str] = {}  # by digest, the newest first
    for commit in [revision, *listed.split()]:
        try:
            digest = bundle_digest_at(commit)
        except UserError:  # a dvc.lock that was committed in the middle of a merge
            continue
        if digest is None:
            continue
        if digest in commits:
            while next(reversed(commits)) != digest:
                commits.popitem()
        commits.setdefault(digest, commit)
    return list(commits.values())[1:releases]


def _fetched(commit: str, folder: Path) -> Earlier:
    try:
        fetch_bundle(PRODUCTION, commit, folder)
        return Earlier(commit, Bundle.load(folder))
    except UnknownChampionError as reason:
        return Earlier(commit, None, str(reason))
    except UserError as damaged:
        return Earlier(commit, None, str(damaged).replace(str(folder), "its bundle"))


def check_history(
    comparison: Comparison, history: History, table: pd.DataFrame, contract: Contract, params: GateParams
) -> Finding:
    """Reject a model that lost more than twice `max_regression` to an earlier release, and significantly so.

    All earlier releases together share one error rate (Bonferroni). A model that is better than the champion is not
    rejected: that would keep a worse one. A release that cannot be compared is reported.

    Args:
        comparison: of the challenger, on the test set.
        history: the releases before the champion.
        table: the test set.
        contract: the challenger's.
        params: how many releases to compare with, and the loss against the champion that is allowed.
    """
    differences: dict[str, Difference] = {}
    left_out = [history.incomplete] if history.incomplete else []
    for release in history.releases[: params.compare_releases - 1]:
        try:
            name, difference = _compare(comparison, release, table, contract)
        except UnknownChampionError as reason:
            left_out.append(f"{release.revision[:7]} is not compared: {reason}")
            continue
        differences[name] = difference
    note = "".join(f"; {reason}" for reason in left_out)
    limit = _TIMES_MAX_REGRESSION * params.max_regression
    if not differences:
        return Finding("history", "not judged", f"no earlier release{note}")
    worst_name, worst = min(differences.items(), key=lambda pair: pair[1].gain)
    quantile = NormalDist().inv_cdf(1 - _ERROR_RATE / len(differences))
    ahead = comparison.champion and comparison.main_difference(comparison.champion)
    broken = [
        f"{name}: {part.metric.name} is {format_number(part.challenger)}, there {format_number(part.other)}"
        for name, part in differences.items()
        if part.gain < -limit and part.gain + quantile * part.error < 0 and not (ahead and ahead.gain > 0)
    ]
    allowed = f"\N{MINUS SIGN}{format_amount(worst, limit)}"
    why = f"losses of several releases add up to more than twice gate.max_regression: {'; '.join(broken)}"
    measured = f"{len(differences)} earlier, the best {worst_name} {format_gain(worst)}{note}"
    numbers = {name: {"gain": part.gain, "error": part.error} for name, part in differences.items()}
    return Finding("history", "rejected" if broken else "passed", measured, allowed, why if broken else "", numbers)


def _compare(
    comparison: Comparison, release: Earlier, table: pd.DataFrame, contract: Contract
) -> tuple[str, Difference]:
    if release.bundle is None:
        raise UnknownChampionError(release.why_not)
    predictions: Predictions = score_champion(table, release.bundle, contract)
    difference = comparison.main_difference(predictions)
    if difference is None:
        raise UnknownChampionError(f"{comparison.metric.name} cannot be computed on this test set")
    return release.bundle.version, difference
