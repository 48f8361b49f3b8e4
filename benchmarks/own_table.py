"""How far it is from a table of one's own to the first served prediction: commands and seconds.

    uv run python -m benchmarks.own_table [--quick]

Generates a project, adopts a table of 50,000 rows with numbers, categories, times, nulls and a column that gives the
target away, trains, serves and predicts, by the commands of the README and without an edit. Package downloads are not
counted (one set-up goes first). Then drafts and packages a table of 1,500 columns and 5,000 rows. The last lines give
the share of each goal that was used. `--quick` takes 10,000 rows, and leaves the wide table out.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.laptop import ENVIRONMENT, PATIENCE, ROOT, seconds
from demo.demo import free_port

COMMANDS, SECONDS = 5, 120.0
WIDE_CONTRACT, WIDE_PACKAGE = 5.0, 60.0  # seconds; the contract's include two to start the command
ROWS, QUICK_ROWS = 50_000, 10_000
COLUMNS, WIDE_ROWS = 1_500, 5_000
FEATURES = '''"""Every column, as it is."""


def derive(columns):
    return dict(columns)
'''


def table(rows: int) -> pd.DataFrame:
    """Return customers, of whom a quarter leaves."""
    rng = np.random.default_rng(0)
    tenure, price = rng.gamma(2, 12, rows).round(1), rng.normal(60, 20, rows).clip(10).round(2)
    plan = rng.choice(["basic", "plus", "family", "business"], rows, p=[0.4, 0.3, 0.2, 0.1])
    calls = rng.poisson(2, rows)
    odds = -1.6 - 0.03 * tenure + 0.012 * price + 0.35 * calls + 0.5 * (plan == "basic")
    left = rng.random(rows) < 1 / (1 + np.exp(-odds))
    days = pd.to_datetime("2023-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 700, rows)), "D")
    return pd.DataFrame(
        {
            "customer_id": np.arange(rows) + 10_000_000,
            "signed_on": days.strftime("%d.%m.%Y"),
            "tenure": np.where(rng.random(rows) < 0.05, np.nan, tenure),
            "price [EUR]": price,
            "plan": plan,
            "region": rng.choice([f"R{number:02}" for number in range(30)], rows),
            "calls": calls,
            "closing_fee": np.where(left, 25.0, 0.0),
            "status": np.where(left, "churned", "stayed"),
        }
    )


def serve_and_predict(project: Path) -> float:
    """Start the service, ask it until it answers, and stop it; return the seconds to the first prediction."""
    port = free_port()
    start = time.perf_counter()
    command = ["make", "serve", f"PORT={port}"]
    service = subprocess.Popen(
        command,
        cwd=project,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        predict = ["make", "predict", f"URL=http://127.0.0.1:{port}"]
        while True:
            asked = subprocess.run(predict, cwd=project, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            if asked.returncode == 0 and '"predictions"' in asked.stdout:
                took = time.perf_counter() - start
                print(f"  make serve; make predict  {took:.1f} s", flush=True)
                return took
            if time.perf_counter() - start > PATIENCE or service.poll() is not None:
                sys.exit(f"{asked.stdout[-2000:]}{asked.stderr[-2000:]}\nbenchmark: no prediction")
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait(30)


def wide_table() -> pd.DataFrame:
    """Return measurements, of which every tenth has a few values only."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{number}": rng.normal(50, 20, WIDE_ROWS).round(3) for number in range(COLUMNS)}
    for number in range(0, COLUMNS, 10):
        columns[f"x{number}"] = rng.choice(["low", "middle", "high"], WIDE_ROWS)
    good = columns["x1"] + columns["x2"] + rng.normal(0, 10, WIDE_ROWS) > 100
    return pd.DataFrame(columns | {"y": np.where(good, "good", "bad")})


def draft_and_package(project: Path, source: Path) -> tuple[float, float]:
    """Replace a project's table by a wide one; return the seconds of `make contract` and of the stage package."""
    (project / "contract.yaml").unlink()
    (project / "params.yaml").write_text(f"data:\n  source: {source}\nmodel:\n  iterations: 20\n", encoding="utf-8")
    (project / "src/flight_delays/features.py").write_text(FEATURES, encoding="utf-8")
    contract = seconds(["make", "contract", "TARGET=y"], project)
    stage = ["uv", "run", "cd4ml", "stage"]
    for name in ("ingest", "validate", "split", "train"):
        seconds([*stage, name], project)  # not counted
    return contract, seconds([*stage, "package"], project)


def main() -> None:
    """Measure, and say how much of each goal was used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows")
    quick = parser.parse_args().quick
    rows = QUICK_ROWS if quick else ROWS
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        table(rows).to_csv(scratch / "customers.csv", index=False)
        generate = [
            sys.executable,
            "-m",
            "cookiecutter",
            str(ROOT),
            "--no-input",
            "--default-config",
            "-o",
            str(scratch),
        ]
        took = seconds(generate, scratch)
        project = scratch / "flight-delays"
        seconds(["make", "setup"], project)  # not counted
        adopt = ["make", "adopt", f"DATA={scratch}/customers.csv", "TARGET=status"]
        commands = [generate, adopt, ["make", "train"]]
        took += sum(seconds(command, project) for command in commands[1:]) + serve_and_predict(project)
        results = [("commands", len(commands) + 2, COMMANDS), ("seconds", took, SECONDS)]
        if not quick:
            wide_table().to_csv(scratch / "wide.csv", index=False)
            contract, package = draft_and_package(project, scratch / "wide.csv")
            wide = f"{COLUMNS:,} columns, "
            results += [(f"{wide}contract", contract, WIDE_CONTRACT), (f"{wide}package", package, WIDE_PACKAGE)]
    print()
    for what, used, goal in results:
        print(f"{what:<23} {used:6.1f}  {used / goal:5.2f} of {goal:g}  {'ok' if used <= goal else 'short'}")


if __name__ == "__main__":
    main()
