"""What a workflow's job installs is what its verbs import: each verb of the jobs that neither train nor test."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from cd4ml.terminal.verbs import VERBS

from tests.conftest import Bake
from tests.project.baked import Project


def test_a_job_that_neither_trains_nor_tests_installs_what_it_calls(bake: Bake, tmp_path: Path) -> None:
    project = Project(bake(into=tmp_path))
    files = sorted((project.folder / ".github/workflows").glob("*.yml"))
    jobs = [job for path in files for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()]
    called = {
        verb
        for job in jobs
        if any(step.get("with", {}).get("base-only") for step in job["steps"])
        for step in job["steps"]
        for verb in re.findall(r"uv run cd4ml ([a-z-]+)", step.get("run", ""))
    }
    assert {"doctor", "propose-model", "report-monitoring", "report-rejection", "publish-image"} <= called
    action = yaml.safe_load((project.folder / ".github/actions/setup/action.yml").read_text(encoding="utf-8"))
    (install,) = (step["run"] for step in action["runs"]["steps"] if step.get("if") == "inputs.base-only == 'true'")

    project.run(*install.split())

    assert project.run(project.python, "-c", "import sklearn", check=False).returncode == 1
    for verb in sorted(called):
        project.run(project.python, "-c", f"import cd4ml.{VERBS[verb].module}")
