"""The text of the workflows and their actions: the generated project's in every combination, and the template's own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.delivery.required_settings import required_settings
from cd4ml.settings.project import read_project
from cd4ml.terminal.verbs import VERBS

from tests.template.conftest import DEFAULT, DEPLOYED, findings, verbs_of
from tests.template.workflow_files import (
    actions,
    commands,
    commands_of,
    distinct,
    jobs,
    parsed,
    steps,
    workflows,
    workflows_of,
)

__all__ = ["distinct", "workflows", "workflows_of"]

OF_A_CLOUD = re.compile("(GCP|AWS|AZURE|DOCKER_HOST)_|SERVICE_ADDRESS")
OTHER_COMMANDS = (  # than a verb of make or of cd4ml
    "uv sync --locked --no-default-groups --group delivery",
    'az acr login --name "$REGISTRY"',
    'test "$SUCCEEDED" = true',
    'echo "$VERSION may go to production" >> "$GITHUB_STEP_SUMMARY"',
)


def test_actionlint_finds_nothing(workflows: list[Path]) -> None:
    """In a project of its own: there it also compares what a step passes on with the inputs of a local action."""
    assert findings("actionlint", "-shellcheck=", *workflows) == ""


def test_actionlint_would_find_what_a_local_action_does_not_take(
    workflows_of: Callable[[str], list[Path]], tmp_path: Path
) -> None:
    shutil.copytree(workflows_of(DEFAULT)[0].parents[1], tmp_path / ".github")
    (tmp_path / ".git").mkdir()
    cd = tmp_path / ".github/workflows/cd.yml"
    cd.write_text(cd.read_text(encoding="utf-8").replace("gcloud: true", "gclod: true"), encoding="utf-8")

    assert 'input "gclod" is not defined in action "sign-in"' in findings("actionlint", "-shellcheck=", cd)


def test_shellcheck_finds_nothing_in_any_command(distinct: list[str], tmp_path: Path) -> None:
    """As actionlint would ask it, but each text once: it takes actionlint ten seconds to ask for all."""
    programs = {step["run"] for _, step in steps([Path(name) for name in distinct]) if "run" in step}
    assert len(programs) > 30
    scripts = [tmp_path / f"{number}.sh" for number in range(len(programs))]
    for script, program in zip(scripts, sorted(programs), strict=True):
        script.write_text(program, encoding="utf-8")

    assert findings("shellcheck", "--norc", "--shell=bash", "--format=gcc", *scripts) == ""


def test_zizmor_finds_nothing(distinct: list[str]) -> None:
    files = [*distinct, *map(str, actions([Path(distinct[0])]))]
    assert findings("zizmor", "--offline", "--quiet", "--no-progress", *files) == ""


def test_the_schema_is_kept(distinct: list[str]) -> None:
    assert findings("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *distinct) == ""
    local = actions([Path(distinct[0])])
    assert findings("check-jsonschema", "--builtin-schema", "vendor.github-actions", *local) == ""


@pytest.mark.parametrize("name", DEPLOYED)
def test_every_step_is_an_action_or_one_verb(name: str, workflows_of: Callable[[str], list[Path]]) -> None:
    """So what a workflow does can be run, and tested, without GitHub."""
    files = workflows_of(name)
    targets = re.findall(r"^([a-z-]+):", (files[0].parents[2] / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    platform = DEPLOYED[name]["platform"]
    cloud = re.findall(r"^  ([a-z]+)", verbs_of(platform), re.MULTILINE)
    verb = re.compile(f"make ({'|'.join(targets)})|uv run cd4ml ({'|'.join(VERBS)})( [^;|&]*)?")

    assert [
        (where, line) for where, line in commands(files) if not (verb.fullmatch(line) or line in OTHER_COMMANDS)
    ] == []
    assert [where for where, step in steps(files) if len(commands_of(step)) != ("run" in step)] == []
    called = {line.split()[4] for _, line in commands(files) if line.startswith("uv run cd4ml cloud ")}
    assert {"deploy", "smoke", "promote", "restore", "rollback"} <= called <= set(cloud)


def test_every_job_ends_in_time(workflows: list[Path]) -> None:
    assert [name for name, job in jobs(workflows) if "timeout-minutes" not in job] == []


def test_every_shell_is_a_bash_that_stops_at_a_failing_pipe(workflows: list[Path]) -> None:
    unnamed = [
        path.name for path in workflows if parsed(path).get("defaults", {}).get("run", {}).get("shell") != "bash"
    ]
    assert unnamed == []
    assert [name for name, step in steps(workflows) if step.get("shell", "bash") != "bash"] == []


def test_every_local_action_is_there_and_checked_out(workflows: list[Path]) -> None:
    """By `./` GitHub looks for an action in what the job has checked out."""
    for name, job in jobs(workflows):
        used = [step.get("uses", "") for step in job["steps"]]
        for action in (action for action in used if action.startswith("./")):
            assert (workflows[0].parents[2] / action / "action.yml").is_file(), name
            assert used[0].startswith("actions/checkout@"), name


@pytest.mark.parametrize("name", DEPLOYED)
def test_jobs_that_read_data_and_models_sign_in_as_an_identity_that_may(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    """The deployer may not: the clouds' own checks, which no stand-in makes, would reject it."""
    reads = re.compile(r"uv run cd4ml (pull|push|resolve-release|refresh|score-live|monitor-live)\b")
    environments = {
        where: job.get("environment", {}).get("name")
        for where, job in jobs(workflows_of(name))
        if any(reads.match(line) for step in job["steps"] for line in commands_of(step))
    }

    assert environments == {
        "cd.yml: build": "reader",
        "ci.yml: model": "reader",
        "ct.yml: retrain": "trainer",
        "monitor.yml: monitor": "trainer",
        "rollback.yml: resolve": "reader",
        "score.yml: score": "trainer",
    }


@pytest.mark.parametrize("name", DEPLOYED)
def test_a_release_is_judged_before_anything_is_built_and_carries_that_verdict(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    """reports/gate.json in git may have been edited, or be of a time when production had another model."""
    (build,) = (job for where, job in jobs(workflows_of(name)) if where == "cd.yml: build")
    lines = [line for step in build["steps"] for line in commands_of(step)]
    (judge,) = (step for step in build["steps"] if "uv run cd4ml gate --unless-live" in commands_of(step))
    uploads = [step for step in build["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
    (upload,) = (step for step in uploads if step["with"]["name"] == "release")

    order = [lines.index(f"uv run cd4ml {verb}") for verb in ("pull", "gate --unless-live", "write-release-metadata")]
    assert order == sorted(order)
    assert lines.index("uv run cd4ml archive-image") > order[-1]
    assert not {"if", "continue-on-error"} & judge.keys()
    uploaded = {line.removeprefix("${{ env.PROJECT }}/") for line in upload["with"]["path"].splitlines()}
    assert {"models/bundle", "reports/gate.json", "reports/gate.md"} <= uploaded


@pytest.mark.parametrize("name", DEPLOYED)
def test_doctor_knows_every_secret_and_every_setting_of_the_cloud(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    files = workflows_of(name)
    project = read_project(files[0].parents[2] / "pyproject.toml")
    settings = {setting.name: setting for setting in required_settings(project)}
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    passed_to_doctor = set(re.findall(r"\bSET_(\w+):", text))
    secrets = {name for name, setting in settings.items() if setting.kind == "secret"}
    cloud = {name for name, setting in settings.items() if setting.part == "cloud"}

    assert secrets == set(re.findall(r"\bsecrets\.(\w+)", text))
    assert cloud - secrets == {name for name in re.findall(r"\bvars\.(\w+)", text) if OF_A_CLOUD.match(name)}
    assert secrets | cloud <= passed_to_doctor <= set(settings)
