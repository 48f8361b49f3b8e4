"""Which models the gate refuses, and which it lets pass: real models of houses, judged on the same rows."""

import contextlib
import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.assemble import Ingredients, read_ingredients, write_bundle
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.column import Column
from cd4ml.errors import ParamsError
from cd4ml.gate.champion import Champion, UnknownChampionError
from cd4ml.gate.judge import judge
from cd4ml.gate.verdict import Verdict, as_json, as_markdown, as_text
from cd4ml.settings import paths
from cd4ml.settings.params import EvaluateParams, GateParams, Params, Waiver
from cd4ml.training import skops_file
from cd4ml.training.estimator import frame_of
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

REVISION = "3f2a1b0" + "0" * 33


class Bench:
    """Houses, and models of them that were made to be good or bad in one way."""

    def __init__(self, large: Any, folder: Path) -> None:
        self.project = copy.copy(large)
        self.project.folder = Path(shutil.copytree(large.folder, folder / "project"))
        with self._here():
            self.made = read_ingredients()
            few_rounds = EvaluateParams(bootstrap_rounds=200)
            self.params = replace_gate(
                Params.load().model_copy(update={"evaluate": few_rounds}), floor={"roc_auc": 0.6}
            )
            self.table = pd.read_parquet(paths.HOLDOUT)
        self.features = self.made.code.derive(self.made.train)

    @contextlib.contextmanager
    def _here(self):
        with self.project.inside():
            yield

    def model(self, target: Any = None) -> Any:
        """A regression of the target, or of another in its place."""
        categories = ["district", "street"]
        numbers = [name for name in self.features if name not in categories]
        encoded = ColumnTransformer(
            [
                ("categories", OneHotEncoder(handle_unknown="ignore"), categories),
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ]
        )
        model = Pipeline([("encoded", encoded), ("logistic", LogisticRegression())])
        return model.fit(frame_of(self.features), self.made.target if target is None else target)

    def constant(self) -> Any:
        return make_pipeline(DummyClassifier(strategy="prior")).fit(frame_of(self.features), self.made.target)

    def scaled(self, factor: float) -> Any:
        """The good model with its log odds multiplied: the same order of rows, other probabilities."""
        model = self.model()
        model["logistic"].coef_ *= factor
        model["logistic"].intercept_ *= factor
        return model

    def bundle(self, model: Any, pipeline: Any = None, **changed: Any) -> Bundle:
        """Write pipeline and bundle where the gate looks for them; return the bundle."""
        made: Ingredients = replace(self.made, model=model, **changed)
        folder = self.project.folder / "models/bundle"
        with self._here():
            skops_file.save(model, paths.PIPELINE)
            for path in folder.iterdir():
                path.unlink()
            write_bundle(folder, made, "sklearn", "scikit-learn, as the test asks")
            skops_file.save(pipeline or model, paths.PIPELINE)
            return Bundle.load(folder)

    def verdict(self, challenger: Bundle, champion: Any = None, **gate: Any) -> Verdict:
        if isinstance(champion, Bundle):
            champion = Champion("production", REVISION, champion)
        with self._here():
            return judge(challenger, champion, self.table, None, replace_gate(self.params, **gate))


def replace_gate(params: Params, **changed: Any) -> Params:
    gate = GateParams(**(params.gate.model_dump() | changed))
    return params.model_copy(update={"gate": gate})


def refusals(verdict: Verdict) -> dict[str, str]:
    return {finding.rule: finding.why for finding in verdict.refused}


@pytest.fixture(scope="module")
def bench(large_project: Any, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(large_project, tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def champion(bench: Bench) -> Bundle:
    return in_memory(bench.bundle(bench.model()))


def in_memory(bundle: Bundle) -> Bundle:
    """A champion is not asked for its files again, once loaded."""
    bundle.folder = Path("gone")
    return bundle


def test_the_first_model_passes_on_floor_and_baseline(bench: Bench) -> None:
    verdict = bench.verdict(bench.bundle(bench.model()))

    assert verdict.passed
    assert {one.rule: one.result for one in verdict.findings} == {
        "whole": "passed", "answers": "passed", "champion": "passed", "baseline": "passed", "floor": "passed",
        "comparison": "not judged", "slices": "passed", "calibration": "passed", "requests": "not judged",
    }  # fmt: skip


def test_an_equal_model_passes(bench: Bench, champion: Bundle) -> None:
    verdict = bench.verdict(bench.bundle(bench.model()), champion)

    assert verdict.passed
    assert "production at 3f2a1b0" in as_text(verdict)


def test_a_better_model_passes(bench: Bench, champion: Bundle) -> None:
    few = np.arange(len(bench.made.target)) < 60
    weak = bench.model()
    weak["logistic"].fit(weak["encoded"].transform(frame_of(bench.features))[few], bench.made.target[few])
    weaker = in_memory(bench.bundle(weak))

    verdict = bench.verdict(bench.bundle(bench.model()), weaker)

    assert verdict.passed
    assert verdict.metrics[0].gain > 0


def shuffled(bench: Bench) -> Any:
    return bench.model(np.random.default_rng(0).permutation(bench.made.target))


def worse(bench: Bench) -> Any:
    wrong = bench.made.target.copy()
    wrong[np.random.default_rng(0).random(len(wrong)) < 0.4] = 0
    model = bench.model(wrong)
    model["logistic"].coef_[:, -3:] *= -0.2
    return model


def broken_for_north(bench: Bench) -> Any:
    """As good as the champion, but for houses in the north, whose outcomes it learnt the wrong way round."""
    frame, target = frame_of(bench.features), bench.made.target.copy()
    north = frame["district"] == "north"
    target[north] = 1 - target[north]
    crossed = PolynomialFeatures(2, interaction_only=True)
    model = make_pipeline(bench.model()["encoded"], crossed, LogisticRegression(max_iter=500))
    return model.fit(frame, target)


@pytest.mark.parametrize(
    ("spoil", "rule", "why"),
    [
        (shuffled, "comparison", "worse than the champion: roc_auc is 0."),
        (Bench.constant, "baseline", "not surely better than trivial: roc_auc is 0.500, 0.500 without looking"),
        (Bench.constant, "floor", "roc_auc is 0.500, at least 0.6 is asked for"),
        (worse, "comparison", "worse than the champion: roc_auc is "),
        (lambda bench: bench.scaled(6.0), "calibration", "from what came true, 0.1 is allowed"),
    ],
    ids=["shuffled labels", "a constant", "a constant, floor", "worse", "over-confident"],
)
def test_a_bad_model_is_refused(
    bench: Bench, champion: Bundle, spoil: Callable[[Bench], Any], rule: str, why: str
) -> None:
    verdict = bench.verdict(bench.bundle(spoil(bench)), champion)

    assert not verdict.passed
    assert why in refusals(verdict)[rule]
    assert f"refused: {rule}: " in as_text(verdict)
    assert f"**refused: {rule}**" in as_markdown(verdict)
    assert as_json(verdict)["passed"] is False


def test_over_confidence_alone_is_enough(bench: Bench, champion: Bundle) -> None:
    verdict = bench.verdict(bench.bundle(bench.scaled(6.0)), champion)

    assert set(refusals(verdict)) == {"calibration"}


def test_a_model_that_fails_one_slice_is_refused(bench: Bench, champion: Bundle) -> None:
    allowed = {"max_regression": 0.5, "max_calibration_error": 0.9, "floor": {}}

    verdict = bench.verdict(bench.bundle(broken_for_north(bench)), champion, **allowed)

    assert set(refusals(verdict)) == {"slices"}
    assert refusals(verdict)["slices"].startswith("district=north: roc_auc is 0.")
    assert "district=south" not in refusals(verdict)["slices"]


def test_a_first_model_that_fails_one_slice_is_refused(bench: Bench) -> None:
    verdict = bench.verdict(bench.bundle(broken_for_north(bench)), max_calibration_error=0.9)

    assert "district=north" in refusals(verdict)["slices"]
    assert "without looking 0.500" in refusals(verdict)["slices"]


def test_answers_that_are_no_numbers_are_refused(bench: Bench, champion: Bundle) -> None:
    model = bench.model()
    good = bench.bundle(model).manifest
    model["logistic"].coef_[:] = np.nan

    verdict = bench.verdict(bench.bundle(model), champion)

    assert verdict.challenger.digest != good.digest
    assert "rows with NaN or infinity" in refusals(verdict)["answers"]


def test_a_bundle_that_answers_otherwise_than_its_pipeline_is_refused(bench: Bench, champion: Bundle) -> None:
    verdict = bench.verdict(bench.bundle(bench.model(), pipeline=bench.scaled(1.01)), champion)

    assert set(refusals(verdict)) == {"answers"}
    assert "otherwise than its pipeline: answers differ by up to" in refusals(verdict)["answers"]


def test_a_contract_that_breaks_callers_is_refused(bench: Bench, champion: Bundle) -> None:
    columns = dict(bench.made.contract.columns)
    columns["rooms"] = columns["rooms"].model_copy(update={"max": 20.0})
    narrower = bench.made.contract.model_copy(update={"columns": columns})

    verdict = bench.verdict(bench.bundle(bench.model(), contract=narrower), champion)

    assert refusals(verdict) == {"requests": "callers would break: rooms may no longer be above 20"}


def test_a_champion_that_is_not_known_refuses(bench: Bench) -> None:
    reason = UnknownChampionError("cannot read whether origin has the branch production")

    verdict = bench.verdict(bench.bundle(bench.model()), reason)

    assert refusals(verdict) == {"champion": str(reason)}
    assert "the champion is not known" in as_text(verdict)


def test_a_champion_that_is_not_known_may_be_accepted_by_name(bench: Bench) -> None:
    challenger = bench.bundle(bench.model())
    waiver = Waiver(rule="champion", bundle=challenger.version, reason="its storage burnt down", by="Ada")

    verdict = bench.verdict(challenger, UnknownChampionError("it is gone"), accept=[waiver])

    assert verdict.passed
    assert {one.rule: one.result for one in verdict.findings}["comparison"] == "not judged"


def test_a_champion_that_cannot_be_scored_refuses(bench: Bench, champion: Bundle) -> None:
    older = copy.copy(champion)
    columns = {**champion.contract.columns, "garden": Column(type="boolean", nullable=True)}
    older.contract = champion.contract.model_copy(update={"columns": columns})

    verdict = bench.verdict(bench.bundle(bench.model()), older)

    assert refusals(verdict)["champion"] == "the champion needs garden, which the rows no longer have"
    assert refusals(verdict)["requests"] == (
        "callers would break: garden was removed, and a request that contains it is rejected"
    )


def test_a_champion_of_another_question_refuses(bench: Bench, tiny_bundles: dict[str, Path]) -> None:
    verdict = bench.verdict(bench.bundle(bench.model()), Bundle.load(tiny_bundles["regression"]))

    assert refusals(verdict)["champion"] == "the champion answers another question, price (regression)"


def test_a_broken_rule_may_be_accepted_for_this_bundle_and_not_the_next(bench: Bench, champion: Bundle) -> None:
    challenger = bench.bundle(bench.scaled(6.0))
    waiver = Waiver(rule="calibration", bundle=challenger.version, reason="only its order is used", by="Ada")

    accepted = bench.verdict(challenger, champion, accept=[waiver])
    later = bench.verdict(bench.bundle(bench.scaled(6.1)), champion, accept=[waiver])

    assert accepted.passed
    assert f"accepted: calibration: only its order is used (by Ada, for {challenger.version} alone)" in as_text(
        accepted
    )
    assert as_json(accepted)["accepted"][0]["by"] == "Ada"
    assert set(refusals(later)) == {"calibration"}
    assert f"not used: gate.accept of calibration for {challenger.version}" in as_text(later)


@pytest.mark.parametrize("rule", ["whole", "answers"])
def test_integrity_cannot_be_waived(rule: str) -> None:
    with pytest.raises(ValueError, match="Input should be 'baseline'"):
        Waiver(rule=rule, bundle="v.1234567", reason="because", by="Ada")


def test_a_floor_of_another_problem_is_named(bench: Bench) -> None:
    with pytest.raises(ParamsError, match=r"gate\.floor\.mae is no metric of a binary model; write one of roc_auc"):
        bench.verdict(bench.bundle(bench.model()), floor={"mae": 3.0})
