"""The gate if the champion cannot be compared with, and if a waiver accepts a broken rule."""

import copy
from pathlib import Path

import pandas as pd
import pytest
from candidate_models import CandidateModels, rejections
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.manifest import Runtime
from cd4ml.contract.column import Column
from cd4ml.gate.champion import UnknownChampionError
from cd4ml.gate.judge import judge
from cd4ml.gate.verdict import as_json, as_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params, Waiver
from house_project import Project


def test_a_first_regressor_is_compared_with_the_baseline_of_the_model_card(
    projects_with_reports: dict[str, Project],
) -> None:
    project = projects_with_reports["regression"]
    with project.inside():
        verdict = judge(Bundle.load(project.bundle), None, pd.read_parquet(paths.HOLDOUT), None, Params.load())

    on_card = project.read_json("reports/metrics.json")["baseline"]
    compared = {difference.metric.name: difference.other for difference in verdict.metrics}
    assert list(compared) == ["mae", "rmse", "r2", "error_p50", "error_p90", "error_p99"]
    assert compared == pytest.approx({name: on_card[name] for name in compared}, rel=1e-4)


def test_without_knowing_the_champion_the_gate_rejects(candidates: CandidateModels) -> None:
    reason = UnknownChampionError("cannot read whether origin has the branch production")

    verdict = candidates.judge(candidates.bundle(candidates.good_model()), reason)

    assert rejections(verdict) == {"champion": str(reason)}
    assert "the champion is not known" in as_text(verdict)


def test_a_waiver_accepts_that_the_champion_is_not_known(candidates: CandidateModels) -> None:
    challenger = candidates.bundle(candidates.good_model())
    waiver = Waiver(rule="champion", bundle=challenger.version, reason="its storage burnt down", by="Ada")

    verdict = candidates.judge(challenger, UnknownChampionError("it is gone"), accept=[waiver])

    assert verdict.passed
    assert {finding.rule: finding.result for finding in verdict.findings}["comparison"] == "not judged"


def test_a_champion_that_cannot_be_scored_leads_to_a_rejection(candidates: CandidateModels, champion: Bundle) -> None:
    older = copy.copy(champion)
    columns = {**champion.contract.columns, "garden": Column(type="boolean", nullable=True)}
    older.contract = champion.contract.model_copy(update={"columns": columns})

    verdict = candidates.judge(candidates.bundle(candidates.good_model()), older)

    assert rejections(verdict)["champion"] == "the champion needs garden, which the test set does not have"
    assert rejections(verdict)["requests"] == (
        "callers would break: garden was removed, and a request that contains it is rejected"
    )


@pytest.mark.parametrize(("runtime", "reason"), [("onnx", "Unknown Category"), ("sklearn", "unknown categories")])
def test_a_champion_that_fails_on_a_row_leads_to_a_rejection(
    candidates: CandidateModels, monkeypatch: pytest.MonkeyPatch, runtime: Runtime, reason: str
) -> None:
    strict = candidates.bundle(candidates.good_model(unknown="error"), runtime=runtime)
    challenger = candidates.bundle(candidates.good_model())
    rows = candidates.table["district"].where(candidates.table.index != 7, "west")
    monkeypatch.setattr(candidates, "table", candidates.table.assign(district=rows))

    verdict = candidates.judge(challenger, strict)

    assert rejections(verdict)["champion"].startswith("the champion cannot score the test set: ")
    assert reason in rejections(verdict)["champion"]


@pytest.mark.parametrize("runtime", ["onnx", "sklearn"])
def test_a_challenger_that_fails_on_a_row_is_rejected(
    candidates: CandidateModels, monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    challenger = candidates.bundle(candidates.good_model(unknown="error"), runtime=runtime)
    rows = candidates.table["district"].where(candidates.table.index != 7, "west")
    monkeypatch.setattr(candidates, "table", candidates.table.assign(district=rows))

    verdict = candidates.judge(challenger)

    assert rejections(verdict)["answers"].startswith("it cannot score the test set: ")


def test_a_champion_for_another_target_leads_to_a_rejection(
    candidates: CandidateModels, tiny_bundles: dict[str, Path]
) -> None:
    verdict = candidates.judge(candidates.bundle(candidates.good_model()), Bundle.load(tiny_bundles["regression"]))

    assert rejections(verdict)["champion"] == (
        "the champion predicts another target, price (regression); docs/gate.md, Another target, says what to do"
    )


def test_a_waiver_accepts_a_broken_rule_for_one_bundle_only(candidates: CandidateModels, champion: Bundle) -> None:
    challenger = candidates.bundle(candidates.overconfident_model())
    waiver = Waiver(rule="calibration", bundle=challenger.version, reason="only its order is used", by="Ada")

    accepted = candidates.judge(challenger, champion, accept=[waiver])
    later = candidates.judge(candidates.bundle(candidates.overconfident_model(6.1)), champion, accept=[waiver])

    assert accepted.passed
    assert f"accepted: calibration: only its order is used (by Ada, for {challenger.version} alone)" in as_text(
        accepted
    )
    assert as_json(accepted)["accepted"][0]["by"] == "Ada"
    assert set(rejections(later)) == {"calibration"}
    assert f"unused waiver: calibration for {challenger.version}" in as_text(later)


@pytest.mark.parametrize("rule", ["whole", "answers"])
def test_a_broken_integrity_rule_cannot_be_accepted(rule: str) -> None:
    with pytest.raises(ValueError, match="Input should be 'baseline'"):
        Waiver(rule=rule, bundle="v.1234567", reason="because", by="Ada")
