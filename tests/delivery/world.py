"""A project on a GitHub of its own, with a registry, and with what its workflows ask of the world on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.delivery.github import GitHub, Run
from tests.project.baked import Project, environment, free_port
from tests.project.registry import wait_until_it_answers

HERE = Path(__file__).parent
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
INHERITED = ("DOCKER", "DOCKER_HOST", "MYPY_CACHE_DIR", "STANDIN_ENVIRONMENTS", *CERTIFICATES)


@contextmanager
def open_registry(folder: Path) -> Iterator[str]:
    """Run a registry that lets everybody in, until the block ends; yield its address."""
    address = f"127.0.0.1:{free_port()}"
    folder.mkdir(parents=True)
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "content")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("w") as log:
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        process = subprocess.Popen(command, env=environment(), stdout=log, stderr=log)
    try:
        wait_until_it_answers(address, process, folder / "log")
        yield address
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def no_known_vulnerability() -> Iterator[str]:
    """Answer as osv.dev does when it knows of nothing; yield the address. The real one is out of reach of a test."""

    class Osv(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps({"results": [{} for _ in asked["queries"]]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(**more: str) -> dict[str, str]:
    """What every step inherits of this machine: where the engine, the certificates and uv's downloads are."""
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    here = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return here | {"UV_CACHE_DIR": cache, "UV_NO_PROGRESS": "1", "STANDIN_UV": str(shutil.which("uv"))} | more


def shorten(project: Project, ci: bool = True) -> None:
    """Three months and a tenth of the trees: what is shown here is the delivery.

    Without `ci` no push is checked, which would be most of the time where that is not what is shown.
    """
    if not ci:
        (project.folder / ".github/workflows/ci.yml").unlink()
    project.replace("params.yaml", "2013-07-31", "2013-03-31")
    project.replace("params.yaml", "iterations: 100", "iterations: 10")
    project.replace("params.yaml", "bootstrap_rounds: 1000", "bootstrap_rounds: 100")
    for path in (project.folder / "data/source").glob("*.parquet"):
        if not path.name.startswith(("2013-01", "2013-02", "2013-03")):
            path.unlink()


def log_to_bucket(project: Project) -> None:
    """Let the project's services write their predictions into the cloud's bucket, as its documentation says."""
    project.replace("pyproject.toml", 'prediction_log = "off"', 'prediction_log = "bucket"')


def keep_at(project: Project, url: str, **more: str) -> None:
    """Name the DVC remote as `dvc remote add --default` does, where DVC is not installed yet."""
    path = project.folder / ".dvc/config"
    core = path.read_text(encoding="utf-8").replace("[core]\n", "[core]\n    remote = storage\n").rstrip()
    lines = [f"    {name} = {value}" for name, value in {"url": url, **more}.items()]
    path.write_text("\n".join([core, "['remote \"storage\"']", *lines, ""]), encoding="utf-8")


def report(run: Run) -> str:
    """What a run did, and what its failing steps printed: for the message of an assertion."""
    lines = [f"{run.workflow} {run.conclusion}: {run.results} {run.reason}"]
    for job in run.jobs.values():
        for step in job.steps:
            if step.conclusion == "failure":
                lines += [f"--- {job.name} · {step.name}", step.log[-4000:]]
    return "\n".join(lines)


def ended_well(runs: list[Run], *workflows: str) -> None:
    """Assert that just these workflows ran, and that each ended well."""
    told = "\n".join(report(run) for run in runs)
    assert all(run.conclusion == "success" for run in runs), told
    assert sorted(run.workflow for run in runs) == sorted(workflows), told


def path(newly_installed: bool = False) -> str:
    """The PATH of a step: with stand-ins for trivy and gitleaks, which come from GitHub and so not to a test.

    Jobs share environments, unless everything is to be `newly_installed` in each.
    """
    folders = [HERE / "scanners"] if newly_installed else [HERE / "pooled", HERE / "scanners"]
    return ":".join([*map(str, folders), os.environ["PATH"]])


def missing() -> str:
    """What this machine lacks to run a delivery; empty where it lacks nothing."""
    return ", ".join(name for name in ("docker-registry", "skopeo", "node") if not shutil.which(name))


def pushed(github: GitHub, project: Project, branch: str = "main") -> list[Run]:
    """Push the project's commit, and run what that starts."""
    github.push(project.folder, branch)
    return github.run_all()
