"""What no workflow may do: run code that can change, take more rights than it names, or show a secret to a stranger."""

from __future__ import annotations

import re
from pathlib import Path

from tests.delivery.github.triggers import events_of
from tests.template.workflow_files import actions, is_local, jobs, parsed, steps, workflows, workflows_of

__all__ = ["workflows", "workflows_of"]

PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
# What strangers write, and what people type, reaches a shell as a variable, never as text of its program.
UNTRUSTED = re.compile(r"\$\{\{[^}]*\b(github\.event\b|github\.head_ref|github\.ref_name|github\.actor|inputs\.)")


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
