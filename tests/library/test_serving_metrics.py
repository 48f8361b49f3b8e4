"""GET /metrics: what the service counted, in the format that Prometheus reads, with as many series as were planned."""

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import UserError
from cd4ml.serving.app import create_app
from cd4ml.serving.client import call
from cd4ml.serving.counts import Counts, Share
from cd4ml.serving.metrics import CountRequests
from cd4ml.serving.service_settings import ServiceSettings
from fastapi import APIRouter
from house_project import Project
from prometheus_client.parser import text_string_to_metric_families
from running_service import serving
from starlette.testclient import TestClient

KEY = "first-key-of-the-service"
MORE_COLUMNS = """\
  grade: {type: category, values: [a, b], unknown: allow}
  town: {type: category}
  agent: {type: category}
  income: {type: number, sensitive: true}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with columns of each kind that is counted in another way, and their bundle."""
    project = Project(tmp_path_factory.mktemp("metrics"))
    project.replace(
        "contract.yaml", "{type: category, nullable: true}", "{type: category, nullable: true, sensitive: true}"
    )
    project.write("contract.yaml", (project.folder / "contract.yaml").read_text(encoding="utf-8") + MORE_COLUMNS)
    table, rng = project.table, np.random.default_rng(0)
    project.table = table.assign(
        grade=rng.choice(["a", "b", "c"], len(table)),
        town=[f"town {number % 60}" for number in range(len(table))],
        agent=rng.choice(["Ana", "(other)", 'Bo "B" \\ Lee'], len(table)),
        income=rng.normal(50, 9, len(table)),
    )
    project.run("ingest", "validate", "split", "train", "package")
    return project


@pytest.fixture
def client(project):
    with TestClient(create_app(project.bundle, ServiceSettings()), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def row(project):
    return Bundle.load(project.bundle).contract.sample_row() | {"grade": "a", "town": "town 1", "agent": "Ana"}


def _order(label):
    return label == "le", label


def read(client, **headers):
    """Return the value of each series: by name alone, or by name and the labels' values, by label, `le` last."""
    reply = client.get("/metrics", headers=headers)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    series = {}
    for family in text_string_to_metric_families(reply.text):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *(sample.labels[label] for label in sorted(sample.labels, key=_order)))
            assert key not in series
            series[key] = sample.value
    return {key if len(key) > 1 else key[0]: value for key, value in series.items()}


def bins_of(series, name, *labels):
    """Return the rows in each bin of a histogram, by where the bin ends."""
    bins, before = {}, 0
    for key, value in series.items():
        if key[0] == f"{name}_bucket" and key[1:-1] == labels:
            bins[float(key[-1])], before = value - before, value
    assert list(bins) == sorted(bins)
    assert before == series[(f"{name}_count", *labels) if labels else f"{name}_count"]
    return bins


def test_requests_are_counted_by_route_and_status(client, row):
    for path in ("/nowhere", "/nowhere/else", "/predict/", "/" + "x" * 500):
        assert client.get(path).status_code == 404
    client.post("/predict", json={"rows": [row]})
    client.post("/predict", json={"rows": [row | {"rooms": "many"}]})
    client.get("/predict")
    client.get("/version")

    series = read(client)

    assert {key[1:]: value for key, value in series.items() if key[0] == "http_requests_total"} == {
        ("(other)", "404"): 4, ("/predict", "200"): 1, ("/predict", "422"): 1, ("/predict", "405"): 1,
        ("/version", "200"): 1,
    }  # fmt: skip
    seconds = series["http_request_duration_seconds_sum", "/predict"]
    assert sum(bins_of(series, "http_request_duration_seconds", "/predict").values()) == 3
    assert 0 < seconds < 30
    assert read(client)["http_requests_total", "/metrics", "200"] == 1


def test_routes_that_are_added_are_counted_by_their_template(project):
    app = create_app(project.bundle, ServiceSettings(root_path="/models/houses"))
    router = APIRouter(prefix="/streets")
    router.get("/{name}")(lambda name: name)
    app.include_router(router, prefix="/towns/{town}")
    app.get("/fails")(lambda: 1 / 0)
    app.mount("/maps/{kind}", create_app(project.bundle, ServiceSettings()))
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in (
            "/towns/1/streets/a",
            "/models/houses/towns/2/streets/b",
            "/fails",
            "/maps/1/version",
            "/maps/2/no",
        ):
            client.get(path)
        series = read(client)

    assert {key[1:]: value for key, value in series.items() if key[0] == "http_requests_total"} == {
        ("/towns/{town}/streets/{name}", "200"): 2, ("/fails", "500"): 1,
        ("/maps/{kind}/{path}", "200"): 1, ("/maps/{kind}/{path}", "404"): 1,
    }  # fmt: skip


def test_rows_and_predictions_are_counted(client, project, row):
    examples = Bundle.load(project.bundle).examples()
    answer = client.post("/predict", json={"rows": examples["rows"]}).json()
    client.post("/predict", json={"rows": [row] * 3})
    client.post("/predict", json={"rows": [row, {}]})

    series = read(client)

    assert series["model_rows_total"] == len(examples["rows"]) + 3
    trues, falses = (series["model_predictions_total", name] for name in ("true", "false"))
    assert trues + falses == series["model_rows_total"]
    assert trues - answer["predictions"].count(True) in (0, 3)
    assert sum(bins_of(series, "model_probability").values()) == series["model_rows_total"]


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_classes_and_numbers_are_counted(tiny_bundles, task):
    bundle = Bundle.load(tiny_bundles[task])
    examples = bundle.examples()
    with TestClient(create_app(tiny_bundles[task], ServiceSettings())) as client:
        answer = client.post("/predict", json={"rows": examples["rows"]}).json()["predictions"]
        series = read(client)

    if task == "multiclass":
        counted = {key[1]: value for key, value in series.items() if key[0] == "model_predictions_total"}
        assert counted == {name: answer.count(name) for name in bundle.decision.classes}
        return
    target = bundle.training_profile()["target"]
    bins = bins_of(series, "model_prediction")
    assert len(bins) == 12
    assert [*bins][5] == pytest.approx(target["mean"])
    assert np.histogram(answer, [-np.inf, *bins])[0].tolist() == [*bins.values()]
    assert series["model_prediction_sum"] == pytest.approx(sum(answer))


def test_nulls_unknown_categories_and_values_are_counted_by_column(client, row):
    others = [
        row | {"grade": "c", "town": "Rome", "agent": "(other)", "size": 0, "heated": True, "street": "Mill Lane"},
        row
        | {"grade": "d", "town": "town 59", "agent": 'Bo "B" \\ Lee', "size": 500, "heated": False, "street": "Rome"},
        row | {"grade": "d", "agent": "Eve", "heated": None, "street": None, "built": None},
    ]
    assert client.post("/predict", json={"rows": others}).status_code == 200

    series = read(client)

    nulls = {key[1]: value for key, value in series.items() if key[0] == "model_column_nulls_total"}
    assert {name for name, count in nulls.items() if count} == {"heated", "street", "built"}
    assert {*nulls.values()} == {0, 1}
    unknown = {key[1]: value for key, value in series.items() if key[0] == "model_column_unknown_total"}
    assert unknown == {"district": 0, "grade": 2, "agent": 1, "street": 1}  # the profile has 50 of the 60 towns
    values = {key[1:]: value for key, value in series.items() if key[0] == "model_column_values_total"}
    of = {name: {key[1]: value for key, value in values.items() if key[0] == name} for name, _ in values}
    assert of["heated"] == {"false": 1, "true": 1}
    assert {name: of["grade"][name] for name in ("a", "c", "(other)")} == {"a": 0, "c": 1, "(other)": 2}
    assert of["agent"] == {'Bo "B" \\ Lee': 1, "Ana": 0, "(other)": 2}
    assert len(of["town"]) == 21


def test_numbers_are_counted_in_tenths_of_the_training_set(client, project, row):
    quantiles = Bundle.load(project.bundle).training_profile()["columns"]["size"]["quantiles"]
    sizes = [*quantiles, 0, 500]
    client.post("/predict", json={"rows": [row | {"size": size} for size in sizes]})

    series = read(client)

    bins = bins_of(series, "model_column_number", "size")
    assert bins == dict.fromkeys(quantiles, 1) | {quantiles[0]: 2, np.inf: 1}
    assert series["model_column_number_sum", "size"] == pytest.approx(sum(sizes))


def test_of_a_sensitive_column_only_nulls_and_unknown_values_are_counted(client, row):
    client.post("/predict", json={"rows": [row | {"street": "Mill Lane", "income": 47.5}]})

    series = read(client)

    names = {key[0] for key in series if {"street", "income"} & {*key[1:]}}
    assert names == {"model_column_nulls_total", "model_column_unknown_total"}
    assert "Mill Lane" not in client.get("/metrics").text


def test_no_request_adds_a_series_to_those_that_were_planned(client, row):
    client.post("/predict", json={"rows": [row]})
    client.get("/nowhere")
    read(client)
    before = read(client).keys()

    for number in range(100):
        client.get(f"/nowhere/{number}")
        changes = {"grade": f"g{number}", "town": f"t{number}", "agent": f"a{number}", "street": f"s{number}"}
        client.post("/predict", json={"rows": [row | changes | {"size": number}]})

    assert read(client).keys() == before


def test_all_requests_are_counted_however_many_there_are(client, row):
    for _ in range(600):
        client.post("/predict", json={"rows": [row]})
    client.post("/predict", json={"rows": [row] * 1000})

    series = read(client)

    assert series["model_rows_total"] == 1600
    assert series["http_requests_total", "/predict", "200"] == 601


def test_what_was_answered_is_counted_within_a_second_without_being_read(client, row):
    client.post("/predict", json={"rows": [row]})
    counts = client.app.metrics.counts

    deadline = time.monotonic() + 20
    while counts.total("rows")[0] == 0 and time.monotonic() < deadline:
        client.portal.call(asyncio.sleep, 0.1)
    assert counts.total("rows")[0] == 1


def test_the_model_is_named_with_its_lineage(client, project):
    bundle = Bundle.load(project.bundle)

    labels = {
        "commit": "",
        "digest": bundle.manifest.digest,
        "model": "houses",
        "runtime": "onnx",
        "version": bundle.version,
    }
    assert read(client)["model_info", *labels.values()] == 1


def test_the_process_is_measured(client):
    series = read(client)

    assert series["process_resident_memory_bytes"] > 10_000_000
    assert series["process_start_time_seconds"] < time.time()


def test_a_key_is_required_unless_the_setting_makes_it_public(project):
    settings = ServiceSettings.read([], {"SERVICE_API_KEYS": KEY})
    with TestClient(create_app(project.bundle, settings)) as client:
        assert client.get("/metrics").status_code == 401
        assert read(client, authorization=f"Bearer {KEY}")["http_requests_total", "/metrics", "401"] == 1
        assert client.get("/openapi.json").json()["paths"]["/metrics"]["get"]["security"] == [{"key": []}]

    public = ServiceSettings.read([], {"SERVICE_API_KEYS": KEY, "METRICS_PUBLIC": "yes"})
    with TestClient(create_app(project.bundle, public)) as client:
        assert read(client)["model_rows_total"] == 0
        assert client.post("/metrics").status_code == 401
        assert client.post("/predict", json={}).status_code == 401
        assert client.get("/openapi.json").json()["paths"]["/metrics"]["get"]["security"] == []


def test_a_setting_that_is_neither_yes_nor_no_is_an_error():
    with pytest.raises(UserError, match='METRICS_PUBLIC is "true"; write yes or no'):
        ServiceSettings.read([], {"METRICS_PUBLIC": "true"})


def test_a_client_that_disconnects_and_an_application_that_fails_are_counted():
    noted = []

    class Notes:
        add = staticmethod(noted.append)

    async def disconnected(scope, receive, send):
        return

    async def fails(scope, receive, send):
        await send({"type": "http.response.start", "status": 599})
        raise RuntimeError

    async def send(message):
        return

    asyncio.run(CountRequests(disconnected, Notes, lambda scope: 3)({"type": "http"}, None, send))
    with pytest.raises(RuntimeError):
        asyncio.run(CountRequests(fails, Notes, lambda scope: 3)({"type": "http"}, None, send))

    assert [(path, status, answer) for path, status, _, answer in noted] == [(3, None, None), (3, 599, None)]


def test_processes_count_together_and_one_that_is_replaced_goes_on(tmp_path):
    shapes = {"rows": (2,), "none": (0,)}
    with (tmp_path / "counts").open("w+b") as file:
        for process in (0, 1, 2, 1):
            counts = Counts(shapes, Share(file.fileno(), 3, process))
            counts.own("rows")[:] += [1, process]

    assert counts.total("rows").tolist() == [4, 4]
    assert counts.total("none").shape == (0,)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's package prometheus) is not installed")
def test_promtool_finds_no_fault(client, row):
    client.post("/predict", json={"rows": [row]})

    text = client.get("/metrics").text

    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_large_values_do_not_wait_in_memory_until_they_are_counted(project, row):
    body = {"rows": [row | {"street": "x" * 1_000_000}]}
    with serving(project.bundle) as (process, url):
        before = highest_memory(process.pid)
        for _ in range(100):
            assert call(url, "/predict", body).status == 200
        after = highest_memory(process.pid)

    assert after - before < 30  # of 100


def highest_memory(process):
    """Return the most memory that a process had so far, in megabytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1000
