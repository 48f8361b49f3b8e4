"""What `cd4ml monitor` makes of monitoring.json for terminals, workflows, Prometheus and MLflow."""

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from house_project import Project
from prometheus_client.parser import text_string_to_metric_families
from served_log import LAST
from watched_project import let_it_answer, monitor, output


def no_heating(columns):
    columns["heated"] = np.full(len(columns["heated"]), np.nan, dtype=np.float32)
    columns["size"] = np.full(len(columns["size"]), 290, dtype=np.float32)


@pytest.fixture(scope="module")
def watched(projects_with_reports: dict[str, Project], tmp_path_factory) -> dict[str, Project]:
    """A calm project, and one whose newest week of requests was damaged."""
    copies = {}
    for name, damage in (("calm", None), ("damaged", no_heating)):
        copies[name] = projects_with_reports["binary"].copy_to(tmp_path_factory.mktemp(name) / "project")
        let_it_answer(copies[name], damage)
    return copies


@pytest.fixture
def calm(watched: dict[str, Project], tmp_path: Path) -> Project:
    return watched["calm"].copy_to(tmp_path / "calm")


@pytest.fixture
def damaged(watched: dict[str, Project], tmp_path: Path) -> Project:
    return watched["damaged"].copy_to(tmp_path / "damaged")


@contextmanager
def gateway(status: int = 200) -> Iterator[tuple[str, list[tuple[str, str, str, bytes]]]]:
    """A receiver in place of a Pushgateway: its address, and method, path, authorization and body of each request."""
    received: list[tuple[str, str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.command, self.path, self.headers["Authorization"] or "", body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def gauges(text: str) -> dict[tuple[str, ...], float]:
    """Return each series: its name and its labels other than the model's, in the order of their names."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert {sample.labels.pop("model") for sample in samples} == {"houses"}
    return {(sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value for sample in samples}


def test_the_terminal_has_the_worst_first_and_the_next_command(damaged, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    document = monitor(damaged)

    lines = capsys.readouterr().out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("houses "))
    assert lines[first].startswith(f"houses {document['model']['version']}, {LAST}. Act now: heated lacks values")
    assert lines[first + 1] == "model got worse."
    levels = [line.split("  ")[1] for line in lines[first + 2 :] if line.startswith("  ") and line[2] != " "]
    assert levels == sorted(levels, key=["page", "warn", "not judged", "fine"].index)
    assert {"page", "fine"} <= set(levels)
    assert max(map(len, lines)) <= 80
    columns = {
        line.index(next(filter(None, line.split("  ")[3:])).strip()) for line in lines if line.startswith("  page")
    }
    assert len(columns) == 1  # the sentences begin below each other
    assert lines[-1] == "next: open build/monitoring/report.html"


def test_only_with_check_a_page_is_an_error(calm, damaged, capsys):
    monitor(calm, "--check")
    monitor(damaged)
    assert capsys.readouterr().err == ""

    monitor(damaged, "--check", code=1)

    out, err = capsys.readouterr()
    assert err == "monitor: 2 findings of level page, by which --check fails\n"
    assert "Act now" in out


def test_the_summary_has_the_same_sentences_and_no_row(damaged):
    document = monitor(damaged)

    text = output(damaged, "summary.md")
    plain = re.sub(r"\\(.)", r"\1", text)
    assert "**Act now: heated lacks values and the model got worse.**" in plain
    for finding in document["findings"]:
        assert f"| {finding['check']} | {finding['sentence']} | {finding['advice']} |" in plain
    order = [
        line.split("|")[1].strip()
        for line in text.splitlines()
        if line.startswith(("| act", "| look", "| not", "| fine"))
    ]
    assert order == sorted(order, key=["act now", "look", "not judged", "fine"].index)
    assert "new-" not in text  # an id of the source


def test_examples_of_the_source_s_values_are_in_no_output(calm):
    table = calm.table
    calm.table = table.assign(district=table["district"].where(table["sold_on"] < "2024-07-29", "a secret place"))

    document = monitor(calm)

    assert document["findings"][0]["check"] == "schema"
    for name in ("monitoring.json", "report.html", "summary.md", "monitoring.prom"):
        assert "a secret place" not in output(calm, name)


def test_the_gauges_are_the_document_s_figures(damaged):
    document = monitor(damaged)

    found = gauges(output(damaged, "monitoring.prom"))
    newest = document["periods"][-1]
    assert found["monitor_level",] == 3
    assert (found["monitor_check_level", "nulls"], found["monitor_check_level", "schema"]) == (3, 0)
    assert found["monitor_metric", "roc_auc"] == newest["performance"]["metrics"]["roc_auc"]
    assert found["monitor_metric_low", "roc_auc"] == newest["performance"]["interval"]["low"]
    assert found["monitor_metric_high", "roc_auc"] == newest["performance"]["interval"]["high"]
    assert found["monitor_metric_on_test_set", "roc_auc"] == document["metric"]["on_test_set"]
    assert found["monitor_loss",] > found["monitor_loss_limit",] == 0.02
    assert (found["monitor_rows",], found["monitor_labelled_share",], found["monitor_label_delay_days",]) == (420, 1, 1)
    assert found["monitor_prediction_index",] == document["predictions"]["index"]
    assert found["monitor_column_nulls_share", "heated"] == 1
    assert found["monitor_column_outside_share", "size"] == 0
    index = next(column for column in document["columns"] if column["name"] == "size")["index_season"]
    assert found["monitor_column_index", "season", "size"] == index > 1
    assert (found["monitor_log_age_days",], found["monitor_model_age_days",]) == (1, 36)
    assert found["monitor_until_seconds",] == np.datetime64("2024-08-05", "s").astype(int)


def test_what_is_not_known_has_no_series(calm):
    calm.replace("params.yaml", "model:", "monitor: {minimum_rows: 5000}\nmodel:")

    monitor(calm)

    found = gauges(output(calm, "monitoring.prom"))
    assert ("monitor_metric", "roc_auc") not in found
    assert ("monitor_loss",) not in found
    assert ("monitor_metric_on_test_set", "roc_auc") in found
    assert "nan" not in output(calm, "monitoring.prom").lower()


def test_the_gauges_are_pushed(damaged, capsys, monkeypatch):
    with gateway() as (address, received):
        monkeypatch.setenv("PUSHGATEWAY_URL", f"http://bot:ge%3Aheim@{address}/push/")
        monitor(damaged)

    ((method, path, authorization, body),) = received
    assert (method, path) == ("PUT", "/push/metrics/job/cd4ml-monitor/model/houses")
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"bot:ge:heim"
    assert body.decode() == output(damaged, "monitoring.prom")
    out, err = capsys.readouterr()
    assert f"gauges pushed to http://{address}/push" in out
    assert "heim" not in out + err


@pytest.mark.parametrize("url", ["pushgateway:9091", "ftp://there", "http://[", "http://host:port"])
def test_an_address_that_is_none_is_said_and_the_report_is_made(calm, capsys, monkeypatch, url):
    monkeypatch.setenv("PUSHGATEWAY_URL", url)

    monitor(calm)

    error = "PUSHGATEWAY_URL is not an address; write one such as http://pushgateway:9091"
    assert capsys.readouterr().err == f"monitor: the gauges were not pushed: {error}\n"


def test_a_gateway_that_does_not_take_them_is_said_and_the_report_is_made(calm, capsys, monkeypatch):
    with gateway(status=503) as (address, received):
        monkeypatch.setenv("PUSHGATEWAY_URL", f"http://bot:geheim@{address}")
        monitor(calm)
    assert received
    assert capsys.readouterr().err.startswith(f"monitor: the gauges were not pushed: http://{address} returned 503")

    monitor(calm)  # nobody listens there any more
    error = capsys.readouterr().err
    assert error == f"monitor: the gauges were not pushed: http://{address}: Connection refused\n"


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """`runs()`: the runs of monitoring in an MLflow database, to which MLFLOW_TRACKING_URI points."""
    import mlflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(uri, uri)
    client.search_experiments()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    def search():
        experiment = client.get_experiment_by_name("houses")
        return client.search_runs([experiment.experiment_id], "tags.`monitoring.day` != ''")

    return search


def test_each_day_is_one_run_in_mlflow(damaged, runs, capsys):
    document = monitor(damaged)
    (run,) = runs()
    assert run.info.run_name == f"monitoring {LAST}"
    assert run.info.status == "FINISHED"
    assert run.data.tags["monitoring.version"] == document["model"]["version"]
    assert run.data.tags["monitoring.level"] == "page"
    newest = document["periods"][-1]["performance"]
    assert run.data.metrics["roc_auc"] == newest["metrics"]["roc_auc"]
    assert run.data.metrics["roc_auc_low"] == newest["interval"]["low"]
    assert (run.data.metrics["level"], run.data.metrics["rows"]) == (3, 420)
    assert run.data.metrics["prediction_index"] == document["predictions"]["index"]

    capsys.readouterr()
    monitor(damaged)
    assert len(runs()) == 1
    assert f"monitoring {LAST} is in MLflow already" in capsys.readouterr().out

    table = damaged.table
    damaged.table = table[table["sold_on"] < "2024-08-01"]  # outcomes that are taken back
    monitor(damaged)
    (again,) = runs()
    assert again.info.run_id == run.info.run_id
    assert again.data.metrics["labelled_share"] < 0.5

    monitor(damaged, "--until", "2024-08-03")
    assert len(runs()) == 2


def test_without_mlflow_nothing_is_published_and_the_report_is_made(calm, runs, capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://bot:geheim@127.0.0.1:9")

    monitor(calm)

    out, err = capsys.readouterr()
    assert err == "monitor: not in MLflow: no server answers at http://127.0.0.1:9: Connection refused\n"
    assert "next: open build/monitoring/report.html" in out
