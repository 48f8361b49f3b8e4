"""A model is tried on the training set: fitted on its older rows, its newer ones predicted as the bundle would."""

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import read_table, target_of_table
from cd4ml.errors import FeatureError, ModelError
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.evaluation.trial import older_and_newer, try_model
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.training.build import load_build_model


@pytest.fixture(params=["binary", "multiclass", "regression"])
def trial(request, tiny_projects):
    """The training set, the contract, the features' function and `build_model` of a project."""
    project = tiny_projects[request.param]
    with project.inside():
        contract, features = Contract.load(paths.CONTRACT), FeatureCode.read(read_project().features)
        yield read_table(paths.TRAIN), contract, features.derive, load_build_model()


def test_the_predictions_are_of_the_newest_fifth_and_better_than_those_without_features(trial):
    table, contract, derive, build_model = trial
    older, newer = older_and_newer(table, contract)
    assert len(older) + len(newer) == len(table)
    assert len(newer) == pytest.approx(len(table) / 5, rel=0.1)
    assert older["sold_on"].max() < newer["sold_on"].min()

    def constant(columns):
        return {"nothing": np.zeros(len(columns["size"]))}

    settings = {"iterations": 30, "min_samples_leaf": 10}
    predictions = try_model(build_model, derive, older, newer, contract, **settings)
    useless = try_model(build_model, constant, older, newer, contract, **settings)

    assert predictions.task == contract.task
    assert (predictions.threshold is not None) == (contract.task == "binary")
    assert predictions.rows == len(target_of_table(newer, contract))
    metrics = read_metric_set(contract.task, Params.load())
    better, worse = (metrics.compute_main(model) for model in (predictions, useless))
    assert better > worse if metrics.main.better == "higher" else better < worse


def test_without_a_time_the_fifth_is_drawn_at_random_and_is_the_same_each_time():
    contract = Contract.from_json(
        b'{"name": "t", "target": {"name": "y", "type": "number"}, "columns": {"x": {"type": "number"}}}'
    )
    table = pd.DataFrame({"x": np.arange(1000.0), "y": np.arange(1000.0)})

    older, newer = older_and_newer(table, contract)

    assert len(newer) == 200
    assert newer["x"].min() < 100 < 900 < newer["x"].max()
    assert not set(older["x"]) & set(newer["x"])
    pd.testing.assert_frame_equal(newer, older_and_newer(table, contract)[1])


def test_a_group_is_on_one_side():
    contract = Contract.from_json(
        b'{"name": "t", "group": "g", "target": {"name": "y", "type": "number"}, "columns": {"x": {"type": "number"}}}'
    )
    table = pd.DataFrame({"x": np.arange(1000.0), "y": np.arange(1000.0), "g": [f"g{n % 100}" for n in range(1000)]})

    older, newer = older_and_newer(table, contract)

    assert len(newer) == 200
    assert not set(older["g"]) & set(newer["g"])


def test_a_feature_or_a_model_that_fails_is_an_error_in_one_line(trial):
    table, contract, derive, build_model = trial
    older, newer = older_and_newer(table, contract)

    with pytest.raises(FeatureError, match=r"^derive: there is no column 'sise'; the contract names the columns"):
        try_model(build_model, lambda columns: {"a": columns["sise"]}, older, newer, contract)
    with pytest.raises(ModelError, match="the model cannot be fitted"):
        try_model(build_model, derive, older, newer, contract, learning_rate=-1.0)
