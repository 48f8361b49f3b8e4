"""How long ci, a release, and a training that finds nothing new take on this machine, job by job.

    uv run --group slow python -m benchmarks.pipeline [--quick]

Runs the workflows of the default project as tests/delivery/delivery.py does: its steps, the engine, the registry and
gcloud are real; GitHub, Cloud Run and the bucket are stand-ins on loopback. Jobs run one after the other, each with
every processor to itself, and a workflow takes as long as its longest chain of jobs, since on GitHub each has a
machine. Not counted: the wait for a runner, for an approval and for the canary, and downloads, as caches are warm.
`--quick` leaves ci out and trains on three months.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from cookiecutter.main import cookiecutter

from benchmarks.laptop import ROOT
from tests.delivery.delivery import Delivery, delivered
from tests.delivery.github import Run
from tests.delivery.google.delivery import CloudRun, cloud_run
from tests.delivery.world import pushed, report, shorten
from tests.project.baked import Project

GOALS = {"ci": 90, "push to production": 360, "ct, nothing new": 30}  # seconds


def need(capability: str, present: object, reason: str) -> None:
    """Stop where this machine lacks something.

    Raises:
        SystemExit: it does.
    """
    if not present:
        sys.exit(f"benchmark: {capability}: {reason}")


def made(folder: Path, quick: bool) -> Project:
    """Return the default project, with the months of data that its params.yaml asks for and none after."""
    answers = {"github_owner": "acme"}
    baked = cookiecutter(str(ROOT), no_input=True, default_config=True, output_dir=str(folder), extra_context=answers)
    project = Project(Path(baked))
    if quick:
        shorten(project, ci=False)
    for month in range(8, 13):
        for path in (project.folder / "data/source").glob(f"2013-{month:02}*"):
            path.unlink()
    return project


def chain(run: Run) -> float:
    """Return the seconds of the longest chain of jobs that need each other, without the wait for an approval."""
    jobs = yaml.safe_load(run.text)["jobs"]
    ends: dict[str, float] = {}

    def end(name: str) -> float:
        if name not in ends:
            needs = jobs[name].get("needs", [])
            before = [end(one) for one in ([needs] if isinstance(needs, str) else needs)]
            ends[name] = max(before, default=0.0) + took(run, name)
        return ends[name]

    return max(end(name) for name in jobs)


def took(run: Run, job: str) -> float:
    return 0.0 if job == "approval" else run.jobs[job].seconds


def show(what: str, run: Run) -> float:
    """Print the jobs of a run that ended well, and return the seconds of its longest chain.

    Raises:
        SystemExit: it did not end well.
    """
    if run.conclusion != "success":
        sys.exit(f"benchmark: {report(run)}")
    longest = chain(run)
    print(f"{what}: {longest:.0f} s")
    for name, job in run.jobs.items():
        if job.result == "success" and name != "approval":
            print(f"  {name:<12}{took(run, name):6.1f} s")
    sys.stdout.flush()
    return longest


def release(delivery: Delivery[CloudRun]) -> Run:
    """Push, run what that starts, and approve what asks; return cd's run."""
    pushed(delivery.github, delivery.project)
    run = delivery.github.last("cd")
    if run.approvals:
        delivery.approve(run)
    return run


def add_a_line(project: Project, file: str, line: str) -> None:
    """Commit a line more at the end of a file."""
    with (project.folder / file).open("a", encoding="utf-8") as text:
        text.write(f"{line}\n")
    project.commit(f"a line more in {file}")


def measured(delivery: Delivery[CloudRun], quick: bool) -> dict[str, float]:
    """Return the seconds of each goal."""
    github, project = delivery.github, delivery.project
    found: dict[str, float] = {}
    print("training the first model, and releasing it", flush=True)
    delivery.train("the first model")
    first = show("cd of the first release, with cold caches", release(delivery))
    if quick:
        found["push to production"] = first
    else:
        add_a_line(project, "Dockerfile", "# a line more")
        run = release(delivery)
        found["ci"] = show("ci of a push that changes the service", github.last("ci"))
        found["push to production"] = show("cd of that push", run)
        add_a_line(project, "README.md", "A line more.")
        show("cd of a push that changes nothing that ships", release(delivery))
    github.dispatch("ct")
    github.run_all()
    found["ct, nothing new"] = show("ct when there is nothing new", github.last("ct"))
    return found


def main() -> None:
    """Run the workflows, and say how long they took beside what we promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only what takes under three minutes")
    quick = parser.parse_args().quick
    runner = ROOT / "build/workflow-runner/node_modules"
    engine = subprocess.run([os.environ.get("DOCKER", "docker"), "info"], capture_output=True, check=False)
    need("uv", shutil.which("uv"), "it is not on the PATH: PATH=$PWD/.uv/bin:$PATH")
    need("workflow runner", runner.is_dir(), "it is not installed: make workflow-runner")
    need("container engine", engine.returncode == 0, "none answers")
    with tempfile.TemporaryDirectory() as folder:
        project = made(Path(folder) / "project", quick)
        project.commit("as generated")
        with delivered(project, need, Path(folder) / "world", cloud_run, newly_installed=True) as delivery:
            found = measured(delivery, quick)
    print()
    for name, seconds in found.items():
        ratio = seconds / GOALS[name]
        print(f"{name:<28} {seconds:6.1f} s  {ratio:5.2f} of {GOALS[name]:g} s  {'ok' if ratio <= 1 else 'short'}")


if __name__ == "__main__":
    main()
