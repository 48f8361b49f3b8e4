"""The service returns what the bundle predicts, and rejects requests by the rules of HTTP and of the contract."""

import json
import logging

import numpy as np
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from starlette.testclient import TestClient

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return Bundle.load(tiny_bundle)


@pytest.fixture(scope="module")
def client(tiny_bundle):
    with TestClient(create_app(tiny_bundle, ServiceSettings(max_rows=500, max_bytes=100_000))) as client:
        yield client


@pytest.fixture
def row(bundle):
    return bundle.contract.sample_row()


def is_problem(reply, status):
    document = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, document["status"]) == (status, status)
    assert document["request_id"] == reply.headers["x-request-id"]
    assert "x-model-version" in reply.headers
    return document


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_for_each_task_the_service_predicts_what_the_pipeline_predicted(tiny_bundles, task):
    bundle = Bundle.load(tiny_bundles[task])
    examples = bundle.examples()
    client = TestClient(create_app(tiny_bundles[task], ServiceSettings()))

    body = client.post("/predict", json={"rows": examples["rows"]}).json()

    keys = ["predictions", "probabilities", "model", "version", "request_id"]
    assert list(body) == (keys if task != "regression" else [key for key in keys if key != "probabilities"])
    assert (body["model"], body["version"]) == ("houses", bundle.version)
    if task == "regression":
        assert body["predictions"] == pytest.approx(examples["predictions"], abs=1e-3)
    elif task == "binary":
        assert body["predictions"] == examples["predictions"]
        assert body["probabilities"] == pytest.approx(examples["probabilities"], abs=1e-5)
    else:
        assert body["predictions"] == examples["predictions"]
        for probabilities, expected in zip(body["probabilities"], examples["probabilities"], strict=True):
            assert probabilities == pytest.approx(expected, abs=1e-5)


def test_a_large_batch_gives_the_same_predictions_as_a_small_one(client, bundle):
    rows = (bundle.examples()["rows"] * 50)[:450]

    large = client.post("/predict", json={"rows": rows}).json()
    small = client.post("/predict", json={"rows": rows[:10]}).json()

    assert len(large["predictions"]) == 450
    assert large["predictions"][:10] == small["predictions"]
    assert large["probabilities"][:10] == small["probabilities"]


def test_a_422_names_row_column_rule_and_value(client, row):
    reply = client.post("/predict", json={"rows": [row, row | {"size": -1, "district": "west"}]})

    assert is_problem(reply, 422)["errors"] == [
        {"row": 1, "column": "size", "rule": "at least 0", "value": -1},
        {"row": 1, "column": "district", "rule": "one of north, south, east", "value": "west"},
    ]


def test_malformed_json_is_400(client):
    assert "not valid JSON" in is_problem(client.post("/predict", content=b'{"rows": [', headers=JSON), 400)["detail"]


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "application/vnd.api+json", "APPLICATION/JSON"]
)
def test_media_types_of_json_are_accepted(client, row, media_type):
    reply = client.post("/predict", content=json.dumps({"rows": [row]}), headers={"Content-Type": media_type})

    assert reply.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        JSON | {"Content-Encoding": "gzip"},
    ],
)
def test_other_media_types_give_415(client, row, headers):
    is_problem(client.post("/predict", content=json.dumps({"rows": [row]}), headers=headers), 415)


def test_a_body_that_is_too_large_gives_413_with_and_without_its_length(client):
    def chunks():
        for _ in range(20):
            yield b" " * 10_000

    is_problem(client.post("/predict", content=b" " * 100_001, headers=JSON), 413)
    is_problem(client.post("/predict", content=chunks(), headers=JSON), 413)


def test_an_unknown_path_gives_404_and_a_wrong_method_405_with_the_allowed_ones(client):
    is_problem(client.get("/nowhere"), 404)
    is_problem(client.post("/predict/", json={}), 404)
    for path, method, allowed in [
        ("/predict", "GET", "OPTIONS, POST"),
        ("/version", "POST", "GET, HEAD, OPTIONS"),
        ("/docs", "DELETE", "GET, HEAD, OPTIONS"),
    ]:
        reply = client.request(method, path)
        is_problem(reply, 405)
        assert reply.headers["allow"] == allowed
        assert client.options(path).status_code == 204
        assert client.options(path).headers["allow"] == allowed
    for path in ["/health/live", "/health/ready", "/version", "/docs", "/openapi.json"]:
        assert client.head(path).status_code == 200


def test_a_valid_request_id_is_returned_and_an_invalid_one_is_replaced(client, row):
    def returned_id(request_id):
        reply = client.post("/predict", json={"rows": [row]}, headers={"X-Request-ID": request_id})
        assert reply.json()["request_id"] == reply.headers["x-request-id"]
        return reply.headers["x-request-id"]

    assert returned_id("order-17/a") == "order-17/a"
    for request_id in ["", "a b", "x" * 129, "caf\xe9".encode("latin-1")]:
        assert len(returned_id(request_id)) == 32
    assert client.get("/nowhere", headers={"X-Request-ID": "mine"}).json()["request_id"] == "mine"


def test_version_returns_the_model_and_what_it_was_made_of(client, bundle):
    version = client.get("/version").json()

    manifest = bundle.manifest
    assert version["digest"] == manifest.digest
    assert (version["model"], version["version"], version["until"]) == ("houses", bundle.version, "2024-06-30")
    assert (version["runtime"], version["task"], version["reason"]) == ("onnx", "binary", manifest.reason)
    assert version["made_of"] == manifest.made_of


def test_the_openapi_document_contains_the_contract(client, bundle, row):
    document = client.get("/openapi.json").json()

    operation = document["paths"]["/predict"]["post"]
    body = operation["requestBody"]["content"]["application/json"]
    rows = body["schema"]["properties"]["rows"]
    columns = rows["items"]["properties"]
    assert rows["maxItems"] == 500
    assert columns["size"] == {
        "type": "number", "minimum": 0, "maximum": 500, "description": "in m²", "examples": [120.5]
    }  # fmt: skip
    assert columns["district"]["enum"] == ["north", "south", "east"]
    assert columns["heated"]["type"] == ["boolean", "null"]
    assert rows["items"]["required"] == ["size", "rooms", "district"]
    assert columns.keys() == row.keys() | {"house_id"}
    assert client.post("/predict", json=body["example"]).status_code == 200
    assert {"/predict", "/version", "/health/live", "/health/ready", "/metrics"} == set(document["paths"])


def test_the_documentation_page_loads_nothing_from_other_hosts(client):
    page = client.get("/docs").text

    assert "//" not in page.replace("// ", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs/files/{name}" in page
        assert client.get(f"/docs/files/{name}").status_code == 200


def test_features_that_fail_give_a_500_and_the_reason_is_only_in_the_log(project, caplog):
    project.replace(
        "src/houses/features.py", "dict(columns)", "dict(columns) if 13 not in columns['rooms'] else secret()"
    )
    project.run("ingest", "validate", "split", "train", "package")
    client = TestClient(create_app(project.bundle, ServiceSettings()))
    row = Bundle.load(project.bundle).contract.sample_row()

    with caplog.at_level(logging.ERROR):
        reply = client.post("/predict", json={"rows": [row | {"rooms": 13}]}, headers={"X-Request-ID": "r-13"})

    is_problem(reply, 500)
    assert "secret" not in reply.text
    assert "r-13" in caplog.text
    assert "features.py:7: NameError" in caplog.text
    assert client.post("/predict", json={"rows": [row]}).status_code == 200


def test_a_model_that_predicts_nan_gives_a_500(client, row, monkeypatch):
    monkeypatch.setattr(Bundle, "scores", lambda bundle, columns: np.array([[0.5, np.nan]]))

    is_problem(client.post("/predict", json={"rows": [row]}), 500)
