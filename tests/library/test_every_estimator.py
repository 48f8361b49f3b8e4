"""Every estimator whose export is known to fail or to be silently wrong ends exact or on scikit-learn, never wrong.

It takes two minutes, and so runs with tests/project: `make test-all`.
"""

import contextlib

import numpy as np
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table
from cd4ml.training import build as building
from cd4ml.training import skops_file
from cd4ml.training.estimator import predict_scores
from house_project import Project, houses
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

pytestmark = pytest.mark.slow


def encoded(*steps, encoder=None, numeric=("passthrough",)):
    """A build_model with its own encoder, steps for the numbers, and what follows."""
    one_hot = encoder or OneHotEncoder(handle_unknown="ignore", sparse_output=False)

    def build(task, numbers, categories, iterations):
        numbers_pipeline = numeric[0] if len(numeric) == 1 else make_pipeline(*numeric)
        columns = ColumnTransformer([("c", one_hot, [*categories]), ("n", numbers_pipeline, [*numbers])])
        return Pipeline([("columns", columns), *((f"step{i}", step) for i, step in enumerate(steps))])

    return build


FILL = SimpleImputer(strategy="median")
TREES = HistGradientBoostingClassifier(max_iter=20, early_stopping=False, random_state=0)
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
SETTINGS = {"max_iter": 20, "early_stopping": False, "random_state": 0}

CLASSIFIERS = {
    "categorical HGB": encoded(
        HistGradientBoostingClassifier(categorical_features=[0, 1], **SETTINGS), encoder=ORDINAL
    ),
    "forest on native NaN": encoded(RandomForestClassifier(20, random_state=0)),
    "deep forest on filled": encoded(RandomForestClassifier(50, random_state=0), numeric=(FILL,)),
    "tuned threshold": encoded(TunedThresholdClassifierCV(TREES, cv=3)),
    "LDA": encoded(LinearDiscriminantAnalysis(), numeric=(FILL, StandardScaler())),
    "isotonic": encoded(CalibratedClassifierCV(GaussianNB(), method="isotonic"), numeric=(FILL, StandardScaler())),
    "sigmoid": encoded(CalibratedClassifierCV(GaussianNB(), method="sigmoid"), numeric=(FILL, StandardScaler())),
    "indicator": encoded(LogisticRegression(), numeric=(SimpleImputer(add_indicator=True), StandardScaler())),
    "filled trees": encoded(TREES, numeric=(FILL, "passthrough")),
    "scaled trees": encoded(TREES, numeric=(StandardScaler(), "passthrough")),
    "scaled deep tree": encoded(DecisionTreeClassifier(random_state=0), numeric=(FILL, StandardScaler())),
    "soft voting": encoded(
        VotingClassifier([("a", LogisticRegression()), ("b", TREES)], voting="soft", flatten_transform=False),
        numeric=(FILL, StandardScaler()),
    ),
    "dummy": encoded(DummyClassifier(strategy="prior")),
    "function": encoded(LogisticRegression(), numeric=(FILL, FunctionTransformer(np.arcsinh), StandardScaler())),
    "infrequent": encoded(
        TREES, encoder=OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=120, sparse_output=False)
    ),
    "logistic": encoded(LogisticRegression(), numeric=(FILL, StandardScaler())),
    "boosting": encoded(GradientBoostingClassifier(n_estimators=20, random_state=0), numeric=(FILL,)),
    "neighbours": encoded(KNeighborsClassifier(), numeric=(FILL, StandardScaler())),
    "network": encoded(MLPClassifier(max_iter=50, random_state=0), numeric=(FILL, StandardScaler())),
    "early stopping": encoded(HistGradientBoostingClassifier(max_iter=50, early_stopping=True, random_state=0)),
}

REGRESSORS = {
    "HGB": encoded(HistGradientBoostingRegressor(**SETTINGS)),
    "HGB Poisson": encoded(HistGradientBoostingRegressor(loss="poisson", **SETTINGS)),
    "HGB gamma": encoded(HistGradientBoostingRegressor(loss="gamma", **SETTINGS)),
    "HGB quantile": encoded(HistGradientBoostingRegressor(loss="quantile", quantile=0.9, **SETTINGS)),
    "transformed target": encoded(
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), numeric=(FILL,)
    ),
    "dummy": encoded(DummyRegressor()),
    "forest on native NaN": encoded(RandomForestRegressor(20, random_state=0)),
    "extra trees, scaled": encoded(ExtraTreesRegressor(20, random_state=0), numeric=(FILL, StandardScaler())),
    "deep tree": encoded(DecisionTreeRegressor(random_state=0), numeric=(FILL, StandardScaler())),
    "linear": encoded(LinearRegression(), numeric=(FILL, StandardScaler())),
}


def check_never_wrong(project: Project, build, capsys) -> None:
    """Train and package; then ask the bundle and the pipeline for rows that neither training nor the proof has seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "load_build_model", lambda: build)
        project.run("ingest", "validate", "split", "train", "package")

    bundle = Bundle.load(project.bundle)
    with contextlib.chdir(project.folder):
        model = skops_file.load(project.folder / "models/pipeline.skops")
    columns = columns_of_table(houses(20_000, seed=7), bundle.contract)
    expected = predict_scores(model, bundle.code.derive(columns), bundle.contract.task)
    tolerance = 1e-5
    if bundle.contract.task == "regression":
        tolerance *= houses()["price"].std()
    gap = np.abs(bundle.scores(columns) - expected).max()
    with capsys.disabled():
        print(f"\n    {bundle.manifest.runtime}: {gap:.1e} {bundle.manifest.reason}")
    assert gap <= tolerance


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier(name, tmp_path, capsys):
    check_never_wrong(Project(tmp_path), CLASSIFIERS[name], capsys)


@pytest.mark.parametrize("name", ["forest on native NaN", "filled trees", "logistic", "LDA"])
def test_multiclass(name, tmp_path, capsys):
    check_never_wrong(Project(tmp_path, "multiclass"), CLASSIFIERS[name], capsys)


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressor(name, tmp_path, capsys):
    check_never_wrong(Project(tmp_path, "regression"), REGRESSORS[name], capsys)


def test_a_target_far_from_zero(tmp_path, capsys):
    project = Project(tmp_path, "regression")
    project.table = project.table.assign(price=lambda table: table["price"] + 1e7)

    check_never_wrong(project, REGRESSORS["HGB"], capsys)
    assert Bundle.load(project.bundle).manifest.runtime == "sklearn"
