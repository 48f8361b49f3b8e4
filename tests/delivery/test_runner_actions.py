"""Actions: one run of one workflow in whose jobs each does what GitHub's own does, which the tests look at."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.delivery.github import GitHub, Run
from tests.delivery.small_workflows import (
    AUTH,
    CHECKOUT,
    DOWNLOAD,
    LOGIN,
    UPLOAD,
    Checkout,
    clone,
    job,
    run_of,
    workflow,
)

__all__ = ["clone"]

JOBS: list[str] = []


@pytest.fixture(scope="module")
def run(need_runner: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The run of everything in JOBS."""
    settings = {"STANDIN_DOCKERHUB": "acme:right", "STANDIN_GOOGLE_TRUST": json.dumps(TRUST)}
    with run_of(JOBS, tmp_path_factory.mktemp("run"), settings=settings, secrets=KEYS) as run:
        yield run


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
- run: |
    ls gha-creds-*.json && test -s "$CLOUDSDK_AUTH_ACCESS_TOKEN_FILE" && echo "project $GCP_PROJECT"
    test "$CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE" = "$GOOGLE_APPLICATION_CREDENTIALS"
"""
GIVES_A_TOKEN = ENTERS.replace("NAME", "EXPIRED").replace('}}"}', '}}", token_format: access_token}')
JOBS += [job(GIVES_A_TOKEN, "expired-token")]
JOBS += [job(ENTERS.replace("NAME", name), f"key-{name}") for name in KEYS]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("RIGHT", "project acme"),
        ("EXPIRED", "project acme"),
        ("BROKEN", "failed to parse"),
        ("ABSENT", "exactly one of"),
    ],
)
def test_a_google_key_is_judged_where_the_action_does(run: Run, name: str, said: str) -> None:
    job = run.jobs[f"key-{name}"]
    assert (job.result == "success") == (name in ("RIGHT", "EXPIRED"))
    assert said in job.log


def test_an_expired_google_key_is_seen_by_whoever_asks_google_for_a_token(run: Run) -> None:
    """The action itself signs with it and asks nobody."""
    assert run.jobs["expired-token"].result == "failure"
    assert "(expired key)" in run.jobs["expired-token"].log


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


UV = f"""- uses: astral-sh/setup-uv@{"a" * 40}
  with: {{SETTING}}
- run: echo "${{UV_CACHE_DIR##*/}} ${{UV_PYTHON_INSTALL_DIR##*/}} $PATH"
"""
JOBS += [
    job(UV.replace("SETTING", setting), name, READ)
    for name, setting in {
        "uv-cached": "enable-cache: true, cache-suffix: ci-code",
        "uv-mistyped": "enable-cache: true, cache-sufix: ci-code",
        "uv-unsure": "enable-cache: maybe",
    }.items()
]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cached", "setup-uv-cache uv-python-dir "),
        ("mistyped", "Unexpected input(s) cache-sufix"),
        ("unsure", "enable-cache is maybe"),
    ],
)
def test_uv_is_set_up_by_inputs_that_its_action_has(run: Run, name: str, said: str) -> None:
    job = run.jobs[f"uv-{name}"]
    assert (job.result == "success") == (name == "cached")
    assert said in job.log


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        ("actions/checkout@v7", "is not pinned"),
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
