"""The dashboard: each of its queries returns data from a real Prometheus, after traffic to real services."""

import json
import math
import re
from contextlib import ExitStack
from pathlib import Path

import monitoring_stack as stack
import pytest
import yaml
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.client import call
from test_serving_process import serving

DASHBOARD = json.loads((stack.OPS / "grafana/dashboards/model.json").read_text())
PROVISIONING = stack.OPS / "grafana/provisioning"
GAUGES = (Path(__file__).parent / "monitor_gauges.txt").read_text()
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


def ask(url, bundle):
    """Ask for predictions, one of which breaks the contract."""
    row = Bundle.load(bundle).contract.sample_row()
    for rows in ([row] * 20, [row | {"district": "moon"}], [row | {"heated": None}]):
        call(url, "/predict", {"rows": rows})


@pytest.fixture(scope="module")
def prometheus(need, tmp_path_factory, tiny_bundles):
    """A Prometheus that has watched two services with traffic, and has the gauges of monitoring."""
    need("prometheus", stack.installed(), "Prometheus, Alertmanager or Pushgateway is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as running:
        urls = {}
        for job, task in {"model": "binary", "model-prices": "regression"}.items():
            log = str(folder / f"log-{task}")
            _, urls[job] = running.enter_context(serving(tiny_bundles[task], PREDICTION_LOG=log))
        gateway = running.enter_context(stack.pushgateway(folder))
        url = running.enter_context(stack.prometheus(folder, urls, gateway))
        stack.push(gateway, GAUGES)
        for task, job in {"binary": "model", "regression": "model-prices"}.items():
            ask(urls[job], tiny_bundles[task])
        log = (folder / "prometheus.log").read_text
        stack.wait_for(lambda: len(stack.query(url, "model_rows_total > 0")) == 2, log)
        for task, job in {"binary": "model", "regression": "model-prices"}.items():
            ask(urls[job], tiny_bundles[task])
        stack.wait_for(lambda: len(stack.query(url, "increase(model_rows_total[5m]) > 0")) == 2, log)
        yield url


def values(prometheus, expression):
    """Return the finite values of a query, with all services chosen."""
    series = stack.query(prometheus, expression.replace("$job", "model.*"))
    return [value for each in series if math.isfinite(value := float(each["value"][1]))]


@pytest.mark.parametrize(
    ("title", "expression"), QUERIES, ids=[f"{title}-{number}" for number, (title, _) in enumerate(QUERIES)]
)
def test_every_query_returns_data(prometheus, title, expression):
    stack.wait_for(lambda: values(prometheus, expression), lambda: f"{title}: {expression} has no data", 30)


def test_a_query_without_data_is_noticed(prometheus):
    assert values(prometheus, 'sum(rate(model_row_total{job=~"$job"}[5m]))') == []


def test_annotations_can_be_asked_and_the_variable_has_the_services(prometheus):
    for annotation in DASHBOARD["annotations"]["list"]:
        stack.query(prometheus, annotation["expr"])
    (paging,) = (each for each in DASHBOARD["annotations"]["list"] if each["name"] == "Alerts")
    stack.wait_for(lambda: stack.query(prometheus, paging["expr"]), lambda: "no alert fires")
    (variable,) = DASHBOARD["templating"]["list"]
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
    assert {each["metric"][label] for each in stack.query(prometheus, metric)} == {"model", "model-prices"}


def test_the_dashboard_is_laid_out_and_names_the_provisioned_source():
    assert DASHBOARD["uid"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    (source,) = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())["datasources"]
    used = {panel["datasource"]["uid"] for panel in PANELS} | {
        target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]
    }
    assert used == {source["uid"]}
    assert source["type"] == "prometheus"
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/model.yml").read_text())["providers"]
    assert provider["type"] == "file"


def test_rows_of_the_dashboard_have_what_the_alerts_are_about():
    text = " ".join(expression for _, expression in QUERIES)
    for metric in (
        "http_requests_total", "http_request_duration_seconds_bucket", "http_connections_refused_total",
        "process_cpu_seconds_total", "process_resident_memory_bytes", "prediction_log_failures_total",
        "model_info", "model_predictions_total", "model_prediction_bucket", "monitor_metric", "monitor_check_level",
    ):  # fmt: skip
        assert metric in text
