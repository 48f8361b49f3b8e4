"""Actions in the repository itself: one run of one workflow that uses some, good ones and bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent, indent

import pytest

from tests.delivery.github import Run
from tests.delivery.small_workflows import CHECKOUT, job, run_of

JOBS: list[str] = []


@pytest.fixture(scope="module")
def run(need_runner: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The run of everything in JOBS."""
    files = {f".github/actions/{name}/action.yml": text for name, text in ACTIONS.items()}
    with run_of(JOBS, tmp_path_factory.mktemp("run"), files=files, secrets={"KEY": "hunter2"}) as run:
        yield run


READ = "permissions: {contents: read}"
READS = f"- uses: {CHECKOUT}\n  with: {{persist-credentials: false}}\n"


def action(steps: str, more: str = "") -> str:
    """A local action of some steps; `more` as YAML."""
    return (
        f"name: a\ndescription: b\n{dedent(more)}\nruns:\n  using: composite\n  steps:\n{indent(dedent(steps), '  ')}"
    )


ACTIONS = {
    "greets": action(
        """
        - id: inner
          shell: bash
          run: |
            echo "$GREETING ${{ inputs.whom }}, ${{ inputs.from }} [$INPUT_WHOM] [$THEIRS] [${{ env.TOP }}]"
            echo "WORD=from inside" >> "$GITHUB_ENV"
            echo "answer=hello" >> "$GITHUB_OUTPUT"
            mkdir "$RUNNER_TEMP/tools" && echo "$RUNNER_TEMP/tools" >> "$GITHUB_PATH"
            printf '#!/bin/sh\\necho here' > "$RUNNER_TEMP/tools/a-tool" && chmod +x "$RUNNER_TEMP/tools/a-tool"
        - if: inputs.whom == 'nobody'
          shell: bash
          run: echo never
        - shell: bash
          run: |
            echo "$WORD, ${{ steps.inner.outputs.answer }}, ${{ steps.outer.outputs.answer }}"
            ls "$GITHUB_ACTION_PATH"
        """,
        """
        inputs: {whom: {description: c, required: true}, from: {description: d, default: "${{ github.repository }}"}}
        outputs: {said: {description: e, value: "${{ steps.inner.outputs.answer }}"}}
        """,
    ),
    "fails": action(
        """
        - shell: bash
          run: false | cat
        - shell: bash
          run: echo never
        - if: failure()
          shell: bash
          run: echo after a failure
        """
    ),
    "forgives": action("- {shell: bash, run: exit 1, continue-on-error: true}\n- {shell: bash, run: echo went on}"),
    "nests": action(
        """
        - id: inner
          uses: ./.github/actions/greets
          with: {whom: "${{ inputs.whom }}"}
        - shell: bash
          run: echo "[${{ steps.inner.outputs.said }}]"
        """,
        """
        inputs: {whom: {description: c, required: true}}
        outputs: {said: {description: e, value: "${{ steps.inner.outputs.said }} again"}}
        """,
    ),
    "uses": action(
        f"""
        - uses: {CHECKOUT}
          with: {{path: inside}}
        - shell: bash
          run: ls
        """
    ),
    "no-shell": action("- run: 'true'"),
    "steals": action("- {shell: bash, run: 'echo ${{ secrets.KEY }}'}"),
    "moves": action("- uses: actions/checkout@v7"),
}
GREETS = """
- id: outer
  run: echo "answer=theirs" >> "$GITHUB_OUTPUT"
- id: greets
  uses: ./.github/actions/greets
  with: {whom: you}
  env: {GREETING: good day, THEIRS: "${{ steps.outer.outputs.answer }}"}
- run: echo "[${{ steps.greets.outputs.said }}] [$WORD] [$GREETING] $(a-tool)"
"""
JOBS += [job(READS + GREETS, "greets", READ)]


def test_a_local_action_is_one_step_with_inputs_outputs_and_steps_of_its_own(run: Run) -> None:
    greets = run.jobs["greets"]
    assert greets.steps[2].name == "./.github/actions/greets"
    assert [step.conclusion for step in greets.steps] == ["success"] * 4, greets.log
    inside, after = greets.steps[2].log, greets.steps[3].log
    assert inside == "good day you, acme/flight-delays [] [theirs] [main]\nfrom inside, hello, \naction.yml\n"
    assert after == "[hello] [from inside] [] here\n"


NESTS = """
- id: nests
  uses: ./.github/actions/nests
  with: {whom: all}
- run: echo "[${{ steps.nests.outputs.said }}] $(a-tool)"
"""
JOBS += [job(READS + NESTS, "nests", READ)]


def test_a_local_action_uses_another_one(run: Run) -> None:
    steps = run.jobs["nests"].steps
    assert [step.conclusion for step in steps[1:]] == ["success"] * 2, run.jobs["nests"].log
    assert steps[1].log == " all, acme/flight-delays [] [] [main]\nfrom inside, hello, \naction.yml\n[hello]\n"
    assert steps[2].log == "[hello again] here\n"


CANCELLED = """
- run: sleep 600
- uses: ./.github/actions/forgives
- if: cancelled()
  uses: ./.github/actions/forgives
- if: cancelled()
  uses: ./.github/actions/fails
"""
JOBS += [job(READS + CANCELLED, "cancelled", f"{READ}\ntimeout-minutes: 0.1")]


def test_the_steps_of_an_action_that_a_cancelled_job_uses_run(run: Run) -> None:
    """Within an action, `success()` is about the action's own steps."""
    steps = run.jobs["cancelled"].steps
    assert [step.conclusion for step in steps[2:]] == ["skipped", "success", "failure"]
    assert [step.log for step in steps[3:]] == ["went on\n", "after a failure\n"]
    assert run.jobs["cancelled"].result == "cancelled"


FORGIVES = """
- uses: ./.github/actions/forgives
- id: fails
  uses: ./.github/actions/fails
  continue-on-error: true
- run: echo ${{ steps.fails.outcome }}, ${{ steps.fails.conclusion }}
- uses: ./.github/actions/fails
- run: echo never
- if: failure()
  run: echo the job has failed
"""
JOBS += [job(READS + FORGIVES, "forgives", READ)]


def test_a_local_action_ends_at_a_failing_step_and_fails_the_job(run: Run) -> None:
    steps = run.jobs["forgives"].steps
    assert [step.conclusion for step in steps[1:]] == [*["success"] * 3, "failure", "skipped", "success"]
    logs = ["went on\n", "after a failure\n", "failure, success\n", "after a failure\n", "", "the job has failed\n"]
    assert [step.log for step in steps[1:]] == logs


JOBS += [job(f"{READS}- uses: ./.github/actions/uses\n- run: echo done", "uses", READ)]


def test_an_action_that_a_local_action_uses_is_called_again_after_the_job(run: Run) -> None:
    uses = run.jobs["uses"]
    assert [step.name for step in uses.steps[1:]] == ["./.github/actions/uses", "echo done", f"after {CHECKOUT}"]
    assert uses.steps[1].log == "inside\n"
    assert uses.result == "success"


REJECTED = {
    "no-shell": "Required property is missing: shell",
    "steals": "Unrecognized named-value: 'secrets'",
    "moves": "actions/checkout@v7 is not pinned",
    "absent": "there is no ./.github/actions/absent/action.yml",
}
JOBS += [job(f"{READS}- uses: ./.github/actions/{name}", f"rejects-{name}", READ) for name in REJECTED]
JOBS += [job("- uses: ./.github/actions/greets", "rejects-unread")]


@pytest.mark.parametrize(("name", "message"), [*REJECTED.items(), ("unread", "was the repository checked out?")])
def test_a_local_action_that_github_would_not_run_fails_its_step(run: Run, name: str, message: str) -> None:
    rejects = run.jobs[f"rejects-{name}"]
    assert rejects.result == "failure"
    assert message in rejects.steps[-1].log
