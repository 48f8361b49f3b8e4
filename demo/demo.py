"""`make demo`: bake the default project, train it, serve it, ask it, show what came back, stop it.

The project is kept in build/; a second run redoes only what the template's changes ask for.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from demo.refresh import refresh
from scripts.generator import copy_generator, has_standard

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
STEPS = 5
PATIENCE = 60  # seconds for the service to become ready
GRACE = 10  # seconds for a process to end after it was asked to

# Forbidding bytecode makes every start of Python more than twice as slow; the template's environment is
# not the project's; and what make tells its children would change the project's own make.
LEFT_OUT = {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
BEGAN = time.monotonic()
WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def say(step: int, text: str) -> None:
    """Announce a step, with the seconds since the start."""
    print(f"\n[{step}/{STEPS}  {time.monotonic() - BEGAN:3.0f} s] {text}", flush=True)


@contextmanager
def running(command: list[str], folder: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which has ended, with all it started, when the block is left."""
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, start_new_session=True, **options)
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(GRACE)
            except ProcessLookupError:  # the whole group has gone
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait()


def run(command: list[str], folder: Path) -> None:
    """Run to the end, its output on the screen as it comes.

    Raises:
        SystemExit: it failed; it has said why itself.
    """
    with running(command, folder) as process:
        code = process.wait()
    if code:
        sys.exit(f"demo: `{' '.join(command)}` failed in {folder.relative_to(ROOT)} (exit {code}); see above")


def bake() -> tuple[Path, str]:
    """The default project in build/, only its changed files written anew; and what changed, in words."""
    BUILD.mkdir(exist_ok=True)
    new = BUILD / f".baking-{os.getpid()}"
    cookiecutter = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config"]
    template = ROOT
    try:
        if has_standard():  # its hook would copy all of this checkout, build/ too
            template = new.with_suffix(".template")
            copy_generator(template, standard=True)
        made = subprocess.run(
            [*cookiecutter, "--output-dir", str(new), str(template)], capture_output=True, text=True, check=False
        )
        if made.returncode:
            sys.exit(f"demo: cookiecutter failed:\n{made.stderr}")
        baked = next(path for path in new.iterdir() if path.is_dir())
        return refresh(BUILD / baked.name, baked)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(new.with_suffix(".template"), ignore_errors=True)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, body: object = None) -> Any:
    """GET, or POST `body` as JSON; the decoded answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with WITHOUT_PROXY.open(request, timeout=10) as answer:
        return json.load(answer)


def wait_until_ready(url: str, service: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the service says it is ready.

    Raises:
        SystemExit: it ended, or is not ready within `PATIENCE` seconds.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and service.poll() is None:
        try:
            ask(f"{url}/health/ready")
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    print(log.read_text(encoding="utf-8", errors="replace")[-3000:], file=sys.stderr)
    sys.exit(f"demo: the service did not become ready; all it said is in {log.relative_to(ROOT)}")


def stop_on_signal(_number: int, _frame: object) -> NoReturn:
    """A polite kill ends the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def table(rows: list[list[str]]) -> str:
    """Rows of text as aligned columns, the first row their names."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return "\n".join(f"  {'  '.join(row).rstrip()}" for row in cells)


def show_answers(url: str, project: Path) -> None:
    """Request predictions for some flights of the test set, and print each beside its inputs."""
    examples = json.loads((project / "models/bundle/examples.json").read_text(encoding="utf-8"))
    rows = examples["rows"][:6]
    answer = ask(f"{url}/predict", {"rows": rows})
    asked = ["scheduled_departure", "carrier", "origin", "destination", "wind_speed"]
    lines = [[*asked, "late?", "probability"]]
    for row, late, probability in zip(rows, answer["predictions"], answer["probabilities"], strict=True):
        inputs = [str(row[name]) for name in asked]
        lines.append([*inputs, "yes" if late else "no", f"{probability:.2f}"])
    print(table(lines))
    if answer["predictions"] != examples["predictions"][: len(rows)]:
        sys.exit("demo: the service answers otherwise than the model that was trained")
    print("  the same labels as the scikit-learn pipeline that was trained")


def show_metrics(project: Path) -> None:
    """Print the bundle's metrics on the test set, with their intervals and the baseline's values."""
    metrics = json.loads((project / "reports/metrics.json").read_text(encoding="utf-8"))
    lines = [[f"{metrics['rows']:,} flights of the test set", "model", "95 % interval", "baseline"]]
    for name, between in metrics["intervals"].items():
        interval = f"{between['low']:.3f} to {between['high']:.3f}" if between else ""
        baseline = metrics["baseline"].get(name)
        lines.append([name, f"{metrics[name]:.3f}", interval, "" if baseline is None else f"{baseline:.3f}"])
    print(table(lines))


def show_lineage(url: str) -> None:
    """Print what the service says of itself: which model answers, and what it was made of."""
    told = ask(f"{url}/version")
    made_of = {f"made of {name}": digest[:12] for name, digest in told.pop("made_of").items()}
    lines = {**told, "digest": told["digest"][:12], **made_of}
    print(table([["lineage", f"GET {url}/version"], *([name, str(value)] for name, value in lines.items())]))


def main() -> None:
    """The whole way, from nothing to a prediction."""
    say(1, "generate the default project")
    project, changed = bake()
    print(f"  {project.relative_to(ROOT)}: {changed}")

    say(2, "install it from its lock file (make setup)")
    run(["make", "setup"], project)

    say(3, "run the pipeline on real flights (make train)")
    run(["make", "train"], project)

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    say(4, f"serve the model (make serve PORT={port}) and ask it")
    log = BUILD / "service.log"
    with (
        log.open("wb") as output,
        running(["make", "serve", f"PORT={port}"], project, stdout=output, stderr=output) as service,
    ):
        wait_until_ready(url, service, log)
        show_answers(url, project)
        print()
        show_metrics(project)
        print()
        show_lineage(url)
    say(5, "done; the service is stopped")
    print(f"""
  start it again        cd {project.relative_to(ROOT)} && make serve
  ask it                make predict                      (in another terminal)
  read the model card   reports/model-card.md
  look at the run       make mlflow                       (MLflow's page)
  change a knob         params.yaml, then make train      (runs again only what changed)
  your own table        docs/connect-your-data.md
  a project to keep     cookiecutter <this template>      (this one is in build/, which git ignores)""")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ndemo: stopped; nothing is left running")
