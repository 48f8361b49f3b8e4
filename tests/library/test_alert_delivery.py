"""From a service that breaks, or a gauge that says page, to a webhook: real Prometheus, Alertmanager, Pushgateway."""

import re
import subprocess
from contextlib import ExitStack
from pathlib import Path

import monitoring_stack as stack
import pytest
import yaml
from test_serving_process import serving

KEY = "key-for-prometheus-alone"


@pytest.fixture
def started(need, tmp_path, tiny_bundle):
    """The whole stack around a service that wants a key: `(service, its URL, received alerts, Pushgateway)`."""
    need("prometheus", stack.installed(), "Prometheus, Alertmanager or Pushgateway is not installed")
    (tmp_path / "key").write_text(f"{KEY}\n")  # as `make up` writes it
    with ExitStack() as running:
        service, url = running.enter_context(serving(tiny_bundle, SERVICE_API_KEYS=KEY))
        receiver, received = running.enter_context(stack.webhook())
        alertmanager = running.enter_context(stack.alertmanager(tmp_path, receiver))
        gateway = running.enter_context(stack.pushgateway(tmp_path))
        prometheus = running.enter_context(
            stack.prometheus(tmp_path, {"model": url}, gateway, alertmanager, tmp_path / "key")
        )
        stack.wait_for(lambda: stack.query(prometheus, "model_info"), (tmp_path / "prometheus.log").read_text)
        yield service, url, received, gateway


def alert(received, name, status="firing"):
    """Return the receiver and the alert of a name, once it has come."""

    def found():
        return [each for each in received if each[1]["labels"]["alertname"] == name and each[1]["status"] == status]

    return stack.wait_for(found, lambda: received)[0]


def test_a_service_that_breaks_and_a_gauge_that_says_page_reach_a_webhook(started):
    service, url, received, gateway = started
    assert received == []

    stack.push(gateway, 'monitor_check_level{check="loss"} 3\nmonitor_check_level{check="predictions"} 2\n')
    receiver, page = alert(received, "MonitoringPages")
    assert (receiver, page["labels"]["check"], page["labels"]["model"]) == ("page", "loss", "houses")
    assert page["annotations"] == {
        "summary": "Monitoring of houses found what somebody must act on: loss. The report says what changed.",
        "runbook": "Monitoring alarms",
    }
    assert alert(received, "MonitoringWarns")[0] == "warn"
    stack.push(gateway, 'monitor_check_level{check="loss"} 0\n')
    alert(received, "MonitoringPages", "resolved")

    service.kill()
    receiver, page = alert(received, "ServiceDown")
    assert receiver == "page"
    assert page["annotations"]["summary"].startswith(f"{url.removeprefix('http://')} does not let Prometheus read")
    assert page["annotations"]["runbook"] == "The service answers 503"


def test_without_a_key_prometheus_reads_nothing_and_says_so(need, tmp_path, tiny_bundle):
    need("prometheus", stack.installed(), "Prometheus, Alertmanager or Pushgateway is not installed")
    with (
        serving(tiny_bundle, SERVICE_API_KEYS=KEY) as (_, url),
        stack.prometheus(tmp_path, {"model": url}) as prometheus,
    ):
        firing = 'ALERTS{alertname="ServiceDown", alertstate="firing"}'
        stack.wait_for(lambda: stack.query(prometheus, firing), (tmp_path / "prometheus.log").read_text)
        assert stack.query(prometheus, "model_info") == []


def test_alertmanager_accepts_the_receivers_that_the_page_shows(need, tmp_path):
    need("prometheus", stack.installed(), "Prometheus, Alertmanager or Pushgateway is not installed")
    page = (stack.OPS.parent / "docs/alerts.md").read_text()
    (shown,) = re.findall(r"```yaml\n(receivers:.*?)```", page, re.DOTALL)
    receivers = yaml.safe_load(shown)["receivers"]
    teams = receivers[2].pop("msteamsv2_configs")  # newer than Debian's Alertmanager
    assert teams[0].keys() == {"webhook_url"}
    content = yaml.safe_load((stack.OPS / "alertmanager/alertmanager.yml").read_text())
    assert [each["name"] for each in receivers] == [each["name"] for each in content["receivers"]]
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(content | {"receivers": receivers}))

    done = subprocess.run(["amtool", "check-config", tmp_path / "alertmanager.yml"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_its_configuration(need, tmp_path):
    need("prometheus", stack.installed(), "Prometheus, Alertmanager or Pushgateway is not installed")
    done = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", stack.OPS / "prometheus/prometheus.yml"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(stack.OPS / "prometheus/rules").is_dir()
