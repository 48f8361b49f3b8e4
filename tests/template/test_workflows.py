"""The text of the workflows: those of the generated project in every combination, and the template's own."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cd4ml.delivery.required_settings import required_settings
from cd4ml.settings.project import read_project
from cd4ml.terminal.verbs import VERBS

from tests.conftest import ROOT
from tests.delivery.github.triggers import events_of
from tests.template.conftest import DEPLOY, DEPLOYED, TOOLS, parse_yaml

PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
# What strangers write, and what people type, reaches a shell as a variable, never as text of its program.
UNTRUSTED = re.compile(r"\$\{\{[^}]*\b(github\.event\b|github\.head_ref|github\.ref_name|github\.actor|inputs\.)")

OF_A_CLOUD = re.compile("(GCP|AWS|AZURE)_")
OWN = "the template's own"
OTHER_COMMANDS = (  # than a verb of make or of cd4ml
    "uv sync --locked --no-default-groups",
    'az acr login --name "$REGISTRY"',
    'test "$SUCCEEDED" = true',
    'echo "$VERSION may go to production" >> "$GITHUB_STEP_SUMMARY"',
)


@pytest.fixture(scope="session")
def workflows_of(combination: Callable[[str], Path]) -> Callable[[str], list[Path]]:
    """The workflow files of a combination, or the template's own, by name."""

    def listed(name: str) -> list[Path]:
        project = ROOT if name == OWN else combination(name)
        files = sorted((project / ".github/workflows").glob("*.yml"))
        assert files
        return files

    return listed


@pytest.fixture(scope="session", params=[OWN, *DEPLOYED])
def workflows(request: pytest.FixtureRequest, workflows_of: Callable[[str], list[Path]]) -> list[Path]:
    """The workflow files of one project."""
    return workflows_of(request.param)


@pytest.fixture(scope="session")
def distinct(workflows_of: Callable[[str], list[Path]], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every workflow of every project, each text once: what a tool has to read in one run."""
    folder = tmp_path_factory.mktemp("workflows") / ".github/workflows"
    folder.mkdir(parents=True)
    names: dict[str, str] = {}
    for project in (OWN, *DEPLOYED):
        for path in workflows_of(project):
            names.setdefault(path.read_text(encoding="utf-8"), f"{project}-{path.name}".replace("'s ", "-"))
    for text, name in names.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert len(names) > 50
    return sorted(str(folder / name) for name in names.values())


@functools.cache
def parsed_text(text: str) -> dict[str, Any]:
    (document,) = parse_yaml(text)
    assert isinstance(document, dict)
    return document


def parsed(path: Path) -> dict[str, Any]:
    return parsed_text(path.read_text(encoding="utf-8"))


def jobs(workflows: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every job, with a name for messages."""
    for path in workflows:
        for name, job in parsed(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def steps(workflows: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step, with a name for messages."""
    for name, job in jobs(workflows):
        for number, step in enumerate(job["steps"], 1):
            yield f"{name}, step {number}", step


def commands(workflows: list[Path]) -> Iterator[tuple[str, str]]:
    """Every command of every step, with a name for messages; comments are left out."""
    for name, step in steps(workflows):
        for line in commands_of(step):
            yield name, line


def commands_of(step: dict[str, Any]) -> list[str]:
    return [line for line in step.get("run", "").splitlines() if not line.startswith("#")]


def findings(*command: str | Path) -> str:
    """What a tool prints if it does not pass."""
    done = subprocess.run(
        [TOOLS / command[0], *command[1:]], capture_output=True, text=True, check=False, cwd=Path(command[-1]).parent
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_actionlint_finds_nothing(distinct: list[str]) -> None:
    assert findings("actionlint", "-shellcheck=", *distinct) == ""


def test_shellcheck_finds_nothing_in_any_command(distinct: list[str], tmp_path: Path) -> None:
    """As actionlint would ask it, but each text once: it takes actionlint ten seconds to ask for all."""
    programs = {step["run"] for _, step in steps([Path(name) for name in distinct]) if "run" in step}
    assert len(programs) > 30
    scripts = [tmp_path / f"{number}.sh" for number in range(len(programs))]
    for script, program in zip(scripts, sorted(programs), strict=True):
        script.write_text(program, encoding="utf-8")

    assert findings("shellcheck", "--norc", "--shell=bash", "--format=gcc", *scripts) == ""


def test_zizmor_finds_nothing(distinct: list[str]) -> None:
    assert findings("zizmor", "--offline", "--quiet", "--no-progress", *distinct) == ""


def test_the_schema_is_kept(distinct: list[str]) -> None:
    assert findings("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *distinct) == ""


@pytest.mark.parametrize("name", DEPLOYED)
def test_every_step_is_an_action_or_one_verb(name: str, workflows_of: Callable[[str], list[Path]]) -> None:
    """So what a workflow does can be run, and tested, without GitHub."""
    files = workflows_of(name)
    targets = re.findall(r"^([a-z-]+):", (files[0].parents[2] / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    platform = DEPLOYED[name]["platform"]
    cloud = re.findall(r"^  ([a-z]+)", (DEPLOY / platform / "verbs.txt").read_text(encoding="utf-8"), re.MULTILINE)
    verb = re.compile(f"make ({'|'.join(targets)})|uv run cd4ml ({'|'.join(VERBS)})( [^;|&]*)?")

    assert [
        (where, line) for where, line in commands(files) if not (verb.fullmatch(line) or line in OTHER_COMMANDS)
    ] == []
    assert [where for where, step in steps(files) if len(commands_of(step)) != ("run" in step)] == []
    called = {line.split()[4] for _, line in commands(files) if line.startswith("uv run cd4ml cloud ")}
    assert {"deploy", "smoke", "promote", "restore", "rollback"} <= called <= set(cloud)


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(workflows: list[Path]) -> None:
    lines = [(path.name, line.strip()) for path in workflows for line in path.read_text(encoding="utf-8").splitlines()]
    used = [(name, line.removeprefix("- ")) for name, line in lines if re.match(r"(- )?uses:", line)]

    assert len(used) == sum("uses" in step for _, step in steps(workflows))
    assert [(name, line) for name, line in used if not PINNED.fullmatch(line)] == []


def test_one_action_has_one_commit(workflows: list[Path]) -> None:
    commits: dict[str, set[str]] = {}
    for _, step in steps(workflows):
        if "uses" in step:
            action, _, commit = step["uses"].partition("@")
            commits.setdefault(action, set()).add(commit)

    assert {action: pins for action, pins in commits.items() if len(pins) > 1} == {}


def test_no_job_has_a_right_that_it_does_not_name(workflows: list[Path]) -> None:
    assert [path.name for path in workflows if parsed(path).get("permissions") != {}] == []
    broad = [name for name, job in jobs(workflows) if not isinstance(job.get("permissions", {}), dict)]
    assert broad == []


def test_every_job_ends_in_time(workflows: list[Path]) -> None:
    assert [name for name, job in jobs(workflows) if "timeout-minutes" not in job] == []


def test_every_shell_is_a_bash_that_stops_at_a_failing_pipe(workflows: list[Path]) -> None:
    unnamed = [path.name for path in workflows if parsed(path).get("defaults") != {"run": {"shell": "bash"}}]
    assert unnamed == []
    assert [name for name, step in steps(workflows) if step.get("shell", "bash") != "bash"] == []


def test_no_checkout_leaves_a_token_behind(workflows: list[Path]) -> None:
    checkouts = [
        (name, step) for name, step in steps(workflows) if step.get("uses", "").startswith("actions/checkout@")
    ]
    kept = [name for name, step in checkouts if step.get("with", {}).get("persist-credentials") is not False]

    assert checkouts
    assert kept == []


def test_no_untrusted_text_is_part_of_a_program(workflows: list[Path]) -> None:
    assert [name for name, step in steps(workflows) if UNTRUSTED.search(step.get("run", ""))] == []


def test_no_expression_at_all_is_part_of_a_program(workflows: list[Path]) -> None:
    """A matrix or an output may hold anything too: values come by `env:`."""
    assert [name for name, step in steps(workflows) if "${{" in step.get("run", "")] == []


def test_secrets_are_named_one_by_one(workflows: list[Path]) -> None:
    """A job that asks for all of them, or reads one as JSON, shows them: masking knows whole values only."""
    spread = re.compile(
        r"(from|to)JSON\(\s*secrets|secrets:\s*inherit|\$\{\{\s*secrets\s*\}\}|secrets\[", re.IGNORECASE
    )
    assert [path.name for path in workflows if spread.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", DEPLOYED)
def test_jobs_that_read_data_and_models_sign_in_as_an_identity_that_may(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    """The deployer may not: the clouds' own checks, which no stand-in makes, would reject it."""
    reads = re.compile(r"uv run cd4ml (pull|push|resolve-release|refresh)\b")
    environments = {
        where: job.get("environment", {}).get("name")
        for where, job in jobs(workflows_of(name))
        if any(reads.match(line) for step in job["steps"] for line in commands_of(step))
    }

    assert environments == {
        "cd.yml: build": "reader",
        "ci.yml: model": "reader",
        "ct.yml: retrain": "trainer",
        "rollback.yml: resolve": "reader",
    }


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


def test_no_secret_is_an_argument(workflows: list[Path]) -> None:
    assert [name for name, step in steps(workflows) if "secrets." in step.get("run", "")] == []


def test_no_address_is_unencrypted_outside_loopback(workflows: list[Path]) -> None:
    open_address = re.compile(r"http://(?!127\.0\.0\.1|localhost|\[::1\])")
    assert [path.name for path in workflows if open_address.search(path.read_text(encoding="utf-8"))] == []


def test_no_run_that_a_stranger_starts_sees_secrets(workflows: list[Path]) -> None:
    """`pull_request_target` and `workflow_run` give a stranger's code this repository's rights."""
    events = {path.name: set(events_of(path.read_text(encoding="utf-8"))) for path in workflows}
    dangerous = {"pull_request_target", "workflow_run", "issue_comment"}
    assert {name for name, on in events.items() if dangerous & on} == set()
