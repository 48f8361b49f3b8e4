"""Which models the gate rejects and which pass, each compared with a good champion on the same rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from candidate_models import CandidateModels, rejections
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import ParamsError
from cd4ml.gate.verdict import as_json, as_markdown, as_text


def test_the_first_model_passes_if_it_is_above_floor_and_baseline(candidates: CandidateModels) -> None:
    verdict = candidates.judge(candidates.bundle(candidates.good_model()))

    assert verdict.passed
    assert {finding.rule: finding.result for finding in verdict.findings} == {
        "limits": "not judged", "whole": "passed", "answers": "passed", "behaviour": "passed", "constant": "passed",
        "champion": "passed", "baseline": "passed", "floor": "passed", "leakage": "passed", "comparison": "not judged",
        "power": "not judged", "slices": "passed", "calibration": "passed", "rows": "not judged",
        "requests": "not judged", "history": "not judged",
    }  # fmt: skip


def test_an_equal_model_passes(candidates: CandidateModels, champion: Bundle) -> None:
    verdict = candidates.judge(candidates.bundle(candidates.good_model()), champion)

    assert verdict.passed
    assert "production at 3f2a1b0" in as_text(verdict)


def test_a_better_model_passes(candidates: CandidateModels) -> None:
    weak = candidates.bundle(candidates.model_of_few_rows())

    verdict = candidates.judge(candidates.bundle(candidates.good_model()), weak)

    assert verdict.passed
    assert verdict.metrics[0].gain > 0


@pytest.mark.parametrize(
    ("build", "rule", "why"),
    [
        (CandidateModels.model_of_shuffled_labels, "comparison", "worse than the champion: roc_auc is 0."),
        (
            CandidateModels.constant_model,
            "constant",
            "every row gets the same answer; has the model learned anything, or does a feature hide the columns?",
        ),
        (
            CandidateModels.constant_model,
            "baseline",
            "not significantly better than the baseline: roc_auc is 0.500, the baseline's 0.500",
        ),
        (CandidateModels.constant_model, "floor", "roc_auc is 0.500, at least 0.6 is required"),
        (CandidateModels.worse_model, "comparison", "worse than the champion: roc_auc is "),
        (CandidateModels.overconfident_model, "calibration", ", 0.1 is allowed (mean probability "),
    ],
    ids=["shuffled labels", "constant", "constant: baseline", "constant: floor", "worse", "overconfident"],
)
def test_a_bad_model_is_rejected(
    candidates: CandidateModels, champion: Bundle, build: Callable[[CandidateModels], Any], rule: str, why: str
) -> None:
    verdict = candidates.judge(candidates.bundle(build(candidates)), champion)

    assert not verdict.passed
    assert why in rejections(verdict)[rule]
    assert f"rejected: {rule}: " in as_text(verdict)
    assert f"**rejected: {rule}**" in as_markdown(verdict)
    assert as_json(verdict)["passed"] is False


def test_a_model_that_is_too_good_is_rejected(candidates: CandidateModels) -> None:
    bundle = candidates.bundle(candidates.good_model())

    verdict = candidates.judge(bundle, too_good=0.7)

    assert set(rejections(verdict)) == {"leakage"}
    assert "too good to be true above 0.7; look for a column that is known only" in rejections(verdict)["leakage"]
    assert candidates.judge(bundle, too_good=None).passed


def test_an_overconfident_model_breaks_no_other_rule(candidates: CandidateModels, champion: Bundle) -> None:
    verdict = candidates.judge(candidates.bundle(candidates.overconfident_model()), champion)

    assert set(rejections(verdict)) == {"calibration"}


def test_a_model_that_fails_one_slice_is_rejected(candidates: CandidateModels, champion: Bundle) -> None:
    other_rules_off = {"max_regression": 0.5, "max_calibration_error": 0.9, "floor": {}}

    verdict = candidates.judge(candidates.bundle(candidates.model_wrong_for_north()), champion, **other_rules_off)

    assert set(rejections(verdict)) == {"slices"}
    assert rejections(verdict)["slices"].startswith("district=north: roc_auc is 0.")
    assert "district=south" not in rejections(verdict)["slices"]


def test_a_first_model_that_fails_one_slice_is_rejected(candidates: CandidateModels) -> None:
    verdict = candidates.judge(candidates.bundle(candidates.model_wrong_for_north()), max_calibration_error=0.9)

    assert "district=north" in rejections(verdict)["slices"]
    assert "the baseline's 0.500" in rejections(verdict)["slices"]


def test_scores_that_are_not_numbers_are_rejected(candidates: CandidateModels, champion: Bundle) -> None:
    model = candidates.good_model()
    good = candidates.bundle(model).manifest
    model["logistic"].coef_[:] = np.nan

    verdict = candidates.judge(candidates.bundle(model), champion)

    assert verdict.challenger.digest != good.digest
    assert "its scores are NaN or infinite in " in rejections(verdict)["answers"]


def test_a_bundle_without_its_pipelines_scores_is_rejected(candidates: CandidateModels, champion: Bundle) -> None:
    bundle = candidates.bundle(candidates.good_model(), pipeline=candidates.overconfident_model(1.01))

    verdict = candidates.judge(bundle, champion)

    assert set(rejections(verdict)) == {"answers"}
    assert "it does not give its pipeline's scores: scores differ by up to" in rejections(verdict)["answers"]
    for text in (as_text(verdict), as_markdown(verdict)):
        assert "no champion" not in text
        assert "baseline" not in text
    assert "Not compared with another model, because the scores are not the pipeline's." in as_markdown(verdict)


def test_a_contract_that_breaks_callers_is_rejected(candidates: CandidateModels, champion: Bundle) -> None:
    columns = dict(candidates.inputs.contract.columns)
    columns["rooms"] = columns["rooms"].model_copy(update={"max": 20.0})
    narrower = candidates.inputs.contract.model_copy(update={"columns": columns})

    verdict = candidates.judge(candidates.bundle(candidates.good_model(), contract=narrower), champion)

    assert rejections(verdict) == {"requests": "callers would break: rooms may no longer be above 20"}


def test_a_floor_for_a_metric_of_another_task_is_an_error(candidates: CandidateModels) -> None:
    with pytest.raises(ParamsError, match=r"gate\.floor\.mae is not a metric of a binary model; write one of roc_auc"):
        candidates.judge(candidates.bundle(candidates.good_model()), floor={"mae": 3.0})
