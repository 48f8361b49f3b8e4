"""Models of the large project for tests of the gate: good ones, and ones that are bad in one way each."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from cd4ml.bundle.assemble import read_inputs, write_bundle
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.manifest import Runtime
from cd4ml.gate.champion import Champion, UnknownChampionError
from cd4ml.gate.champion_limits import ChampionLimits, UnreadableLimitsError
from cd4ml.gate.history import History
from cd4ml.gate.judge import judge
from cd4ml.gate.verdict import Verdict
from cd4ml.settings import paths
from cd4ml.settings.params import EvaluateParams, GateParams, Params
from cd4ml.training import skops_file
from cd4ml.training.estimator import to_frame
from house_project import Project
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

REVISION = "3f2a1b0" + "0" * 33


class CandidateModels:
    """Fits models on the project's training set, packages them, and lets the gate judge them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        with project.inside():
            self.inputs = read_inputs()
            self.params = Params.load().model_copy(update={"evaluate": EvaluateParams(bootstrap_rounds=200)})
            self.table = pd.read_parquet(paths.HOLDOUT)
        self.target = self.inputs.target
        self.frame = to_frame(self.inputs.code.derive(self.inputs.train))

    def good_model(self, target: Any = None, unknown: str = "ignore") -> Any:
        """Return a logistic regression, fitted on the training set's target, or on another target.

        Args:
            target: the other target.
            unknown: what it does with a category that the training set does not have: "ignore" it, or fail: "error".
        """
        categories = ["district", "street"]
        numbers = [name for name in self.frame if name not in categories]
        encoded = ColumnTransformer(
            [
                ("categories", OneHotEncoder(handle_unknown=unknown), categories),
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ]
        )
        model = Pipeline([("encoded", encoded), ("logistic", LogisticRegression())])
        return model.fit(self.frame, self.target if target is None else target)

    def model_of_few_rows(self) -> Any:
        """Return the good model, fitted on 60 rows."""
        model = self.good_model()
        model["logistic"].fit(model["encoded"].transform(self.frame)[:60], self.target[:60])
        return model

    def constant_model(self) -> Any:
        return make_pipeline(DummyClassifier(strategy="prior")).fit(self.frame, self.target)

    def overconfident_model(self, factor: float = 6.0) -> Any:
        """Return the good model with its log odds multiplied: it ranks rows equally, with other probabilities."""
        model = self.good_model()
        model["logistic"].coef_ *= factor
        model["logistic"].intercept_ *= factor
        return model

    def model_of_shuffled_labels(self) -> Any:
        return self.good_model(np.random.default_rng(0).permutation(self.target))

    def worse_model(self) -> Any:
        """Return a model that was fitted on wrong labels, and whose last coefficients have the wrong sign."""
        labels = self.target.copy()
        labels[np.random.default_rng(0).random(len(labels)) < 0.4] = 0
        model = self.good_model(labels)
        model["logistic"].coef_[:, -3:] *= -0.2
        return model

    def model_wrong_for_north(self) -> Any:
        """Return a model that is good, except for houses in the north, whose outcomes were inverted in training."""
        labels = self.target.copy()
        north = self.frame["district"] == "north"
        labels[north] = 1 - labels[north]
        interactions = PolynomialFeatures(2, interaction_only=True)
        model = make_pipeline(self.good_model()["encoded"], interactions, LogisticRegression(max_iter=500))
        return model.fit(self.frame, labels)

    def bundle(self, model: Any, pipeline: Any = None, runtime: Runtime = "sklearn", **inputs: Any) -> Bundle:
        """Write a model's bundle and its pipeline where the gate reads them; return the bundle.

        Args:
            model: the fitted model in the bundle.
            pipeline: the fitted model in models/pipeline.skops, if it is to be another one.
            runtime: what runs the model.
            inputs: further fields of `BundleInputs` to replace.
        """
        folder = self.project.bundle
        with self.project.inside():
            skops_file.save(model, paths.PIPELINE)
            for path in folder.iterdir():
                path.unlink()
            write_bundle(folder, replace(self.inputs, model=model, **inputs), runtime, "this test asks for it")
            skops_file.save(pipeline or model, paths.PIPELINE)
            return Bundle.load(folder)

    def judge(
        self,
        challenger: Bundle,
        champion: Bundle | UnknownChampionError | None = None,
        limits: ChampionLimits | UnreadableLimitsError | None = None,
        history: History | None = None,
        **gate: Any,
    ) -> Verdict:
        """Return the gate's verdict; `gate` are the keys of `gate:` in params.yaml, with a floor of 0.6 for roc_auc."""
        if isinstance(champion, Bundle):
            champion = Champion("production", REVISION, champion)
        settings = self.params.gate.model_dump() | {"floor": {"roc_auc": 0.6}} | gate
        params = self.params.model_copy(update={"gate": GateParams(**settings)})
        with self.project.inside():
            return judge(challenger, champion, self.table, None, params, limits, history)


def rejections(verdict: Verdict) -> dict[str, str]:
    """Return why a verdict rejects, by rule."""
    return {finding.rule: finding.why for finding in verdict.rejected}
