"""The workflows, of the generated project in every combination and the template's own: what their text shows."""

from __future__ import annotations

import functools
import re
import runpy
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery.github.triggers import events_of
from tests.fast.conftest import DEPLOYED

TOOLS = Path(sysconfig.get_path("scripts"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
# What strangers write, and what people type: it reaches a shell as a variable, never as text of its program.
UNTRUSTED = re.compile(r"\$\{\{[^}]*\b(github\.event\b|github\.head_ref|github\.ref_name|github\.actor|inputs\.)")

OF_A_CLOUD = re.compile("(GCP|AWS|AZURE)_")
OWN = "the template's own"


@pytest.fixture(scope="session", params=[OWN, *DEPLOYED])
def workflows(request: pytest.FixtureRequest, combination: Callable[[str], Path]) -> list[Path]:
    """The workflow files of one project."""
    project = ROOT if request.param == OWN else combination(request.param)
    found = sorted((project / ".github/workflows").glob("*.yml"))
    assert found
    return found


@functools.cache
def parsed(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


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


def findings(*command: str | Path) -> str:
    """What a tool has to say when it does not pass."""
    done = subprocess.run(
        [TOOLS / command[0], *command[1:]], capture_output=True, text=True, check=False, cwd=Path(command[-1]).parent
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_actionlint_finds_nothing(workflows: list[Path]) -> None:
    assert findings("actionlint", "-shellcheck", TOOLS / "shellcheck", *workflows) == ""


def test_zizmor_finds_nothing(workflows: list[Path]) -> None:
    assert findings("zizmor", "--offline", "--quiet", "--no-progress", *workflows) == ""


def test_the_schema_is_kept(workflows: list[Path]) -> None:
    assert findings("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows) == ""


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

    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


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


def test_what_reads_data_and_models_signs_in_as_somebody_who_may(workflows: list[Path]) -> None:
    """Who deploys may not: the clouds' own checks, which no stand-in makes, would refuse it."""
    reads = re.compile(r"make (pull|push|earlier|refresh)\b")
    places = {
        name: job.get("environment", {}).get("name")
        for name, job in jobs(workflows)
        if any(reads.match(step.get("run", "")) for step in job["steps"])
    }
    assert {name: place for name, place in places.items() if place not in ("reader", "trainer")} == {}


@pytest.mark.parametrize("answers", DEPLOYED)
def test_doctor_knows_every_secret_and_every_setting_of_the_cloud(
    answers: str, combination: Callable[[str], Path]
) -> None:
    project = combination(answers)
    (needs,) = project.glob("src/*/delivery/needs.py")
    known = {need.name: need for need in runpy.run_path(str(needs))["NEEDS"]}
    text = "".join(path.read_text(encoding="utf-8") for path in (project / ".github/workflows").glob("*.yml"))
    told = set(re.findall(r"\bSET_(\w+):", text))
    secrets = {name for name, need in known.items() if need.kind == "secret"}
    cloud = {name for name, need in known.items() if need.part == "cloud"}

    assert secrets == set(re.findall(r"\bsecrets\.(\w+)", text))
    assert cloud - secrets == {name for name in re.findall(r"\bvars\.(\w+)", text) if OF_A_CLOUD.match(name)}
    assert secrets | cloud <= told <= set(known)


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
