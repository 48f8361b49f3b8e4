"""The default project in the states that the pictures show: made, served for weeks, retrained in a pull request."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from cd4ml.contract.contract import Contract
from cd4ml.replay.traffic import send

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "build/flight-delays"
LOGGED = ("2013-08-01", "2013-09-04")
"""The first and the last day of the requests that monitoring judges."""
LACKS = ("temperature", "2013-08-29")
"""The column that the requests lack from a day on, so that monitoring has something to find."""
LEFT_OUT = {"VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHONPATH"}
WHO = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in LEFT_OUT} | WHO | {"USER": "ada"}
PATIENCE = 120  # seconds for a service to answer


def run(folder: Path, *command: str, **settings: str) -> str:
    """Run a command to its end, and return what it printed."""
    print(f"  {' '.join(command)}", flush=True)
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pictures: `{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def demo() -> str:
    """Return what `make demo` prints, from nothing on."""
    shutil.rmtree(DEMO, ignore_errors=True)
    return run(ROOT, "make", "--no-print-directory", "demo")


def committed(into: Path) -> Path:
    """Return a copy of the demo's project whose model is committed and published, in an environment of its own."""
    folder = into / DEMO.name
    shutil.rmtree(folder, ignore_errors=True)
    left_out = shutil.ignore_patterns(".venv", ".mlflow", "mlflow.db", "mlartifacts")
    shutil.copytree(DEMO, folder, ignore=left_out)
    run(folder, "make", "gate")
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "first model")
    run(folder, "make", "track")
    return folder


def served(folder: Path) -> Path:
    """Let the service answer what was asked in some weeks; return the page that `make monitor` draws of it."""
    contract = Contract.load(folder / "contract.yaml")
    log = folder / "build/prediction-log"
    rows = pd.concat(pd.read_parquet(path) for path in sorted((folder / "data/source").glob("*.parquet")))
    days = rows[contract.time].dt.strftime("%Y-%m-%d")
    rows.loc[days >= LACKS[1], LACKS[0]] = None
    send(folder / "models/bundle", log, rows[(days >= LOGGED[0]) & (days <= LOGGED[1])], contract)
    run(folder, "make", "monitor", LOG=str(log), UNTIL=LOGGED[1])
    return folder / "build/monitoring/report.html"


def proposed(folder: Path) -> str:
    """Retrain on the next month's rows, as `ct` does; return the comment on the pull request that proposes it."""
    run(folder, "git", "switch", "--quiet", "--create", "ct/retrain")
    run(folder, "make", "refresh", UNTIL="2013-08-31")
    run(folder, "make", "train", TRACK="no")
    run(folder, "make", "gate")
    return run(folder, ".venv/bin/cd4ml", "comment")


@contextmanager
def service(folder: Path, verb: str, path: str = "/") -> Iterator[str]:
    """Start `make serve` or `make mlflow`, and yield its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["make", verb, f"PORT={port}", f"MLFLOW_PORT={port}"]
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(url + path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"pictures: `make {verb}` does not answer")
            time.sleep(0.2)
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5):
            return True
    except OSError:
        return False
