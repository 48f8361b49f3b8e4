"""Where the time of one request goes in the generated service: its layers, and the server around them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.serving.contenders import ALL, KEY
from benchmarks.serving.environment import Installed, body_file, install
from benchmarks.serving.load import Load, measure
from benchmarks.serving.models import BUILD, PATIENCE, Model, trained
from benchmarks.serving.server import started

SCRIPT = Path(__file__).with_name("layers.py")
SIZES = (1, 100)  # rows of a request
SECONDS = 3


def layers(installed: Installed, model: Model, rows: int, core: int) -> dict[str, float]:
    """Return the microseconds of each layer of a request, of the `whole`, and its `processor` time.

    Raises:
        SystemExit: the service cannot be measured.
    """
    python, requests = str(installed.environment / "bin/python"), str(body_file(installed.contender, model, rows))
    done = subprocess.run(
        [python, "-P", str(SCRIPT), "models/bundle", requests, KEY],
        cwd=installed.work,
        env=installed.settings(model),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        preexec_fn=partial(os.sched_setaffinity, 0, {core}),
    )
    if done.returncode:
        sys.exit(f"{done.stderr[-2000:]}\nbenchmark: {SCRIPT.name} failed")
    missing = [line for line in done.stderr.splitlines() if line.startswith("layers: ")]
    print("\n".join(missing), end="\n" if missing else "")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def profile(core: int, other: int) -> None:
    """Print, and write into build/serving/profile.txt, the layers of a request of one row and of a hundred."""
    model = trained("flights")
    installed = install(next(contender for contender in ALL if contender.name == "ours"), model)
    columns = [layers(installed, model, rows, core) for rows in SIZES]
    os.sched_setaffinity(0, {other})
    with started(installed, model, core) as server:
        cpu = [measure(server, model, Load(rows, 8), SECONDS, core).cpu for rows in SIZES]
    wholes = [column.pop("whole") for column in columns]
    processor = [column.pop("processor") for column in columns]
    lines = [f"{'median µs of one request':<58}" + "".join(f"{Load(rows, 1)!s:>14}" for rows in SIZES)]
    for layer in sorted(columns[0], key=lambda name: -columns[0][name]):
        lines.append(f"  {layer:<56}" + "".join(f"{column.get(layer, 0.0):14.1f}" for column in columns))
    timers = [sum(column.values()) - whole for column, whole in zip(columns, wholes, strict=True)]
    server_time = [total - inside for total, inside in zip(cpu, processor, strict=True)]
    for name, values in (
        ("  these timers themselves", [-value for value in timers]),
        ("the application", wholes),
        ("the application, mean processor time", processor),
        ("uvicorn, the event loop and the socket, mean", server_time),
        ("the server, mean processor time, 8 connections", cpu),
    ):
        lines.append(f"{name:<58}" + "".join(f"{value:14.1f}" for value in values))
    text = "\n".join(lines)
    print(f"\n{text}")
    (BUILD / "profile.txt").write_text(f"{text}\n", encoding="utf-8")
