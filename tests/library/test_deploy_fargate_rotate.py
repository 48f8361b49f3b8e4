"""`rotate` and `destroy` on Fargate, without a process: what was stopped is completed, and no key is seen."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_in_memory import ACCOUNT, Amazon, made, refused
from cd4ml.deploy.set_up.identities import Jobs
from setting_up import killed_at, run

REMOVED = "removed; GitHub keeps its environments, variables and secrets: gh secret delete, gh variable delete\n"
KEPT = ("clusters", "services", "registry", "buckets", "secrets", "users", "roles", "policies")
ROTATE = ("rotate", "credentials", "--set-secrets")


def serving(amazon: Amazon) -> Amazon:
    """With a service in each environment."""
    for name in ("demo", "demo-staging"):
        amazon.state["services"][name] = {"status": {"statusCode": "ACTIVE"}}
    return amazon


def is_left(state: dict[str, Any]) -> dict[str, Any]:
    """What of it is there still."""
    return {kind: state[kind] for kind in KEPT if state[kind]}


def test_no_key_is_printed_or_passed_as_an_argument() -> None:
    amazon, everything = Amazon(), ""
    for words in (("bootstrap", "--set-secrets"), ("rotate", "api-keys"), ("rotate", "api-keys", "--finish"),
                  ROTATE, ("rotate", "credentials", "--finish")):  # fmt: skip
        everything += run(amazon, *words)
    everything += json.dumps(amazon.calls)

    keys = set(",".join(amazon.state["secrets"]["demo-api-keys"].values()).split(","))
    assert len(keys) == 2
    assert not [key for key in keys if key in everything]
    assert "failed" not in everything
    assert "s3cret" not in everything
    told = amazon.state["github"]["production"]
    assert told["AWS_ACCESS_KEY_ID"] == "AKIA2-demo-deployer"
    assert told["AWS_SECRET_ACCESS_KEY"] == "s3cret/of AKIA2-demo-deployer"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_rotation_of_api_keys_that_was_stopped_is_finished_by_the_next(moment: str) -> None:
    finish = ("rotate", "api-keys", "--finish")
    for number in (1, 2):
        amazon = made()
        run(amazon, "rotate", "api-keys")
        newest = amazon.state["secrets"]["demo-api-keys"]["v2"].partition(",")[0]
        assert killed_at(amazon, (len(amazon.writes) + number, moment), *finish)

        said = run(Amazon(amazon.state), *finish)

        assert "failed" not in said or "nothing to finish" in said
        labels = amazon.state["labels"]["demo-api-keys"]
        assert list(labels) == ["AWSCURRENT"], "what has no label cannot be read"
        assert amazon.state["secrets"]["demo-api-keys"][labels["AWSCURRENT"]] == newest
    assert "there is one key alone: nothing to finish" in run(Amazon(amazon.state), *finish)


def test_a_dry_run_of_a_rotation_names_the_version_that_will_be_the_earlier_one() -> None:
    amazon = made()
    run(amazon, "rotate", "api-keys")
    dry = Amazon(amazon.state, dry_run=True)

    said = run(dry, "rotate", "api-keys", "--finish")

    (line,) = [line for line in said.splitlines() if "update-secret-version-stage" in line]
    assert "--version-stage AWSPREVIOUS --remove-from-version-id v2 " in line
    assert not dry.writes


def test_api_keys_that_are_not_there_or_cannot_be_read_are_not_written() -> None:
    said = run(nothing := Amazon(), "rotate", "api-keys")
    assert said == "failed: the API keys cannot be read: uv run cd4ml cloud bootstrap\n"
    assert not nothing.writes

    amazon = made()
    amazon.refuses = refused("get-secret-value", "AccessDeniedException")
    assert run(amazon, "rotate", "api-keys").endswith("the API keys cannot be read: uv run cd4ml cloud bootstrap\n")
    assert not amazon.writes


def assert_github_has_the_one_key_of_each(state: dict[str, Any]) -> None:
    """No user has another key than the one that its environment signs in with, which is not the first."""
    assert len(state["users"]) == len(Jobs().signing_in)
    for name, user in state["users"].items():
        (key,) = user["keys"]
        assert key != f"AKIA1-{name}", "the key is the old one"
        who = name.removeprefix("demo-")
        told = state["github"]["production" if who == "deployer" else who]
        assert (told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]) == (key, f"s3cret/of {key}")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_rotation_of_credentials_that_was_stopped_is_finished_by_the_next(moment: str) -> None:
    for number in range(1, 20):
        shutil.rmtree("config", ignore_errors=True)
        amazon = made("--set-secrets")
        was_stopped = killed_at(amazon, (number, moment), *ROTATE)
        if was_stopped:
            if moment == "after" and amazon.writes[-1][2] == "create-access-key":  # AWS tells a key once: it is lost
                said = run(amazon := Amazon(amazon.state), "rotate", "credentials", "--finish")
                assert "stopped while it made a key of demo-" in said, (number, said)
                assert not amazon.writes
            said = run(amazon := Amazon(amazon.state), *ROTATE)
            assert "failed" not in said or "has two keys already" in said, (number, said)
        assert "failed" not in run(Amazon(amazon.state), "rotate", "credentials", "--finish"), number
        assert_github_has_the_one_key_of_each(amazon.state)
        if not was_stopped:
            break
    assert number > 10


@pytest.mark.parametrize("has_half", [False, True], ids=["no part", "one part"])
@pytest.mark.parametrize("words", [(), ("--set-secrets",)], ids=["by hand", "told"])
def test_bootstrap_does_not_hide_that_a_stopped_rotation_has_lost_a_key(has_half: bool, words: tuple[str, ...]) -> None:
    amazon = made("--set-secrets")
    assert killed_at(amazon, (1, "after"), *ROTATE)
    assert amazon.writes[-1][2] == "create-access-key"
    if has_half:
        Path("config/demo-keys/reader/AWS_ACCESS_KEY_ID").write_text("AKIA2-demo-reader\n")

    said = run(amazon := Amazon(amazon.state), "bootstrap", *words)

    assert "failed" not in said
    assert "rm -r config/demo-keys/reader" not in said
    assert amazon.state["github"]["reader"]["AWS_ACCESS_KEY_ID"] == "AKIA1-demo-reader"
    assert "stopped while it made a key of demo-reader" in run(amazon, "rotate", "credentials", "--finish")
    assert "failed" not in run(amazon, *ROTATE)
    assert "failed" not in run(amazon, "rotate", "credentials", "--finish")
    assert_github_has_the_one_key_of_each(amazon.state)


def test_a_rotation_is_not_finished_while_github_may_not_know_the_new_keys() -> None:
    amazon = made("--set-secrets")
    run(amazon, "rotate", "credentials")

    assert "GitHub may not know the new keys yet" in run(amazon, "rotate", "credentials", "--finish")
    run(amazon, *ROTATE)
    assert "has two keys already" in run(amazon, "rotate", "credentials")
    assert "failed" not in run(amazon, "rotate", "credentials", "--finish")
    assert "has one key alone: nothing to finish" in run(amazon, "rotate", "credentials", "--finish")


@pytest.mark.parametrize("words", [(), ("--credentials", "oidc")], ids=["keys", "oidc"])
def test_destroy_removes_it_all_wherever_an_earlier_one_was_stopped(words: tuple[str, ...]) -> None:
    whole = serving(made(*words))
    assert run(whole, "destroy", "--yes", "demo").endswith(REMOVED)
    assert not is_left(whole.state)

    stopped = 0
    for number in range(1, len(whole.writes) + 1):
        shutil.rmtree("config", ignore_errors=True)
        amazon = serving(made(*words))
        stopped += killed_at(amazon, (number, "after"), "destroy", "--yes", "demo")

        said = run(amazon := Amazon(amazon.state), "destroy", "--yes", "demo")

        assert said.endswith(REMOVED), (number, said)
        assert not is_left(amazon.state)
        assert not amazon.state["providers"]
    assert stopped > 20


def test_destroy_leaves_a_provider_that_somebody_else_made_and_removes_policies_of_several_versions() -> None:
    amazon = made("--credentials", "oidc")
    (provider,) = amazon.state["providers"].values()
    provider["tags"] = [{"Key": "made-for", "Value": "another"}]
    run(amazon, "bootstrap")
    policy = amazon.state["policies"][f"arn:aws:iam::{ACCOUNT}:policy/demo-deployer"]
    policy["versions"] |= {"v2": {}, "v3": {}}

    said = run(amazon, "destroy", "--yes", "demo")

    assert "identity provider" not in said
    assert said.endswith(REMOVED)
    assert not is_left(amazon.state)
    assert amazon.state["providers"]


def test_destroy_where_one_identity_works_for_all() -> None:
    amazon = Amazon()
    amazon.state["plan"] = "free"
    run(amazon, "bootstrap")

    assert run(Amazon(amazon.state), "destroy", "--yes", "demo").endswith(REMOVED)
    assert not is_left(amazon.state)


def test_destroy_asks_first_and_lists_what_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    amazon = made("--credentials", "oidc")
    monkeypatch.setattr("sys.stdin", io.StringIO("other\n"))

    said = run(amazon, "destroy")

    assert said.startswith("This removes from AWS, eu-west-1, and nothing here brings it back:\n")
    provider = "the account's identity provider token.actions.githubusercontent.com, which this project made"
    for row in (
        f"account     {ACCOUNT}",
        "services    demo-staging, demo, and the cluster demo",
        "identities  demo-reader, -trainer, -deployer, -runtime, -execution, -infrastructure, their policies and keys",
        f"trust       {provider}: other projects may use it by now",
    ):
        assert f"\n  {row}" in said
    assert said.endswith("Type demo to go on: failed: nothing was removed\n")
    assert not amazon.writes


def test_a_dry_run_of_destroy_prints_every_command_and_removes_nothing() -> None:
    amazon = serving(made())
    dry = Amazon(amazon.state, dry_run=True)

    said = run(dry, "destroy")

    assert not dry.writes
    lines = [line for line in said.splitlines() if line.startswith("aws ")]
    assert "aws iam delete-access-key --user-name demo-reader --access-key-id AKIA1-demo-reader" in lines
    assert any(line.startswith("aws s3 rb ") for line in lines)
    assert any(line.startswith("aws ecs delete-cluster ") for line in lines)


@pytest.mark.parametrize("code", ["ServiceNotActiveException", "InvalidParameterException"])
def test_destroy_takes_a_service_for_gone_that_the_list_does_not_have(code: str) -> None:
    amazon = made()
    amazon.absent = code

    said = run(amazon, "destroy", "--yes", "demo")

    assert "  gone     service           demo\n" in said
    assert said.endswith(REMOVED)


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("list-access-keys", "the keys of demo-reader cannot be listed: An error occurred (AccessDenied)"),
        ("list-policy-versions", "the versions of demo-reader cannot be read: An error occurred (AccessDenied)"),
        ("delete-secret", "An error occurred (AccessDenied) when calling the DeleteSecret operation"),
    ],
)
def test_destroy_goes_on_where_something_is_refused_and_says_so_at_the_end(operation: str, told: str) -> None:
    amazon = serving(made())
    amazon.refuses = refused(operation)

    said = run(amazon, "destroy", "--yes", "demo")

    assert told in said
    assert said.endswith("failed: some could not be removed (above is why): run this again\n")
    assert not is_left(amazon.state).keys() & {"clusters", "services", "registry", "buckets", "roles"}
    assert run(Amazon(amazon.state), "destroy", "--yes", "demo").endswith(REMOVED)
    assert not is_left(amazon.state)


def test_a_bucket_with_earlier_versions_is_left_to_people() -> None:
    amazon = made()
    amazon.state["buckets"][f"demo-dvc-{ACCOUNT}"]["versioning"] = True

    said = run(amazon, "destroy", "--yes", "demo")

    assert "(BucketNotEmpty)" in said
    hint = f"fargate: s3://demo-dvc-{ACCOUNT} has versioning, and holds earlier versions still: S3's console, Empty"
    assert f"\n{hint}" in said
    assert list(amazon.state["buckets"]) == [f"demo-dvc-{ACCOUNT}"]


def test_a_cluster_is_not_touched_before_its_services_are_gone() -> None:
    amazon = serving(made(FARGATE_PATIENCE="0"))
    amazon.drains = 9

    said = run(amazon, "destroy", "--yes", "demo")

    failure = "demo-staging did not get there within 0 seconds (DRAINING): run this again; FARGATE_PATIENCE lets"
    assert f"failed: {failure} this wait longer\n" in said
    assert amazon.state["clusters"] == ["demo"]
