"""What was changed by hand in an account: told by `doctor`, mended by `bootstrap`, and left where that may stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_in_memory import ACCOUNT, DATA, PREDICTIONS, PROVIDER, Amazon, made, refused
from setting_up import run

OIDC = ("bootstrap", "--credentials", "oidc", "--set-secrets")
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _policy(state: dict[str, Any], who: str) -> dict[str, Any]:
    policy: dict[str, Any] = state["policies"][f"arn:aws:iam::{ACCOUNT}:policy/demo-{who}"]
    return policy


def _changed_policy(state: dict[str, Any]) -> None:
    _policy(state, "reader")["versions"]["v1"] = EVERYTHING


def _detached(state: dict[str, Any]) -> None:
    state["users"]["demo-trainer"]["attached"].clear()


def _inline(state: dict[str, Any]) -> None:
    state["users"]["demo-reader"]["inline"] = {"reader": EVERYTHING, "somebody's": EVERYTHING}


def _changed_role(state: dict[str, Any]) -> None:
    state["roles"]["demo-runtime"]["inline"]["runtime"] = EVERYTHING


def _changed_trust(state: dict[str, Any]) -> None:
    state["roles"]["demo-runtime"]["trust"] = EVERYTHING


def _opened(state: dict[str, Any]) -> None:
    state["buckets"][DATA]["block"]["BlockPublicPolicy"] = False


def _without_tls(state: dict[str, Any]) -> None:
    state["buckets"][DATA].pop("policy")


def _going(state: dict[str, Any]) -> None:
    state["going"].append("demo-api-keys")


def _other_rules(state: dict[str, Any]) -> None:
    state["registry"]["demo"] = state["registry"]["demo"].replace("20}", "3}")


@pytest.mark.parametrize(
    ("damage", "row", "mended"),
    [
        (_changed_policy, "wrong    policy            demo-reader has another policy: bootstrap fixes it",
         "policy            demo-reader: policies/reader.json again"),
        (_detached, "missing  attachment        demo-trainer: policy/demo-trainer",
         "attachment        demo-trainer: policy/demo-trainer"),
        (_inline, "wrong    policy            demo-reader has an inline policy, reader, beside policy/demo-reader: "
         "bootstrap fixes it", "policy            demo-reader: without the inline policy reader"),
        (_changed_role, "wrong    policy            demo-runtime has another policy: bootstrap fixes it",
         "policy            demo-runtime: policies/runtime.json again"),
        (_changed_trust, "wrong    trust             demo-runtime is trusted to others than it should: "
         "bootstrap fixes it", "trust             demo-runtime: trusted as policies/trust-tasks.json says"),
        (_opened, f"wrong    bucket            s3://{DATA} is not closed to the public: bootstrap fixes it",
         f"bucket            s3://{DATA}: closed to the public"),
        (_without_tls, f"wrong    bucket            s3://{DATA} takes requests without TLS: bootstrap fixes it",
         f"bucket            s3://{DATA}: TLS alone"),
        (_going, "wrong    secret            demo-api-keys is to be deleted: bootstrap fixes it",
         "secret            demo-api-keys, restored"),
        (_other_rules, "wrong    clean-up          the registry demo has other rules: bootstrap fixes it",
         "clean-up          keep-20.json again"),
    ],
)  # fmt: skip
def test_what_was_changed_by_hand_is_told_by_doctor_and_mended_by_bootstrap(
    damage: Callable[[dict[str, Any]], None], row: str, mended: str
) -> None:
    amazon = made()
    damage(amazon.state)

    looked, said = run(amazon, "doctor"), run(Amazon(amazon.state), "bootstrap")

    assert f"  {row}\n" in looked
    assert looked.endswith("failed: 1 missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n")
    assert not amazon.writes
    assert f"  made     {mended}\n" in said
    assert said.count("  made ") == 1
    assert "missing" not in run(Amazon(amazon.state), "doctor")
    assert "nothing was changed" in run(Amazon(amazon.state), "bootstrap")


def test_a_policy_of_five_versions_loses_its_oldest_one() -> None:
    amazon = made()
    policy = _policy(amazon.state, "deployer")
    meant = policy["versions"]["v1"]
    policy["versions"] = {"v9": EVERYTHING, "v10": EVERYTHING, "v11": EVERYTHING, "v12": EVERYTHING, "v2": EVERYTHING}
    policy |= {"now": "v2", "last": 12}

    assert "wrong    policy            demo-deployer has another policy" in run(Amazon(amazon.state), "doctor")
    said = run(amazon, "bootstrap")

    assert "  made     policy            demo-deployer: without its oldest version, v9\n" in said
    assert set(policy["versions"]) == {"v2", "v10", "v11", "v12", "v13"}
    assert policy["versions"][policy["now"]] == meant


def test_what_a_team_added_stays() -> None:
    amazon = made(*OIDC[1:])
    state = amazon.state
    bucket = state["buckets"][PREDICTIONS]
    cold = {"ID": "cold", "Status": "Enabled", "Filter": {"Prefix": ""}, "Transitions": [{"Days": 30}]}
    bucket["lifecycle"]["Rules"].insert(0, cold)
    mine = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}
    bucket["policy"] = json.dumps({"Version": "2012-10-17", "Statement": [mine]})
    rule = {"rulePriority": 9, "selection": {"tagStatus": "untagged"}, "action": {"type": "expire"}}
    state["registry"]["demo"] = json.dumps({"rules": [rule]})
    state["providers"][PROVIDER]["clients"] = ["others"]

    said = run(Amazon(state, PREDICTION_LOG_DAYS="30"), *OIDC)

    assert "failed" not in said
    assert f"  made     retention         s3://{PREDICTIONS}, for 30 days\n" in said
    assert [one["ID"] for one in bucket["lifecycle"]["Rules"]] == ["cold", "prediction-log"]
    assert [one["Effect"] for one in json.loads(bucket["policy"])["Statement"]] == ["Deny", "Deny"]
    assert json.loads(bucket["policy"])["Statement"][0] == mine
    assert json.loads(state["registry"]["demo"])["rules"][-1] == rule
    assert len(json.loads(state["registry"]["demo"])["rules"]) == 5
    assert state["providers"][PROVIDER]["clients"] == ["others", "sts.amazonaws.com"]
    assert f"retention         s3://{PREDICTIONS}, for 30 days\n" in run(Amazon(state), *OIDC)


def test_rules_of_a_registry_that_have_no_place_for_ours_are_left_and_the_run_goes_on() -> None:
    amazon = made()
    amazon.state["registry"]["demo"] = json.dumps({"rules": [{"rulePriority": 1}]})

    said = run(amazon, "bootstrap")

    assert (
        "  wrong    clean-up          the rules of the registry demo were left as they are: a rule of your own" in said
    )
    assert "failed" not in said
    assert not amazon.writes


@pytest.mark.parametrize("kept", ["policy", "lifecycle"])
def test_rules_of_a_bucket_that_nobody_understands_are_not_written_over(kept: str) -> None:
    amazon = made()
    amazon.state["buckets"][PREDICTIONS][kept] = {"policy": "{]", "lifecycle": {"Rules": 5}}[kept]

    said = run(amazon, "bootstrap")

    assert f" s3://{PREDICTIONS} cannot be read, and were not changed: " in said.splitlines()[-1]
    assert not amazon.writes


@pytest.mark.parametrize(
    ("operation", "failure"),
    [
        ("get-policy-version", "the policy demo-reader cannot be read, and was not changed: "),
        ("list-policy-versions", f"the versions of arn:aws:iam::{ACCOUNT}:policy/demo-reader cannot be listed, "
         "and it was not changed: "),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_read_stays_as_it_is(operation: str, failure: str) -> None:
    amazon = made()
    versions = amazon.state["policies"][f"arn:aws:iam::{ACCOUNT}:policy/demo-reader"]["versions"]
    versions["v1"] = EVERYTHING
    amazon.refuses = refused(operation)

    said = run(amazon, "bootstrap")

    assert f"failed: {failure}An error occurred (AccessDenied)" in said
    assert versions == {"v1": EVERYTHING}
