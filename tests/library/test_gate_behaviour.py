"""The gate looks at how a bundle answers, whatever its metrics are: each row by itself, nulls, new categories."""

import pytest
from candidate_models import CandidateModels, rejections
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.bundle.manifest import Runtime
from cd4ml.contract.table import columns_of_table, read_table
from cd4ml.gate.behaviour import check_behaviour
from cd4ml.gate.verdict import as_text
from cd4ml.settings import paths
from cd4ml.settings.params import Waiver
from house_project import FEATURES, Project


def bundle_with(candidates: CandidateModels, line: str, runtime: Runtime = "sklearn") -> Bundle:
    """Return the good model's bundle with one more line in its features, which gives them the same names."""
    text = FEATURES.replace("    return features\n", f"    {line}\n    return features\n")
    model = candidates.good_model()
    model["logistic"].coef_[0, list(model["encoded"].transformers_[1][2]).index("rooms") - 4] = -0.1
    return candidates.bundle(model, code=FeatureCode(text), runtime=runtime)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('features["size"] = features["size"] - features["size"].mean()', "a row alone is answered otherwise than"),
        ('features["size"] = np.cumsum(features["size"])', "the answer to a row depends on the order of the rows"),
        (
            'features["size"] = features["size"] + 100 * (len(features["size"]) < 60)',
            "a row alone is answered otherwise",
        ),
        ('assert set(features["street"]) != {""} or len(features["age"]) < 60', "it cannot answer a null wherever one"),
        (
            'assert set(features["street"]) <= {"", "High Street", "Mill Lane", "Elm Road"}',
            "it cannot answer one new category",
        ),
    ],
    ids=["mean", "order", "size of the batch", "no null at all", "known categories only"],
)
def test_a_bundle_that_answers_no_row_by_itself_is_rejected(
    candidates: CandidateModels, champion: Bundle, line: str, why: str
) -> None:
    verdict = candidates.judge(bundle_with(candidates, line), champion)

    assert why in rejections(verdict)["behaviour"], as_text(verdict)


def test_an_answer_that_is_not_a_number_is_found_in_rows_that_the_test_set_does_not_have(
    candidates: CandidateModels, champion: Bundle
) -> None:
    nulls = 'np.isnan(features["age"]) & np.isnan(features["heated"]) & (features["street"] == "")'
    line = f'for name in ("size", "rooms"): features[name] = np.where({nulls}, np.inf, features[name])'

    verdict = candidates.judge(bundle_with(candidates, line, "onnx"), champion)

    assert rejections(verdict)["behaviour"] == (
        "the answer to a null wherever one is allowed is NaN or infinite in 100 of 100 rows"
    )


def test_a_good_bundle_answers_every_row_by_itself(candidates: CandidateModels, champion: Bundle) -> None:
    for runtime in ("onnx", "sklearn"):
        bundle = candidates.bundle(candidates.good_model(), runtime=runtime)

        assert candidates.judge(bundle, champion).passed


def test_a_regressor_and_a_classifier_of_several_classes_are_looked_at_too(tiny_projects: dict[str, Project]) -> None:
    for project in tiny_projects.values():
        with project.inside():
            bundle = Bundle.load(project.bundle)
            finding = check_behaviour(bundle, columns_of_table(read_table(paths.HOLDOUT), bundle.contract))
        assert (finding.result, finding.why) == ("passed", "")


def test_how_a_bundle_answers_cannot_be_accepted_by_a_waiver() -> None:
    with pytest.raises(ValueError, match="Input should be 'baseline'"):
        Waiver(rule="behaviour", bundle="v.1234567", reason="because", by="Ada")  # type: ignore[arg-type]
