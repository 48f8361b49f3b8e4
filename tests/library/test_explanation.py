"""`"explain": true`: what moves a prediction is the difference to what the service predicts for the changed row."""

import json

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle import explanation
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.decision import Decision
from cd4ml.bundle.training_profile import training_profile
from cd4ml.contract.columns import rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from starlette.testclient import TestClient

EVERY_TYPE = {
    "name": "things",
    "target": {"name": "price", "type": "number"},
    "columns": {
        "n": {"type": "number", "nullable": True},
        "i": {"type": "integer"},
        "b": {"type": "boolean", "nullable": True},
        "c": {"type": "category", "nullable": True},
        "t": {"type": "timestamp", "nullable": True},
    },
}


def client_of(bundle, **settings):
    return TestClient(create_app(bundle, ServiceSettings(**settings)))


def score(document, row, label):
    """Return what is explained: the probability of true or of one class, or the number."""
    if "probabilities" not in document:
        return document["predictions"][row]
    probability = document["probabilities"][row]
    return probability[label] if isinstance(probability, dict) else probability


def median(values):
    """Return the value in the middle; of an even number, the lower of the two."""
    return sorted(values.dropna())[(values.notna().sum() - 1) // 2]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_contribution_is_the_difference_to_the_answer_for_the_row_with_that_column_changed(tiny_bundles, task):
    bundle, client = Bundle.load(tiny_bundles[task]), client_of(tiny_bundles[task])
    rows = bundle.examples()["rows"][:6]

    document = client.post("/predict", json={"rows": rows, "explain": True}).json()

    reference, explanations = document["reference"], document["explanations"]
    assert list(reference) == list(bundle.contract.columns)
    assert [list(each) for each in explanations] == [list(reference)] * len(rows)
    for column, value in reference.items():
        changed = client.post("/predict", json={"rows": [row | {column: value} for row in rows]}).json()
        for number, label in enumerate(document["predictions"]):
            difference = score(document, number, label) - score(changed, number, label)
            assert explanations[number][column] == pytest.approx(difference, abs=1e-9), column
    assert any(abs(value) > 1e-3 for each in explanations for value in each.values())


def test_a_linear_models_answer_is_the_same_to_the_last_bit_when_it_is_explained(linear_project):
    client, contract = client_of(linear_project.bundle), Bundle.load(linear_project.bundle).contract
    columns = columns_of_table(pd.read_parquet(linear_project.folder / "data/train.parquet"), contract)
    rows = rows_of_columns(columns, contract)[:100]

    for row in rows:
        plain = client.post("/predict", json={"rows": [row]}).json()
        explained = client.post("/predict", json={"rows": [row], "explain": True}).json()
        assert explained["probabilities"] == plain["probabilities"]
        (contributions,) = explained["explanations"]
        assert contributions["district"] == 0.0  # the model does not use it
    assert any(
        alone != among_others for alone, among_others in zip(*both_ways(linear_project.bundle, rows), strict=True)
    )


def both_ways(bundle, rows):
    """Return a bundle's scores of rows, each alone and all in one call."""
    bundle = Bundle.load(bundle)
    alone = [bundle.scores_of_rows([row])[0, 1] for row in rows]
    return alone, bundle.scores_of_rows(rows)[:, 1].tolist()


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_explained_or_not_the_answer_is_the_same_but_for_the_explanation(tiny_bundles, task):
    rows = Bundle.load(tiny_bundles[task]).examples()["rows"]
    client = client_of(tiny_bundles[task])

    plain = client.post("/predict", json={"rows": rows}).json()
    explained = client.post("/predict", json={"rows": rows, "explain": True}).json()

    assert len(explained.pop("explanations")) == len(rows)
    assert len(explained.pop("reference")) == 6
    assert explained | {"request_id": ""} == plain | {"request_id": ""}
    again = client.post("/predict", json={"rows": rows, "explain": False}).json()
    assert again | {"request_id": ""} == plain | {"request_id": ""}


def test_the_reference_is_the_median_and_the_most_frequent_value_of_the_training_set(tiny_projects):
    project = tiny_projects["binary"]
    train = pd.read_parquet(project.folder / "data/train.parquet")
    row = Bundle.load(project.bundle).contract.sample_row()

    reference = client_of(project.bundle).post("/predict", json={"rows": [row], "explain": True}).json()["reference"]

    assert reference["size"] == pytest.approx(median(pd.to_numeric(train["size"])), rel=1e-6)
    assert reference["rooms"] == median(pd.to_numeric(train["rooms"]))
    assert reference["heated"] is True
    assert reference["district"] == train["district"].mode()[0]
    assert reference["street"] == train["street"].mode()[0]
    assert pd.Timestamp(reference["built"]) == median(pd.to_datetime(train["built"]))


def test_no_more_rows_are_scored_than_a_request_without_explanations_may_have(tiny_bundle):
    client = client_of(tiny_bundle, max_rows=30)  # six columns: each row is scored seven times
    row = Bundle.load(tiny_bundle).contract.sample_row()

    assert client.post("/predict", json={"rows": [row] * 4, "explain": True}).status_code == 200
    refused = client.post("/predict", json={"rows": [row] * 5, "explain": True})
    assert refused.status_code == 422
    rule = 'from 1 to 4 rows with "explain"'
    assert refused.json()["errors"] == [{"row": None, "column": None, "rule": rule, "value": 5}]
    assert client.post("/predict", json={"rows": [row] * 5}).status_code == 200
    assert client_of(tiny_bundle, max_rows=1).post("/predict", json={"rows": [row], "explain": True}).is_success


@pytest.mark.parametrize("value", ["true", 1, None, [True]])
def test_another_value_than_true_or_false_is_rejected(tiny_bundle, value):
    row = Bundle.load(tiny_bundle).contract.sample_row()

    reply = client_of(tiny_bundle).post("/predict", json={"rows": [row], "explain": value})

    assert reply.status_code == 422
    assert reply.json()["errors"][0]["rule"] == '"explain" is true or false'


def test_the_openapi_document_says_what_it_is_and_how_many_rows_it_takes(tiny_bundle):
    document = client_of(tiny_bundle, max_rows=30).get("/openapi.json").json()

    operation = document["paths"]["/predict"]["post"]
    request = operation["requestBody"]["content"]["application/json"]["schema"]
    response = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert request["required"] == ["rows"]
    assert request["then"]["properties"]["rows"]["maxItems"] == 4
    assert "not SHAP" in response["properties"]["explanations"]["description"]
    assert not {"explanations", "reference"} & set(response["required"])


def test_a_column_without_a_value_in_the_training_set_has_no_reference():
    contract = Contract.model_validate(EVERY_TYPE)
    nothing = {
        "n": np.array([np.nan], np.float32),
        "i": np.array([3], np.float32),
        "b": np.array([np.nan], np.float32),
        "c": np.array([""], object),
        "t": np.array(["NaT"], "datetime64[us]"),
    }

    profile = training_profile(nothing, np.array([1.0]), None, contract)

    assert list(explanation.reference_columns(json.loads(json.dumps(profile)), contract)) == ["i"]


def test_a_boolean_that_is_mostly_false_is_compared_with_false():
    contract = Contract.model_validate(EVERY_TYPE | {"columns": {"b": {"type": "boolean", "nullable": True}}})
    profile = training_profile({"b": np.array([1, 0, 0, np.nan], np.float32)}, np.array([1.0]), None, contract)

    assert explanation.reference_columns(profile, contract)["b"].tolist() == [0.0]


def test_of_several_classes_the_one_that_is_predicted_is_explained():
    scores = np.array([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])  # two rows, and their copies with x swapped

    found = explanation.contributions(scores, Decision("multiclass", ["a", "b"], None), {"x": np.zeros(1)})

    assert [each["x"] for each in found] == pytest.approx([0.1, 0.3])
