"""Several processes serve from one socket: they share the work, are replaced, and stop together."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.client import call
from logged_service import logged_service, records, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's list of child processes")
COMMAND = [sys.executable, "-m", "cd4ml", "serve", "--port", "0"]
KEY = "a-key-that-is-long-enough"


@pytest.fixture
def start(tiny_bundle, tmp_path):
    """`start(workers, bundle, **environment)`: a service with so many workers, as a context."""

    def service(workers, bundle=tiny_bundle, **environment):
        return logged_service(bundle, tmp_path, WORKERS=workers, **environment)

    return service


def children(process):
    with suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def session(process):
    """Return the processes of a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
            found += [int(stat.parent.name)] if int(of) == process and state != "Z" else []
    return found


def alive(process):
    with suppress(FileNotFoundError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def sockets(process):
    return sum("socket:" in str(link.readlink()) for link in Path(f"/proc/{process}/fd").iterdir())


def metrics(service):
    connection = service.connect()
    connection.request("GET", "/metrics")
    return connection.getresponse().read().decode()


def counted(service):
    """Return how many requests to /predict the metrics count."""
    lines = re.findall(r'^http_requests_total{path="/predict".*} (\S+)$', metrics(service), re.M)
    return sum(map(float, lines))


def test_workers_share_the_connections_and_each_reports_the_sum(start):
    with start(2) as service:
        first, second = children(service.process.pid)
        before = sockets(first), sockets(second)
        connections = [service.connect() for _ in range(40)]
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda connection: service.ask(connection=connection), connections))

        assert len({answer["request_id"] for answer in answers}) == 40
        assert sockets(first) > before[0]
        assert sockets(second) > before[1]
        wait_until(lambda: [counted(service) for _ in range(10)] == [40] * 10)
        assert service.stop() == 0


def test_a_worker_that_is_killed_is_replaced_with_one_line_and_its_counts_are_kept(start):
    with start(2) as service:
        for _ in range(20):
            service.ask()
        wait_until(lambda: counted(service) == 20)
        lost, kept = children(service.process.pid)
        os.kill(lost, signal.SIGKILL)

        wait_until(lambda: len(set(children(service.process.pid)) - {lost}) == 2)
        assert kept in children(service.process.pid)
        assert service.ask()
        wait_until(lambda: [counted(service) for _ in range(10)] == [21] * 10)
        assert service.stop() == 0
    (line,) = service.errors().splitlines()
    assert json.loads(line)["severity"] == "ERROR"
    assert f"worker 0 (process {lost}) was ended by signal 9; another takes its place" in line


def test_workers_that_end_again_and_again_end_the_service_with_one_line(start):
    with start(2) as service:
        _, kept = children(service.process.pid)
        end = time.monotonic() + 60
        while service.process.poll() is None and time.monotonic() < end:
            for child in set(children(service.process.pid)) - {kept}:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            time.sleep(0.02)

        assert service.process.wait(timeout=30) == 1
        assert not alive(kept)
    *replaced, last = service.errors().splitlines()
    assert ["another takes its place" in line for line in replaced] == [True] * 3
    assert last.startswith("serve: worker 0 was ended by signal 9, the last of 4 one after the other within 10 s")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_workers_stop_with_the_service(start, number):
    with start(3) as service:
        workers = children(service.process.pid)
        assert len(workers) == 3
        assert service.stop(number) == 0
        assert not any(map(alive, workers))
    assert service.errors() == ""


@pytest.mark.parametrize(
    ("number", "seconds"),
    [(signal.SIGTERM, 0.05), (signal.SIGTERM, 0.2), (signal.SIGTERM, 0.5), (signal.SIGTERM, 1.0), (signal.SIGINT, 0.3)],
)
def test_a_stop_right_after_the_start_is_clean(tiny_bundle, number, seconds):
    environment = os.environ | {"MODEL_BUNDLE": str(tiny_bundle)}
    command = [*COMMAND, "--workers", "2"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(seconds)
    if number == signal.SIGINT:  # before Python has begun, Ctrl-C is not the service's
        wait_until(lambda: children(process.pid))
    os.killpg(process.pid, number)  # as a terminal does

    output, error = process.communicate(timeout=60)

    assert error == ""
    assert output == "" or output.startswith("serving ")
    assert process.returncode in (0, -signal.SIGTERM)
    assert session(process.pid) == []


def test_workers_stop_gracefully_when_the_supervisor_is_killed(start, tmp_path):
    with start(2, PREDICTION_LOG=tmp_path / "log", PREDICTION_LOG_INTERVAL=3600) as service:
        workers = children(service.process.pid)
        ids = {service.ask()["request_id"] for _ in range(20)}
        service.process.kill()

        wait_until(lambda: not any(map(alive, workers)))
    assert {record["request_id"] for record in records(tmp_path / "log")} == ids


def test_nothing_that_was_acknowledged_is_lost_when_the_service_stops_under_load(start, tmp_path):
    log = tmp_path / "log"
    with start(2, PREDICTION_LOG=log, PREDICTION_LOG_INTERVAL=1) as service, service.load(8) as acknowledged:
        wait_until(lambda: len(acknowledged) > 200)
        assert service.stop() == 0

    logged = [record["request_id"] for record in records(log)]
    assert set(acknowledged) <= set(logged)
    assert len(logged) == len(set(logged))


def test_workers_have_the_keys_as_digests_only(start):
    with start(2, SERVICE_API_KEYS=KEY) as service:
        url = f"http://127.0.0.1:{service.port}"
        row, key = {"rows": [service.row]}, {"Authorization": f"Bearer {KEY}"}
        assert {call(url, "/predict", row).status for _ in range(20)} == {401}
        assert {call(url, "/predict", row, headers=key).status for _ in range(20)} == {200}

        for worker in children(service.process.pid):
            assert KEY.encode() not in Path(f"/proc/{worker}/environ").read_bytes()
        assert service.stop() == 0


def test_a_worker_never_serves_another_bundle_than_the_others(start, tiny_bundles, tmp_path):
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundles["binary"], bundle)
    versions = [Bundle.load(tiny_bundles[task]).version for task in ("binary", "regression")]
    with start(2, bundle) as service:
        shutil.rmtree(bundle)
        shutil.copytree(tiny_bundles["regression"], bundle)
        os.kill(children(service.process.pid)[1], signal.SIGKILL)

        assert service.process.wait(timeout=60) == 1
    last = service.errors().splitlines()[-1]
    assert re.search(f"has changed while .*{versions[0]} was served: .*{versions[1]}; start the service again", last)


def test_scikit_learn_answers_in_every_worker(start, tiny_projects, tmp_path):
    project = tiny_projects["binary"].copy_to(tmp_path / "copy")
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "package:\n  runtime: sklearn\n")
    project.run("package")

    with start(2, project.bundle) as service:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: service.ask()["predictions"], range(50)))
        assert answers == [answers[0]] * 50
        assert service.stop() == 0


def test_one_process_has_no_supervisor(start):
    with start(1) as service:
        assert children(service.process.pid) == []
        assert "process_cpu_seconds_total" in metrics(service)
    with start(2) as service:
        assert "process_cpu_seconds_total" not in metrics(service)


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--workers", "none"], {}, '--workers is "none"; write a whole number from 1 to 256'),
        ([], {"WORKERS": "0"}, 'WORKERS is "0"; write a whole number from 1 to 256'),
        (["--workers", "2"], {"MODEL_BUNDLE": "nowhere"}, "no bundle in nowhere"),
        (["--workers", "2"], {"PREDICTION_LOG": "/proc/log"}, "PREDICTION_LOG is /proc/log, which cannot be written"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_1(tiny_bundle, arguments, environment, message):
    variables = os.environ | {"MODEL_BUNDLE": str(tiny_bundle)} | environment

    done = subprocess.run([*COMMAND, *arguments], env=variables, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert message in done.stderr
