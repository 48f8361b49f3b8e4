"""Prometheus, Alertmanager and Pushgateway as processes, with the library's own files; only addresses differ."""

import json
import os
import shutil
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.waiting import wait_for

OPS = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/cd4ml/ops"
PROGRAMS = ("prometheus", "prometheus-alertmanager", "prometheus-pushgateway")


def installed() -> bool:
    return all(map(shutil.which, PROGRAMS))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[object], folder: Path, port: int) -> Iterator[str]:
    """Run a program until the block ends; yield its address once it is ready."""
    url, log = f"http://127.0.0.1:{port}", folder / f"{command[0]}.log"
    with log.open("w") as output:
        process = subprocess.Popen([*map(str, command)], cwd=folder, stdout=output, stderr=output, env=dict(os.environ))
    try:
        wait_for(lambda: process.poll() is not None or _is_ready(url), log.read_text)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def prometheus(
    folder: Path, services: dict[str, str], pushgateway: str = "", alertmanager: str = "", key: Path | None = None
) -> Iterator[str]:
    """Run Prometheus with the library's configuration and rules, which wait for nothing; it looks every second.

    Args:
        folder: for its files.
        services: address by job.
        pushgateway: its address.
        alertmanager: its address.
        key: the file with the key of the services, if they want one.
    """
    content = yaml.safe_load((OPS / "prometheus/prometheus.yml").read_text())
    content["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    content["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [_host(alertmanager)]
    model, monitoring = content["scrape_configs"]
    monitoring["static_configs"][0]["targets"] = [_host(pushgateway)]
    jobs = [{**model, "job_name": job, "static_configs": [{"targets": [_host(url)]}]} for job, url in services.items()]
    for each in jobs:
        each["authorization"] = {"credentials_file": str(key)}
        if key is None:
            del each["authorization"]
    content["scrape_configs"] = [*jobs, monitoring]
    (folder / "rules").mkdir()
    for path in (OPS / "prometheus/rules").iterdir():
        rules = yaml.safe_load(path.read_text())
        for rule in rules["groups"][0]["rules"]:
            rule.pop("for", None)
        (folder / "rules" / path.name).write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(content))
    port = free_port()
    options = [f"--web.listen-address=127.0.0.1:{port}", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with running(["prometheus", *options], folder, port) as url:
        yield url


@contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """Run Alertmanager with the library's routes; each receiver has a webhook at its own path, and nothing waits."""
    content = yaml.safe_load((OPS / "alertmanager/alertmanager.yml").read_text())
    content["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    for receiver in content["receivers"]:
        receiver["webhook_configs"] = [{"url": f"{webhook}/{receiver['name']}"}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(content))
    port = free_port()
    options = ["--config.file=alertmanager.yml", "--cluster.listen-address=", "--storage.path=alerts"]
    command = ["prometheus-alertmanager", f"--web.listen-address=127.0.0.1:{port}", *options]
    with running(command, folder, port) as url:
        yield url


@contextmanager
def pushgateway(folder: Path) -> Iterator[str]:
    """Run a Pushgateway, in memory: Debian's keeps what was pushed in one file of the machine, for the next one."""
    port = free_port()
    command = ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}", "--persistence.file="]
    with running(command, folder, port) as url:
        yield url


def push(gateway: str, text: str) -> None:
    """Push gauges as `cd4ml monitor` does: they replace those of the last time."""
    url = f"{gateway}/metrics/job/cd4ml-monitor/model/houses"
    request = urllib.request.Request(url, text.encode(), method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def query(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """Return the series of a query's answer, now."""
    body = urllib.parse.urlencode({"query": expression}).encode()
    with urllib.request.urlopen(f"{prometheus}/api/v1/query", body, timeout=30) as answer:
        return json.loads(answer.read())["data"]["result"]  # type: ignore[no-any-return]


@contextmanager
def webhook() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """Receive what Alertmanager sends; yield the address, and the list of receiver and alert."""
    received: list[tuple[str, dict[str, Any]]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.extend((self.path.strip("/"), alert) for alert in content["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def _host(url: str) -> str:
    return url.removeprefix("http://") or "127.0.0.1:9"
