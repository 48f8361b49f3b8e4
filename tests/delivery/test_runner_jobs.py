"""Jobs, steps and actions: one run of one workflow that a wrong runner gets wrong, whose jobs the tests look at."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.delivery.github import GitHub, Run
from tests.delivery.small_workflows import AUTH, CHECKOUT, DOWNLOAD, LOGIN, UPLOAD, Checkout, clone, job, workflow

__all__ = ["clone"]

JOBS: list[str] = []


@pytest.fixture(scope="module")
def run(need_runner: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The run of everything in JOBS."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch, GitHub(folder / "github") as github:
        patch.setenv("OURS", "not theirs")
        github.settings |= {
            "PASSED": "on",
            "STANDIN_DOCKERHUB": "acme:right",
            "STANDIN_GOOGLE_TRUST": json.dumps(TRUST),
        }
        github.secrets |= {"KEY": "hunter2", **KEYS}
        clone = Checkout(folder / "clone", github)
        clone.commit("first")
        clone.push(ci=workflow("".join(JOBS), more="env: {TOP: '${{ github.ref_name }}'}"))
        [run] = github.run_all()
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


# Actions, in the same run

CLONES = f"""
- uses: {CHECKOUT}
  with: {{persist-credentials: PERSIST, fetch-depth: 0}}
- run: git log --oneline | wc -l && git branch --show-current && ls .github/workflows
- run: git fetch --quiet origin && echo fetched
  env: {{GIT_TERMINAL_PROMPT: "0"}}
"""
READ = "permissions: {contents: read}"
JOBS += [
    job(CLONES.replace("PERSIST", "true"), "keeps", READ),
    job(CLONES.replace("PERSIST", "false"), "drops", READ),
    job(f"- uses: {CHECKOUT}", "may-not-read"),
]


def test_checkout_leaves_credentials_only_when_told_to(run: Run) -> None:
    assert run.jobs["keeps"].log == "2\nmain\nci.yml\nfetched\n"
    assert run.jobs["drops"].step("git log").conclusion == "success"
    assert run.jobs["drops"].step("git fetch").conclusion == "failure"
    assert "403" in run.jobs["may-not-read"].log


MAKES = f"""
- run: mkdir -p out/.hidden && touch out/.hidden/x out/.y && echo text > out/a && install -m 755 /dev/null out/run
- uses: {UPLOAD}
  with: {{name: files, path: out, if-no-files-found: error}}
"""
TAKES = f"""
- uses: {DOWNLOAD}
  with: {{name: files, path: in}}
- run: find in -type f | sort && cat in/a && test ! -x in/run
"""
JOBS += [job(MAKES, "makes"), job(TAKES, "takes", "needs: makes")]


def test_artifacts_go_from_job_to_job_without_hidden_files_and_modes(run: Run) -> None:
    assert run.jobs["takes"].result == "success"
    assert run.jobs["takes"].log == "in/a\nin/run\ntext\n"


DEPLOYER = "deployer@acme.iam.gserviceaccount.com"
KEYS = {
    "RIGHT": json.dumps({"client_email": DEPLOYER}),
    "EXPIRED": json.dumps({"client_email": DEPLOYER, "private_key_id": "expired"}),
    "BROKEN": "no json",
    "ABSENT": "",
}
ENTERS = f"""
- uses: {AUTH}
  with: {{credentials_json: "${{{{ secrets.NAME }}}}"}}
- run: ls gha-creds-*.json && test -s "$CLOUDSDK_AUTH_ACCESS_TOKEN_FILE" && echo "project $GCP_PROJECT"
"""
JOBS += [job(ENTERS.replace("NAME", name), f"key-{name}") for name in KEYS]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("RIGHT", "project acme"),
        ("EXPIRED", "expired key"),
        ("BROKEN", "failed to parse"),
        ("ABSENT", "exactly one of"),
    ],
)
def test_a_google_key_is_judged_where_the_action_does(run: Run, name: str, said: str) -> None:
    job = run.jobs[f"key-{name}"]
    assert (job.result == "success") == (name == "RIGHT")
    assert said in job.log


TRUST = {DEPLOYER: ["production"]}
BECOMES = f"""
- uses: {AUTH}
  with:
    workload_identity_provider: projects/1/locations/global/workloadIdentityPools/github/providers/github
    service_account: {DEPLOYER}
"""
IDENTITY = "permissions: {id-token: write}"
JOBS += [
    job(BECOMES, "no-right", "environment: production"),
    job(BECOMES, "elsewhere", f"{IDENTITY}\nenvironment: staging"),
    job(BECOMES, "trusted", f"{IDENTITY}\nenvironment: production"),
]


def test_a_workload_identity_needs_the_right_and_the_trusted_environment(run: Run) -> None:
    assert [run.jobs[name].result for name in ("no-right", "elsewhere", "trusted")] == ["failure", "failure", "success"]
    assert "acme@1001/flight-delays@2002:environment:staging" in run.jobs["elsewhere"].log


ENTER = f"- uses: {LOGIN}\n  with: {{username: acme, password: PASSWORD}}"
JOBS += [job(ENTER.replace("PASSWORD", word), f"login-{word}") for word in ("right", "wrong")]


def test_a_wrong_password_fails_the_login(run: Run) -> None:
    assert (run.jobs["login-right"].result, run.jobs["login-wrong"].result) == ("success", "failure")


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        ("actions/checkout@v7", "is not pinned"),
        ("./local", "is not pinned"),
        (f"someone/something@{'a' * 40}", "no stand-in for the action someone/something"),
    ],
)
def test_an_action_that_is_not_pinned_or_not_known_is_refused(
    github: GitHub, clone: Checkout, uses: str, said: str
) -> None:
    clone.push(ci=workflow(job(f"- run: echo began\n- uses: {uses}")))

    [run] = github.run_all()

    assert run.conclusion == "failure"
    assert said in run.reason
    assert not run.jobs
