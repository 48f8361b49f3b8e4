"""What no workflow may do: run code that can change, take more rights than it names, or show a secret to a stranger."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.delivery.github.triggers import events_of
from tests.template.conftest import DEPLOYED
from tests.template.workflow_files import actions, commands_of, is_local, jobs, parsed, steps, workflows, workflows_of

__all__ = ["workflows", "workflows_of"]

PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
# What strangers write, and what people type, reaches a shell as a variable, never as text of its program.
UNTRUSTED = re.compile(r"\$\{\{[^}]*\b(github\.event\b|github\.head_ref|github\.ref_name|github\.actor|inputs\.)")
SETUP = "./.github/actions/setup"
DOCKER_LOGIN = "docker/login-action"
SIGN_IN = {
    "cloud-run": ("google-github-actions/auth", "google-github-actions/setup-gcloud"),
    "fargate": ("aws-actions/configure-aws-credentials", "aws-actions/amazon-ecr-login"),
    "aci": ("azure/login",),
    "docker-host": (),
}
SCANNERS = re.compile(r"uv run cd4ml (scan-image|scan-secrets|audit)\b")


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(workflows: list[Path]) -> None:
    files = [*workflows, *actions(workflows)]
    lines = [(path.name, line.strip()) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    used = [(name, line.removeprefix("- ")) for name, line in lines if re.match(r"(- )?uses: (?!\./)", line)]

    assert len(used) == sum("uses" in step and not is_local(step) for _, step in steps(workflows))
    assert [(name, line) for name, line in used if not PINNED.fullmatch(line)] == []


def test_one_action_has_one_commit(workflows: list[Path]) -> None:
    commits: dict[str, set[str]] = {}
    for _, step in steps(workflows):
        if "uses" in step and not is_local(step):
            action, _, commit = step["uses"].partition("@")
            commits.setdefault(action, set()).add(commit)

    assert {action: pins for action, pins in commits.items() if len(pins) > 1} == {}


@pytest.mark.parametrize("name", DEPLOYED)
def test_the_actions_that_sign_in_stand_once_and_workflows_use_the_local_ones(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    """So a pin, and how a project signs in, is read and changed in one place."""
    files, platform = workflows_of(name), DEPLOYED[name]["platform"]
    used = [step["uses"].partition("@")[0] for _, step in steps(files) if "uses" in step]
    in_jobs = [step["uses"].partition("@")[0] for _, job in jobs(files) for step in job["steps"] if "uses" in step]
    docker = platform == "cloud-run" or DEPLOYED[name]["registry"] != "cloud"
    expected = [*SIGN_IN[platform], *([DOCKER_LOGIN] if docker else [])]

    every = {DOCKER_LOGIN, *(action for actions in SIGN_IN.values() for action in actions)}
    assert sorted(action for action in used if action in every) == sorted(expected)
    assert every.isdisjoint(in_jobs)
    assert {action for action in used if action.startswith("./")} == {
        f"./.github/actions/{path.parent.name}" for path in actions(files)
    }


@pytest.mark.parametrize("name", [name for name in DEPLOYED if DEPLOYED[name]["credentials"] == "oidc"])
def test_a_job_that_signs_in_without_a_key_may_ask_who_it_is(
    name: str, workflows_of: Callable[[str], list[Path]]
) -> None:
    rights = {
        where: job["permissions"].get("id-token")
        for where, job in jobs(workflows_of(name))
        if any(step.get("uses") == "./.github/actions/sign-in" for step in job["steps"])
    }

    assert len(rights) == 11
    assert set(rights.values()) == {"write"}


def test_no_job_has_a_right_that_it_does_not_name(workflows: list[Path]) -> None:
    assert [path.name for path in workflows if parsed(path).get("permissions") != {}] == []
    broad = [name for name, job in jobs(workflows) if not isinstance(job.get("permissions", {}), dict)]
    assert broad == []


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


def why_not_cached(job: dict[str, Any]) -> list[str]:
    """What a job has that a file in uv's cache, which any job on main may have put there, must not reach."""
    rights = job.get("permissions", {})
    programs = [line for step in job["steps"] for line in commands_of(step)]
    found = {
        "an environment": "environment" in job,
        "a right to write": any(right == "write" for right in rights.values()),
        "a secret": bool(re.search(r"\bsecrets\.|github\.token", json.dumps(job))),
        "a scanner, which is a stranger's program": any(SCANNERS.match(line) for line in programs),
        "several jobs of one name": "strategy" in job,
    }
    return [reason for reason, holds in found.items() if holds]


@pytest.mark.parametrize("name", DEPLOYED)
def test_only_a_job_that_has_nothing_to_lose_uses_a_cache(name: str, workflows_of: Callable[[str], list[Path]]) -> None:
    """Any job on main can save any key, and a file of the cache is installed unchecked."""
    files = workflows_of(name)
    cached = {
        where: job
        for where, job in jobs(files)
        if any(step.get("uses") == SETUP and "cache" in step.get("with", {}) for step in job["steps"])
    }

    assert cached
    assert {where: why_not_cached(job) for where, job in cached.items() if why_not_cached(job)} == {}
    secretive = {where for where, job in jobs(files) if why_not_cached(job)}
    assert {"ci.yml: safety", "ci.yml: model", "cd.yml: scan", "cd.yml: production"} <= secretive


@pytest.mark.parametrize("name", DEPLOYED)
def test_caches_are_off_by_default_and_one_for_each_job(name: str, workflows_of: Callable[[str], list[Path]]) -> None:
    files = workflows_of(name)
    (action,) = (path for path in actions(files) if path.parent.name == "setup")
    assert parsed(action)["inputs"]["cache"]["default"] == "false"
    others = re.compile(r"actions/cache\b|\bcache-(to|from)\b|setup-(python|node|java|go)@")
    assert [path.name for path in [*files, *actions(files)] if others.search(path.read_text(encoding="utf-8"))] == []

    uses = [(where, step) for where, step in steps(files) if step.get("uses", "").startswith("astral-sh/setup-uv@")]
    assert [where for where, _ in uses] == ["setup/action.yml, step 1"]
    given = uses[0][1]["with"]
    assert given["enable-cache"] == "${{ inputs.cache }}"
    assert given["save-cache"] == "${{ github.event_name == 'push' }}"  # which no workflow takes but main's
    assert given["cache-suffix"] == "${{ github.workflow }}-${{ github.job }}"
    titles = [parsed(path)["name"] for path in files]
    assert len(set(titles)) == len(titles)
