"""Jobs and steps: one run of one workflow that a wrong runner gets wrong, whose jobs the tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.github import Run
from tests.delivery.small_workflows import job, run_of

JOBS: list[str] = []


@pytest.fixture(scope="module")
def run(need_runner: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The run of everything in JOBS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OURS", "not theirs")
        folder = tmp_path_factory.mktemp("run")
        with run_of(JOBS, folder, settings={"PASSED": "on"}, secrets={"KEY": "hunter2"}) as run:
            yield run


JOBS += [
    job("- run: exit 1", "a"),
    job("- run: 'true'", "b", "needs: a\nif: ${{ !cancelled() }}"),
    job("- run: 'true'", "c", "needs: b"),
    job("- run: 'true'", "d", "needs: c\nif: failure()"),
]


def test_success_looks_at_all_ancestors(run: Run) -> None:
    assert [run.jobs[name].result for name in "abcd"] == ["failure", "success", "skipped", "success"]
    assert run.conclusion == "failure"


SAYS = """
- id: say
  env: {KEY: "${{ secrets.KEY }}"}
  run: |
    echo "word=plain" >> "$GITHUB_OUTPUT"
    echo "key=$KEY" >> "$GITHUB_OUTPUT"
    echo "the key is $KEY"
    echo "::add-mask::later"
    echo "a later word"
"""
HEARS = "- run: echo '[${{ needs.says.outputs.word }}] [${{ needs.says.outputs.key }}]'"
OUTPUTS = 'outputs: {word: "${{ steps.say.outputs.word }}", key: "${{ steps.say.outputs.key }}"}'
JOBS += [job(SAYS, "says", OUTPUTS), job(HEARS, "hears", "needs: says")]


def test_outputs_reach_the_next_job_but_not_when_they_hold_a_secret(run: Run) -> None:
    assert run.jobs["hears"].log == "[plain] []\n"
    assert "the key is ***" in run.jobs["says"].log
    assert "a *** word" in run.jobs["says"].log
    everything = [*run.folder.glob("jobs/*/*.log"), run.folder / "runner.log", run.folder / "result.json"]
    assert not any("hunter2" in path.read_text() for path in everything)


FAILS = """
- id: may
  continue-on-error: true
  run: exit 3
- run: echo went on after ${{ steps.may.outcome }}, ${{ steps.may.conclusion }}
- run: exit 4
- run: echo never
- if: always()
  run: echo at the end, ${{ job.status }}
"""
JOBS += [job(FAILS, "fails")]


def test_a_failing_step_stops_the_job_unless_it_may_fail(run: Run) -> None:
    steps = run.jobs["fails"].steps
    assert [step.conclusion for step in steps] == ["success", "success", "failure", "skipped", "success"]
    assert run.jobs["fails"].log == "went on after failure, success\nat the end, failure\n"


JOBS += [
    job("- run: false | cat", "unnamed"),
    job("- run: false | cat", "named", "defaults: {run: {shell: bash}}"),
]


def test_only_a_named_bash_has_pipefail(run: Run) -> None:
    assert (run.jobs["unnamed"].result, run.jobs["named"].result) == ("success", "failure")


SEES = """
- run: echo "WORD=from a step" >> "$GITHUB_ENV"
- run: echo "[$OURS] [$PASSED] [$TOP] [$WORD] [$CI] $(cd && ls | wc -l) $(ls | wc -l)"
"""
JOBS += [job(SEES, "sees")]


def test_a_step_sees_a_clean_environment(run: Run) -> None:
    assert run.jobs["sees"].log == "[] [on] [main] [from a step] [true] 0 0\n"


SLEEPS = """
- timeout-minutes: 0.01
  run: |
    sleep 600 & echo $! > "$RUNNER_TEMP/child"
    wait
- if: failure()
  run: |
    for _ in $(seq 100); do
      ps -o stat= -p "$(cat "$RUNNER_TEMP/child")" | grep -q '^[^Z]' || { echo gone; break; }
      sleep 0.1
    done
"""
JOBS += [job(SLEEPS, "sleeps")]


def test_a_step_that_takes_too_long_is_ended_with_its_children(run: Run) -> None:
    assert run.jobs["sleeps"].result == "failure"
    assert run.jobs["sleeps"].log == "the time limit was exceeded\ngone\n"


LATE = """
- run: sleep 600
- if: failure()
  run: echo failed
- if: cancelled()
  run: echo cancelled
"""
JOBS += [job(LATE, "late", "timeout-minutes: 0.01"), job("- run: 'true'", "after-late", "needs: late\nif: failure()")]


def test_a_job_that_takes_too_long_is_cancelled(run: Run) -> None:
    assert run.jobs["late"].result == "cancelled"
    assert "cancelled" in run.jobs["late"].steps[2].log
    assert run.jobs["after-late"].result == "skipped"


MATRIX = "strategy: {matrix: {os: [a, b], python: [1, 2], exclude: [{os: b, python: 1}], include: [{os: c}]}}"
JOBS += [job("- run: echo ${{ matrix.os }}${{ matrix.python }}", "matrix", MATRIX)]


def test_a_matrix_runs_every_combination(run: Run) -> None:
    assert run.jobs["matrix"].log.split() == ["a1", "a2", "b2", "c"]


LONG_WAY_BACK = """
- run: sleep 600
- if: cancelled()
  run: echo begins; sleep 600
- if: always()
  run: echo too late
"""


def test_what_a_cancelled_job_still_does_is_ended_after_some_time(need_runner: None, tmp_path: Path) -> None:
    with run_of([job(LONG_WAY_BACK, "back", "timeout-minutes: 0.01")], tmp_path, grace=3) as run:
        steps = run.jobs["back"].steps

    assert [step.conclusion for step in steps] == ["cancelled"] * 3
    assert steps[1].log.startswith("begins\n")
    assert run.jobs["back"].result == "cancelled"
