"""The service answers as the bundle does, and refuses as HTTP and the contract say."""

import json
import logging

import numpy as np
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving import app as service
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import Settings
from starlette.testclient import TestClient

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return Bundle.load(tiny_bundle)


@pytest.fixture(scope="module")
def client(tiny_bundle):
    with TestClient(create_app(tiny_bundle, Settings(max_rows=500, max_bytes=100_000))) as client:
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


@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression"])
def test_each_problem_is_answered_as_the_pipeline_did(tiny_bundles, problem):
    bundle = Bundle.load(tiny_bundles[problem])
    examples = bundle.examples()
    client = TestClient(create_app(tiny_bundles[problem], Settings()))

    answer = client.post("/predict", json={"rows": examples["rows"]}).json()

    keys = ["predictions", "probabilities", "model", "version", "request_id"]
    assert list(answer) == (keys if problem != "regression" else [key for key in keys if key != "probabilities"])
    assert (answer["model"], answer["version"]) == ("houses", bundle.version)
    if problem == "regression":
        assert answer["predictions"] == pytest.approx(examples["predictions"], abs=1e-3)
    elif problem == "binary":
        assert answer["predictions"] == examples["predictions"]
        assert answer["probabilities"] == pytest.approx(examples["probabilities"], abs=1e-5)
    else:
        assert answer["predictions"] == examples["predictions"]
        for said, expected in zip(answer["probabilities"], examples["probabilities"], strict=True):
            assert said == pytest.approx(expected, abs=1e-5)


def test_a_large_batch_is_answered_as_its_rows_alone(client, bundle):
    rows = (bundle.examples()["rows"] * 50)[:450]

    large = client.post("/predict", json={"rows": rows}).json()
    small = client.post("/predict", json={"rows": rows[:10]}).json()

    assert len(large["predictions"]) == 450
    assert large["predictions"][:10] == small["predictions"]
    assert large["probabilities"][:10] == small["probabilities"]


def test_broken_rules_are_named(client, row):
    reply = client.post("/predict", json={"rows": [row, row | {"size": -1, "district": "west"}]})

    assert is_problem(reply, 422)["errors"] == [
        {"row": 1, "column": "size", "rule": "at least 0", "value": -1},
        {"row": 1, "column": "district", "rule": "one of north, south, east", "value": "west"},
    ]


def test_malformed_json_is_400(client):
    assert "no JSON" in is_problem(client.post("/predict", content=b'{"rows": [', headers=JSON), 400)["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/vnd.api+json", "APPLICATION/JSON"])
def test_media_types_that_are_json_are_taken(client, row, kind):
    reply = client.post("/predict", content=json.dumps({"rows": [row]}), headers={"Content-Type": kind})

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
def test_other_media_types_are_415(client, row, headers):
    is_problem(client.post("/predict", content=json.dumps({"rows": [row]}), headers=headers), 415)


def test_too_large_a_body_is_413_with_and_without_its_length(client):
    def chunks():
        for _ in range(20):
            yield b" " * 10_000

    is_problem(client.post("/predict", content=b" " * 100_001, headers=JSON), 413)
    is_problem(client.post("/predict", content=chunks(), headers=JSON), 413)


def test_paths_and_methods_are_refused_as_http_says(client):
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


def test_a_sane_request_id_comes_back_and_another_is_replaced(client, row):
    def answered(told):
        reply = client.post("/predict", json={"rows": [row]}, headers={"X-Request-ID": told})
        assert reply.json()["request_id"] == reply.headers["x-request-id"]
        return reply.headers["x-request-id"]

    assert answered("order-17/a") == "order-17/a"
    for told in ["", "a b", "x" * 129, "caf\xe9".encode("latin-1")]:
        assert len(answered(told)) == 32
    assert client.get("/nowhere", headers={"X-Request-ID": "mine"}).json()["request_id"] == "mine"


def test_version_says_what_answers_and_what_it_was_made_of(client, bundle):
    told = client.get("/version").json()

    manifest = bundle.manifest
    assert told["digest"] == manifest.digest
    assert (told["model"], told["version"], told["until"]) == ("houses", bundle.version, "2024-06-30")
    assert (told["runtime"], told["task"], told["reason"]) == ("onnx", "binary", manifest.reason)
    assert told["made_of"] == manifest.made_of


def test_the_api_is_documented_from_the_contract(client, bundle, row):
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
    assert {"/predict", "/version", "/health/live", "/health/ready"} == set(document["paths"])


def test_the_documentation_page_needs_no_other_host(client):
    page = client.get("/docs").text

    assert "//" not in page.replace("// ", "")
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"docs/files/{name}" in page
        assert client.get(f"/docs/files/{name}").status_code == 200
    assert client.get("/", follow_redirects=False).status_code == 307


def test_features_that_fail_are_a_500_that_tells_only_the_log(project, caplog):
    project.replace(
        "src/houses/features.py", "dict(columns)", "dict(columns) if 13 not in columns['rooms'] else secret()"
    )
    project.run("ingest", "validate", "split", "train", "package")
    client = TestClient(create_app(project.bundle, Settings()))
    row = Bundle.load(project.bundle).contract.sample_row()

    with caplog.at_level(logging.ERROR):
        reply = client.post("/predict", json={"rows": [row | {"rooms": 13}]}, headers={"X-Request-ID": "r-13"})

    is_problem(reply, 500)
    assert "secret" not in reply.text
    assert "r-13" in caplog.text
    assert "features.py:7: NameError" in caplog.text
    assert client.post("/predict", json={"rows": [row]}).status_code == 200


def test_a_model_that_answers_with_no_number_is_a_500(client, row, monkeypatch):
    monkeypatch.setattr(Bundle, "scores", lambda bundle, columns: np.array([[0.5, np.nan]]))

    is_problem(client.post("/predict", json={"rows": [row]}), 500)


def test_a_model_on_scikit_learn_is_answered_off_the_event_loop(project, monkeypatch):
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "package:\n  runtime: sklearn\n")
    project.run("ingest", "validate", "split", "train", "package")
    threads = []
    in_a_thread = service.run_in_threadpool
    monkeypatch.setattr(service, "run_in_threadpool", lambda *asked: threads.append(asked) or in_a_thread(*asked))
    client = TestClient(create_app(project.bundle, Settings()))
    examples = Bundle.load(project.bundle).examples()

    answer = client.post("/predict", json={"rows": examples["rows"]}).json()

    assert answer["probabilities"] == pytest.approx(examples["probabilities"], abs=1e-12)
    assert client.get("/version").json()["runtime"] == "sklearn"
    assert len(threads) == 1
