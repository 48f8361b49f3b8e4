"""The runner of workflows and the small GitHub around it, on workflows that a wrong runner gets wrong."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from tests.slow.github import Environment, GitHub, Run
from tests.slow.github.tokens import Holder

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
AUTH = "google-github-actions/auth@7c6bc770dae815cd3e89ee6cdf493a5fab2cc093"
LOGIN = "docker/login-action@dbcb813823bdd20940b903addbd779551569679f"
UPLOAD = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"


class Checkout:
    """Someone's clone of the repository."""

    def __init__(self, folder: Path, github: GitHub) -> None:
        self.folder, self.github = folder, github
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *arguments: str) -> None:
        self.folder.mkdir(exist_ok=True)
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True)

    def commit(self, message: str = "change", **workflows: str) -> None:
        """Commit workflows by name."""
        for name, text in workflows.items():
            path = self.folder / f".github/workflows/{name}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def push(self, branch: str = "main", **workflows: str) -> None:
        """Commit workflows by name, and push them."""
        self.commit(**workflows)
        self.github.push(self.folder, branch)


@pytest.fixture
def clone(github: GitHub, tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "clone", github)


def workflow(jobs: str, on: str = "push", more: str = "") -> str:
    return f"on: {on}\npermissions: {{}}\n{more}\njobs:\n{indent(dedent(jobs), '  ')}"


def job(steps: str, name: str = "job", more: str = "") -> str:
    """One job; `steps` and `more` as YAML."""
    return f"{name}:\n  runs-on: ubuntu-24.04\n{indent(dedent(more), '  ')}\n  steps:\n{indent(dedent(steps), '  ')}\n"


# Jobs and steps: one run of one workflow, whose jobs the tests look at

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


# Rights


def ask(github: GitHub, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    """Call the REST API as a program does; return status and answer."""
    content = None if body is None else json.dumps(body).encode()
    url = f"{github.api}/repos/{github.repository}/{path}"
    request = urllib.request.Request(url, content, {"Authorization": f"Bearer {token}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


@pytest.mark.parametrize(
    ("method", "path", "scope", "body"),
    [
        ("POST", "issues", "issues", {"title": "t"}),
        ("POST", "pulls", "pull_requests", {"title": "t", "head": "other", "base": "main"}),
        ("POST", "dispatches", "contents", {"event_type": "drift"}),
        ("POST", "actions/workflows/ci.yml/dispatches", "actions", {"ref": "main"}),
        ("POST", "deployments", "deployments", {"ref": "main"}),
        ("POST", "releases", "contents", {"tag_name": "v1"}),
        ("POST", "git/refs", "contents", {"ref": "refs/heads/new", "sha": "main"}),
    ],
)
def test_a_token_without_the_right_gets_403(
    github: GitHub, clone: Checkout, method: str, path: str, scope: str, body: Any
) -> None:
    clone.push(ci=workflow(job("- run: 'true'"), on="workflow_dispatch"))
    clone.push("other")

    assert ask(github, method, path, github.token(), body)[0] == 403
    assert ask(github, method, path, github.token(**{scope: "read"}), body)[0] == 403
    assert ask(github, method, path, github.token(**{scope: "write"}), body)[0] in (201, 204)
    assert ask(github, method, path, "nonsense", body)[0] == 401


def test_no_job_can_list_secrets_or_read_variables(github: GitHub) -> None:
    everything = github.token(actions="write", contents="write", issues="write")

    assert ask(github, "GET", "actions/secrets", everything)[0] == 403
    assert ask(github, "GET", "actions/variables", everything)[0] == 403


PUSHES = f"""
    - uses: {CHECKOUT}
    - run: |
        git config user.name robot && git config user.email robot@example.org
        git commit --quiet --allow-empty --message "by the job"
        git push --quiet origin HEAD:refs/heads/other
"""


def test_a_job_pushes_only_with_the_right(github: GitHub, clone: Checkout) -> None:
    may = {right: job(PUSHES, right, f"permissions: {{contents: {right}}}") for right in ("read", "write")}
    clone.push(ci=workflow("".join(may.values()), on="{push: {branches: [main]}}"))

    [run] = github.run_all()

    assert run.results == {"read": "failure", "write": "success"}
    assert "403" in run.jobs["read"].log
    assert "refs/heads/other" in github.main.refs()


DISPATCHES = """
    - run: |
        curl --silent --fail-with-body --header "Authorization: Bearer $TOKEN" --data '{"ref": "main"}' \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/actions/workflows/other.yml/dispatches"
      env: {TOKEN: "${{ github.token }}"}
"""


def test_a_push_with_the_jobs_own_token_starts_nothing_and_a_dispatch_does(github: GitHub, clone: Checkout) -> None:
    first = job(PUSHES + DISPATCHES, more="permissions: {contents: write, actions: write}")
    other = workflow(job("- run: 'true'"), on="{push: {branches: [other]}, workflow_dispatch: }")
    clone.push(first=workflow(first, on="{push: {branches: [main]}}"), other=other)

    runs = github.run_all()

    assert [(run.workflow, run.event.name) for run in runs] == [
        ("first", "push"),
        ("other", "workflow_dispatch"),
    ], runs[0].log
    app = Holder("app", "retrain-app[bot]", {"contents": "write"})
    github.push(clone.folder, "other", force=True, holder=app)
    assert [run.event.name for run in github.run_all()] == ["push"]


LEAKS = """
    - run: echo "[$SECRET] [$THEIRS]"
      env: {SECRET: "${{ secrets.KEY }}", THEIRS: "${{ secrets.READER }}"}
    - run: |
        curl --silent --header "Authorization: Bearer $TOKEN" --data '{"title": "mine"}' \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues"
      env: {TOKEN: "${{ github.token }}"}
"""


def test_a_fork_gets_no_secret_and_may_write_nothing(github: GitHub, clone: Checkout) -> None:
    github.secrets["KEY"] = "repository-secret"
    github.environments["reader"] = Environment(secrets={"READER": "environment-secret"})
    steps = job(LEAKS, more="environment: {name: reader, deployment: false}\npermissions: {issues: write}")
    clone.push(ci=workflow(steps, on="pull_request"))
    clone.push("ours")
    github.push_to_fork(clone.folder, "theirs")

    github.open_pull_request("theirs", fork="mallory")
    [theirs] = github.run_all()
    assert "[] []" in theirs.log
    assert "Resource not accessible by integration" in theirs.log

    github.open_pull_request("ours")
    [ours] = github.run_all()
    assert "[***] [***]" in ours.log
    assert [issue["title"] for issue in github.issues.values()][-1] == "mine"


def test_a_title_full_of_shell_does_nothing_when_passed_by_environment(
    github: GitHub, clone: Checkout, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    title = f"$(touch {marker}) `touch {marker}`; touch {marker} # \"'"
    by_environment = '- run: echo "$TITLE"\n  env: {TITLE: "${{ github.event.pull_request.title }}"}'
    by_text = "- run: echo ${{ github.event.pull_request.title }}"
    clone.push(ci=workflow(job(by_environment), on="pull_request"))
    clone.push("harmless")
    clone.push("harmful", ci=workflow(job(by_text), on="pull_request"))

    github.open_pull_request("harmless", title=title)
    [run] = github.run_all()
    assert title in run.log
    assert not marker.exists()

    github.open_pull_request("harmful", title=title)
    github.run_all()
    assert marker.exists()  # so this test would see it


# Environments, triggers, order


def test_an_approval_is_waited_for_and_a_rejection_ends_the_run(github: GitHub, clone: Checkout) -> None:
    github.environments["approval"] = Environment(reviewers=True)
    github.environments["production"] = Environment(secrets={"KEY": "theirs"}, branches=["main"])
    waits = job("- run: 'true'", "approval", "environment: {name: approval, deployment: false}")
    ships = job("- run: echo [${{ secrets.KEY }}]", "ship", "needs: approval\nenvironment: production")
    clone.push(cd=workflow(waits + ships))

    [run] = github.run_all()
    assert (run.status, run.approvals) == ("waiting", ["approval"])
    github.approve(run)
    github.run_all()
    assert run.results == {"approval": "success", "ship": "success"}
    assert [deployment["environment"] for deployment in github.deployments] == ["production"]

    clone.push("side")
    [other] = github.run_all()
    github.reject(other)
    github.run_all()
    assert other.results == {"approval": "failure", "ship": "skipped"}


def test_an_environment_refuses_a_branch_that_it_does_not_name(github: GitHub, clone: Checkout) -> None:
    github.environments["production"] = Environment(secrets={"KEY": "theirs"}, branches=["main"])
    clone.push("side", cd=workflow(job("- run: echo [${{ secrets.KEY }}]", more="environment: production")))

    [run] = github.run_all()

    assert run.results == {"job": "failure"}
    assert "may not use the environment production" in run.jobs["job"].reason


def test_a_queue_runs_one_after_the_other_in_order(github: GitHub, clone: Checkout, tmp_path: Path) -> None:
    diary, tickets = tmp_path / "diary", github.folder / "concurrency/production"
    steps = f"""
    - run: |
        echo "begin $GITHUB_RUN_NUMBER" >> {diary}
        for _ in $(seq 600); do  # until the others wait behind this one
          [ "$(ls {tickets} | wc -l)" -lt $((4 - GITHUB_RUN_NUMBER)) ] || break
          sleep 0.1
        done
        echo "end $GITHUB_RUN_NUMBER" >> {diary}
    """
    queue = "concurrency: {group: production, queue: max}"
    clone.push(cd=workflow(job(steps), on="workflow_dispatch", more=queue))
    github.parallel = 3

    runs = [github.dispatch("cd") for _ in range(3)]
    github.run_all()

    assert diary.read_text().splitlines() == [f"{what} {number}" for number in (1, 2, 3) for what in ("begin", "end")]
    assert [run.conclusion for run in runs] == ["success"] * 3


def test_a_runner_that_is_killed_leaves_its_turn_to_the_next(github: GitHub, clone: Checkout, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    steps = (
        "- run: echo deployed >> DIARY\n- run: echo promoted >> DIARY\n- if: always()\n  run: echo restored >> DIARY"
    )
    queue = "concurrency: {group: production, queue: max}"
    clone.push(cd=workflow(job(steps.replace("DIARY", str(diary)), "ship", queue), on="workflow_dispatch"))

    github.dies_after = ("ship", "deployed")
    killed = github.dispatch("cd")
    github.run_all()
    assert (killed.conclusion, diary.read_text().split()) == ("failure", ["deployed"])

    github.dies_after = None
    following = github.dispatch("cd")
    github.run_all()
    assert following.conclusion == "success"


def test_what_failed_runs_again_and_what_ended_well_does_not(github: GitHub, clone: Checkout, tmp_path: Path) -> None:
    diary, ready = tmp_path / "diary", tmp_path / "ready"
    environment = "environment: {name: approval, deployment: false}"
    github.environments["approval"] = Environment(reviewers=True)
    build = f"""
    - run: |
        echo built >> {diary}
        echo made > made.txt
    - uses: {UPLOAD}
      with: {{name: made, path: made.txt}}
    - id: told
      run: echo "digest=abc" >> "$GITHUB_OUTPUT"
    """
    ship = f"""
    - uses: {DOWNLOAD}
      with: {{name: made}}
    - run: echo "shipped $(cat made.txt) $DIGEST, attempt $GITHUB_RUN_ATTEMPT" >> {diary}
      env: {{DIGEST: "${{{{ needs.build.outputs.digest }}}}"}}
    - run: test -f {ready}
    """
    jobs = job(build, "build", "outputs: {digest: '${{ steps.told.outputs.digest }}'}")
    jobs += job("- run: 'true'", "approval", f"needs: build\n{environment}")
    jobs += job(ship, "ship", "needs: [build, approval]") + job(f"- run: echo told >> {diary}", "tell", "needs: ship")
    clone.push(cd=workflow(jobs))
    [run] = github.run_all()
    github.approve(run)
    github.run_all()
    assert run.results == {"build": "success", "approval": "success", "ship": "failure", "tell": "skipped"}

    github.dies_after = ("ship", "shipped")
    github.rerun_failed(run)
    github.run_all()
    assert run.reason == "the runner was killed"
    github.dies_after = None
    ready.touch()
    github.rerun_failed(run)
    assert github.run_all() == [run]

    assert run.results == {"build": "success", "approval": "success", "ship": "success", "tell": "success"}
    shipped = [f"shipped made abc, attempt {attempt}" for attempt in (1, 2, 3)]
    assert diary.read_text().splitlines() == ["built", *shipped, "told"]


def test_a_newer_run_cancels_the_one_before_it(github: GitHub, clone: Checkout) -> None:
    steps = "- run: sleep 60\n- if: cancelled()\n  run: echo cleaned up"
    cancels = "concurrency: {group: 'ci-${{ github.ref }}', cancel-in-progress: true}"
    quick = workflow(job("- run: 'true'"), more=cancels)
    clone.push(ci=workflow(job(steps), more=cancels))
    clone.push(ci=quick)

    first, second = github.run_all()

    assert (first.conclusion, second.conclusion) == ("cancelled", "success")
    assert "cleaned up" in first.log or not first.jobs


def test_pull_requests_start_what_listens_to_them(github: GitHub, clone: Checkout) -> None:
    steps = job("- run: echo ${{ github.event.action }} ${{ github.event.label.name }} ${{ github.head_ref }}")
    clone.push(
        ci=workflow(steps, on="pull_request"),
        ct=workflow(steps, on="{pull_request: {types: [labeled]}, schedule: [{cron: '7 3 * * *'}]}"),
        docs=workflow(steps, on="{pull_request: {paths: [docs/**]}}"),
    )
    clone.push("topic")

    number = github.open_pull_request("topic")
    assert [run.workflow for run in github.run_all()] == ["ci"]
    clone.push("topic")
    assert "synchronize  topic" in github.run_all()[0].log
    github.label(number, "train")
    [labelled] = github.run_all()
    assert "labeled train topic" in labelled.log
    github.merge(number)
    assert github.pulls[number]["merged"]
    assert [run.event.name for run in github.runs[-1:]] == ["pull_request"]  # nothing listens to a push here
    assert github.tick("ct").event.name == "schedule"


def test_inputs_of_a_dispatch_are_checked_and_typed(github: GitHub, clone: Checkout) -> None:
    inputs = "{ref: {default: main}, force: {type: boolean}, how: {type: choice, options: [a, b], default: b}}"
    steps = job("- run: echo [${{ inputs.ref }}] [${{ inputs.force && 'forced' }}] [${{ inputs.how }}]")
    clone.push(ct=workflow(steps, on=f"{{workflow_dispatch: {{inputs: {inputs}}}}}"))
    path, token = "actions/workflows/ct.yml/dispatches", github.token(actions="write")

    assert ask(github, "POST", path, token, {"ref": "main", "inputs": {"unknown": "x"}})[0] == 422
    assert ask(github, "POST", path, token, {"ref": "main", "inputs": {"how": "c"}})[0] == 422
    assert ask(github, "POST", path, token, {"ref": "main", "inputs": {"force": "true"}})[0] == 204
    [run] = github.run_all()
    assert "[main] [forced] [b]" in run.log
