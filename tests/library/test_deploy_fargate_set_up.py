"""`bootstrap` and `doctor` on Fargate, without a process: what was stopped is completed, what a team added stays."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aws_in_memory import ACCOUNT, DATA, PREDICTIONS, Amazon, made, refused
from cd4ml.deploy import clouds
from cd4ml.deploy.set_up.identities import Jobs
from github_in_memory import Json
from setting_up import DEMO, killed_at, run, settled

OIDC = ("bootstrap", "--credentials", "oidc", "--set-secrets")


@pytest.mark.parametrize("words", [("bootstrap", "--set-secrets"), OIDC], ids=["keys", "oidc"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_bootstrap_that_was_stopped_at_any_write_is_completed_by_the_next(words: Sequence[str], moment: str) -> None:
    whole = Amazon()
    assert "failed" not in run(whole, *words)

    for number, write in enumerate(whole.writes, 1):
        shutil.rmtree("config", ignore_errors=True)
        stopped = Amazon()
        assert killed_at(stopped, (number, moment), *words)

        said = run(Amazon(stopped.state), *words)

        assert "failed" not in said, (number, said)
        if (write[2], moment) == ("create-access-key", "after"):  # AWS tells it once, and nobody has heard
            assert "and its key is not here: uv run cd4ml cloud rotate credentials --set-secrets" in said
            assert "failed" not in run(Amazon(stopped.state), "rotate", "credentials", "--set-secrets")
        else:
            assert settled(stopped.state) == settled(whole.state), write
        last = Amazon(stopped.state)
        assert "everything was there; nothing was changed" in run(last, *words)
        assert not last.writes


def test_each_identity_has_its_own_key_at_github_and_nothing_of_it_stays_here() -> None:
    amazon = made("--set-secrets")

    secrets = amazon.state["github"]
    keys = {place: (held["AWS_ACCESS_KEY_ID"], held["AWS_SECRET_ACCESS_KEY"]) for place, held in secrets.items()}
    assert keys == {
        place: (f"AKIA1-demo-{who}", f"s3cret/of AKIA1-demo-{who}")
        for who in Jobs().signing_in
        for place in Jobs().environments_of(who)
    }
    assert amazon.state["variables"]["repository"] == {"AWS_REGION": "eu-west-1", "AWS_ACCOUNT_ID": ACCOUNT}
    assert not list(Path("config").rglob("*/*/*"))


def test_without_set_secrets_keys_wait_in_files_that_their_owner_alone_can_read() -> None:
    amazon = Amazon()

    said = run(amazon, "bootstrap")

    files = sorted(path for path in Path("config").rglob("*") if path.is_file())
    assert [path.relative_to("config/demo-keys").as_posix() for path in files] == [
        f"{who}/{name}"
        for who in ("deployer", "reader", "trainer")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    ]
    assert {path.stat().st_mode & 0o077 for path in [*files, *Path("config").rglob("demo-keys")]} == {0}
    assert (
        "tr -d '\\n' < config/demo-keys/reader/AWS_SECRET_ACCESS_KEY | gh secret set AWS_SECRET_ACCESS_KEY --env"
        in said
    )
    assert "s3cret" not in said + json.dumps(amazon.calls)
    assert said.endswith("git commit .dvc/config; then make doctor\n")
    assert f"uv run dvc remote add --default storage s3://{DATA}" in said


def test_doctor_and_a_dry_run_make_nothing_and_name_everything() -> None:
    amazon, dry = Amazon(), Amazon(dry_run=True)

    looked, would = run(amazon, "doctor"), run(dry, *OIDC)

    assert not amazon.writes + dry.writes
    for row in ("service role", "cluster", "registry", "clean-up", "bucket", "retention", "secret", "identity",
                "policy", "attachment", "key"):  # fmt: skip
        assert f"  missing  {row:<18}" in looked, row
    assert f"  there    {'account':<18}{ACCOUNT}, eu-west-1\n" in looked
    assert "  not yet  service           demo: cd deploys it\n" in looked
    assert "is not closed to the public" not in looked, "what is not there is not open"
    assert looked.endswith(" missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n")
    lines = [line for line in would.splitlines() if line.startswith(("aws ", "gh "))]
    assert len(lines) > 30
    operations = [shlex.split(line)[2] for line in lines]
    for operation in ("create-cluster", "put-lifecycle-policy", "put-bucket-policy", "create-secret",
                      "create-open-id-connect-provider", "create-role", "put-role-policy"):  # fmt: skip
        assert operation in operations

    assert "missing" not in run(made(), "doctor")


@pytest.mark.parametrize("known", ["AWSServiceRoleForECS", "AWSServiceRoleForElasticLoadBalancing"])
def test_a_new_account_gets_the_roles_that_aws_makes_too_late(known: str) -> None:
    amazon = Amazon()
    amazon.state["service_roles"].append(known)

    assert "  missing  service role      " in run(amazon, "doctor")
    said = run(amazon, "bootstrap")

    assert sorted(amazon.state["service_roles"]) == ["AWSServiceRoleForECS", "AWSServiceRoleForElasticLoadBalancing"]
    for state, what in zip(
        ("there", "made") if known.endswith("ECS") else ("made", "there"), ("ECS", "load balancers"), strict=True
    ):
        assert f"  {state:<9}service role      that of {what}, for the whole account\n" in said


def test_what_was_just_made_is_waited_for_and_no_longer_than_the_bound() -> None:
    amazon = Amazon()
    amazon.unknown = 3
    said = run(amazon, "bootstrap", "--set-secrets")
    assert "failed" not in said
    for operation in ("(InvalidParameterException) when calling the CreateCluster",
                      "(NoSuchEntity) when calling the AttachUserPolicy",
                      "(NoSuchEntity) when calling the PutRolePolicy",
                      "(NoSuchEntity) when calling the AttachRolePolicy",
                      "(ResourceNotFoundException) when calling the GetSecretValue"):  # fmt: skip
        assert f"waiting, as this passes: An error occurred {operation} operation: whatever\n" in said

    amazon = Amazon(INSIST_PATIENCE="0")
    amazon.unknown = 3
    said = run(amazon, "bootstrap")
    assert said.splitlines()[-1].startswith("failed: for 0 s: An error occurred (InvalidParameterException)")
    assert said.splitlines()[-1].endswith("that passes: run uv run cd4ml cloud bootstrap again in a few minutes")
    assert "failed" not in run(Amazon(amazon.state), "bootstrap")


def test_what_was_made_before_and_is_not_shown_yet_is_there() -> None:
    amazon = made()
    amazon.unknown = 1
    for name in ("demo-reader", "demo-runtime"):
        amazon.hide(name)

    said = run(amazon, "bootstrap")

    for name in ("demo-reader", "demo-runtime"):
        assert f"  there    identity          {name}\n" in said


@pytest.mark.parametrize(
    ("operation", "failure"),
    [
        ("create-role", "identity demo-runtime could not be made (above is why): fix that and run bootstrap again"),
        ("create-secret", "the secret demo-api-keys could not be made (above is why)"),
        ("create-access-key",
         "no key for reader: where keys are forbidden, uv run cd4ml cloud bootstrap --credentials oidc"),
    ],
)  # fmt: skip
def test_an_error_that_does_not_pass_ends_the_run_and_is_not_repeated(operation: str, failure: str) -> None:
    amazon = Amazon()
    amazon.refuses = refused(operation)

    said = run(amazon, "bootstrap")

    assert "An error occurred (AccessDenied) when calling" in said
    assert said.endswith(f"failed: {failure}\n")
    assert len([argv for argv in amazon.calls if argv[2] == operation]) == 1


@pytest.mark.parametrize(
    ("operation", "failure"),
    [
        ("list-roles", "the list of roles cannot be read, and nothing was changed: "),
        ("describe-clusters", "cluster demo cannot be read: "),
        ("describe-repositories", "the registry demo cannot be read: "),
        ("get-lifecycle-policy", "the lifecycle rules of the registry demo cannot be read, and were not changed: "),
        ("get-bucket-location", f"s3://{DATA} cannot be read: "),
        ("get-public-access-block", f"s3://{DATA} cannot be read: "),
        ("get-bucket-policy", f"the policy of s3://{DATA} cannot be read, and were not changed: "),
        ("get-bucket-lifecycle-configuration",
         f"the lifecycle rules of s3://{PREDICTIONS} cannot be read, and were not changed: "),
        ("describe-secret", "demo-api-keys cannot be read: "),
        ("get-user", "user demo-reader cannot be read: "),
        ("get-policy", "the policy demo-reader cannot be read: "),
        ("list-attached-user-policies", "what is attached to demo-reader cannot be read: "),
        ("list-user-policies", "the inline policies of demo-reader cannot be read: "),
        ("get-role", "role demo-runtime cannot be read: "),
        ("get-role-policy", "the policy runtime of demo-runtime cannot be read: "),
        ("list-attached-role-policies", "what is attached to demo-execution cannot be read: "),
        ("list-access-keys", "the keys of demo-reader cannot be listed: "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_taken_for_absent(operation: str, failure: str) -> None:
    amazon = Amazon()
    amazon.refuses = refused(operation)

    said = run(amazon, "bootstrap")

    assert f"failed: {failure}An error occurred (AccessDenied)" in said
    assert not [argv for argv in amazon.writes if argv[2].replace("put", "get") == operation]


def test_doctor_goes_on_where_something_cannot_be_read() -> None:
    amazon = made()
    amazon.refuses = refused("get-bucket-location")

    said = run(amazon, "doctor")

    assert f"  wrong    bucket            s3://{DATA} cannot be read, and nothing was changed: An error" in said
    assert "  there    secret            demo-api-keys\n" in said
    assert said.endswith("failed: 2 missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n")


def test_with_oidc_roles_trust_environments_and_no_key_is_made() -> None:
    amazon = made(*OIDC[1:])

    assert not amazon.state["users"]
    assert set(amazon.state["roles"]) == {
        f"demo-{who}" for who in ("reader", "trainer", "deployer", "runtime", "execution", "infrastructure")
    }
    condition = amazon.state["roles"]["demo-deployer"]["trust"]["Statement"][0]["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:sub"] == [
        f"repo:acme@815/flights@4711:environment:{environment}" for environment in ("staging", "production")
    ]
    assert amazon.state["variables"]["trainer"] == {"AWS_ROLE": f"arn:aws:iam::{ACCOUNT}:role/demo-trainer"}
    assert not any("AWS_ACCESS_KEY_ID" in held for held in amazon.state["github"].values())


@pytest.mark.parametrize(
    ("subjects", "failure"),
    [
        ({"sub_claim_prefix": ""},
         "GitHub does not return the subject of its tokens (sub_claim_prefix) for acme/flights"),
        ({"sub_claim_prefix": 'repo:"'}, 'GitHub returned a subject that no policy can hold: repo:"'),
        ({"use_default": False, "include_claim_keys": ["repository_id", "context"]},
         "the subjects of the tokens of acme/flights are made of repository_id, context; only repo, context is "
         "supported: gh api repos/acme/flights/actions/oidc/customization/sub"),
        ({"use_default": False},
         "the subjects of the tokens of acme/flights are made of what its organization says, which cannot be read; "
         "only repo, context is supported: gh api repos/acme/flights/actions/oidc/customization/sub"),
    ],
)  # fmt: skip
def test_without_a_subject_nobody_is_trusted(subjects: Json, failure: str) -> None:
    amazon = Amazon()
    amazon.state["subjects"] = subjects

    assert run(amazon, *OIDC) == f"failed: {failure}\n"
    assert not amazon.writes


@pytest.mark.parametrize("keys", [["repo", "context"], ["repo", "job_workflow_ref"]])
def test_a_template_without_keys_is_that_of_the_organisation(keys: list[str]) -> None:
    amazon = Amazon()
    amazon.state |= {"subjects": {"use_default": False}, "keys_of_organisation": keys}

    said = run(amazon, *OIDC)

    assert ("are made of repo, job_workflow_ref; only" in said) == (keys[1] != "context")
    assert bool(amazon.writes) == (keys[1] == "context")


@pytest.mark.parametrize("credentials", ["service-account", "oidc"])
def test_a_private_repository_without_environments_has_one_identity_for_all_jobs(credentials: str) -> None:
    amazon = Amazon()
    amazon.state["plan"] = "free"
    words = ("bootstrap", "--credentials", credentials, "--set-secrets")

    said = run(amazon, *words)

    assert "GitHub has no environments for this private repository (plan Free)" in said
    assert "failed" not in said
    assert set(amazon.state["github"]) == {"repository"}
    of_service = {"demo-runtime", "demo-execution", "demo-infrastructure"}
    if credentials == "oidc":
        assert set(amazon.state["roles"]) == {"demo-deployer"} | of_service
        assert set(amazon.state["roles"]["demo-deployer"]["inline"]) == {"reader", "trainer", "deployer"}
        condition = amazon.state["roles"]["demo-deployer"]["trust"]["Statement"][0]["Condition"]["StringEquals"]
        assert condition["token.actions.githubusercontent.com:sub"] == [
            "repo:acme@815/flights@4711:ref:refs/heads/main"
        ]
    else:
        assert (set(amazon.state["users"]), set(amazon.state["roles"])) == ({"demo-deployer"}, of_service)
        assert len(amazon.state["users"]["demo-deployer"]["attached"]) == 3
    assert "nothing was changed" in run(Amazon(amazon.state), *words)


@pytest.mark.parametrize("verb", [("bootstrap",), ("doctor",), ("destroy", "--yes", "demo")])
def test_credentials_of_another_account_change_nothing(verb: Sequence[str]) -> None:
    amazon = Amazon(AWS_ACCOUNT_ID="210987654321")

    said = run(amazon, *verb)

    failure = f"these credentials are of account {ACCOUNT}, and AWS_ACCOUNT_ID is 210987654321"
    assert said.endswith(f"failed: {failure}\n")
    assert not amazon.writes


def test_doctor_tells_a_service_that_is_open_and_one_in_the_middle_of_a_release() -> None:
    amazon = made()
    paths = [{"accessType": "PUBLIC", "endpoint": "demo.example.com"}]
    active = {"serviceRevisionArn": "r", "ingressPaths": paths,
              "primaryContainer": {"secrets": [{"name": "MORE"}, {"name": "SERVICE_API_KEYS"}]}}  # fmt: skip
    service = {"status": {"statusCode": "ACTIVE"}, "tags": [], "activeConfigurations": [active]}
    amazon.state["services"]["demo"] = service

    assert "  there    service           demo https://demo.example.com\n" in run(amazon, "doctor")

    service["tags"] = [{"key": "candidate", "value": "sha256:1"}]
    told = "demo has a release that did not end: uv run cd4ml cloud restore production"
    assert f"  wrong    service           {told}\n" in run(amazon, "doctor")

    active["primaryContainer"] = {"secrets": [{"name": "MORE"}]}
    told = "demo wants no API key, and is open to anybody: deploy it again with uv run cd4ml cloud"
    assert f"  wrong    service           {told}\n" in run(amazon, "doctor")


@pytest.mark.parametrize(
    "setting", ["INSIST_PAUSE", "INSIST_PATIENCE", "PREDICTION_LOG_DAYS", "FARGATE_PAUSE", "FARGATE_PATIENCE"]
)
def test_wrong_settings_are_named_in_one_line(setting: str) -> None:
    amazon = Amazon(**{setting: "a while"})

    said = run(amazon, "bootstrap")

    assert said.startswith(f"failed: {setting} is ")
    assert len(said.splitlines()) == 1
    assert not amazon.writes


_AWS = """#!/bin/sh
if [ "$1" = sts ]; then
    echo '{"Account": "123456789012"}'
    exit
fi
if [ "$AWS_CLI_ERROR_FORMAT" = legacy ]; then
    echo "An error occurred (ResourceNotFoundException) when calling an operation: there is none" >&2
else
    echo '{"Code": "ResourceNotFoundException", "Message": "there is none"}' >&2
fi
exit 254
"""


def test_aws_is_told_to_print_its_errors_as_they_are_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "aws").write_text(_AWS)
    (tmp_path / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CLI_ERROR_FORMAT", "json")

    with pytest.raises(SystemExit):
        clouds.run(replace(DEMO, platform="fargate"), ["doctor"])

    said = capfd.readouterr().out
    assert "  missing  cluster           demo\n" in said
    assert "  missing  key               demo-deployer\n" in said
    assert "cannot be read" not in said
