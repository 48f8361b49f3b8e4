"""deploy/fargate.sh as text: it is well formed, says what it can do, and gives nothing a name that AWS refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake

LONGEST = ("flight-delays-" * 3)[:40]
LONGEST_REGION = "ap-southeast-1"
CERTIFICATE = 64  # characters that the name in one may have


@pytest.fixture(scope="module")
def project(bake: Bake) -> Path:
    return bake(platform="fargate", project_slug=LONGEST)


def _told(project: Path, expression: str) -> str:
    settings = f"SLUG={LONGEST} ACCOUNT=123456789012 PARTITION=aws AWS_REGION={LONGEST_REGION} HERE={project}/deploy"
    settings += " SUBJECT=repo:acme@1/flights@2"
    parts = ("any-cloud/names", "any-cloud/keys", "fargate/names", "fargate/trust", "fargate/identities")
    command = f"{settings}; {''.join(f'. {project}/deploy/{part}.sh; ' for part in parts)} {expression}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


def _policy(project: Path, name: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(_told(project, f"policy {name} deployer"))["Statement"]
    return told


def test_the_scripts_satisfy_shellcheck(project: Path) -> None:
    scripts = [str(path) for path in sorted((project / "deploy").rglob("*.sh")) if "fargate" in str(path)]
    assert len(scripts) > 10
    done = subprocess.run(["shellcheck", "--external-sources", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for script in scripts:
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_alone_it_lists_every_verb_and_without_settings_it_says_what_is_missing(project: Path) -> None:
    settings = {"PATH": os.environ["PATH"]}
    script = str(project / "deploy/fargate.sh")
    done = subprocess.run([script], env=settings, capture_output=True, text=True, check=True)
    verbs = "bootstrap doctor rotate destroy deploy smoke promote canary restore rollback status url".split()
    assert re.findall(r"^  ([a-z]+)", done.stdout, re.MULTILINE) == verbs

    for verb, asked in (("promotr", "no verb"), ("deploy", "aws is not here|AWS_REGION is not set")):
        refused = subprocess.run([script, verb], env=settings, capture_output=True, text=True, check=False)
        assert refused.returncode == 1
        assert re.fullmatch(f"fargate: [^\n]*({asked})[^\n]*\n", refused.stderr)


def test_no_address_without_encryption_and_no_key_among_arguments(project: Path) -> None:
    for path in (project / "deploy").rglob("fargate*/*.sh"):
        text = path.read_text(encoding="utf-8")
        for address in re.findall(r"http://[^ '\"|)}]+", text):
            assert re.match(r"http://(127\.0\.0\.1|localhost)", address), f"{path.name}: {address}"
        assert not re.search(r"--secret-string (?!file:///dev/stdin)", text)


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("https://demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("http://demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1.example.com", "https://127.0.0.1.example.com"),
    ],
)
def test_an_endpoint_is_handed_out_encrypted(project: Path, endpoint: str, address: str) -> None:
    assert _told(project, f". {project}/deploy/fargate/service.sh; secure {endpoint}") == address


def test_names_are_as_short_as_aws_wants_them_and_differ(project: Path) -> None:
    services = _told(project, "service_name production; echo; service_name staging").split()
    assert len(set(services)) == 2
    assert all(len(f"{name}-12345678.ecs.{LONGEST_REGION}.on.aws") <= CERTIFICATE for name in services)
    everybody = "reader trainer deployer runtime execution infrastructure"
    accounts = _told(project, f"for who in {everybody}; do account_id $who; echo; done").split()
    assert len(set(accounts)) == 6
    assert all(len(name) <= 64 for name in accounts)
    buckets = _told(project, "bucket_name dvc; echo; bucket_name predictions").split()
    assert all(len(name) <= 63 for name in buckets)
    assert _told(project, "short flight-delays-staging 28") == "flight-delays-staging"
    assert _told(project, f"short {LONGEST}x 28") != _told(project, f"short {LONGEST}y 28")


def test_policies_are_whole_and_name_this_project_alone(project: Path) -> None:
    names = [path.stem for path in (project / "deploy/fargate/policies").glob("*.json")]
    assert len(names) == 9
    for name in names:
        text = _told(project, f"BUCKET=b; policy {name} deployer")
        assert not re.search(r"@[A-Z]+@", text), name
        for statement in json.loads(text)["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert statement["Effect"] == "Deny" or not any("*" in action for action in actions), name
            if statement.get("Resource") == "*":
                assert set(actions) == {"ecr:GetAuthorizationToken", "ecs:RegisterTaskDefinition"}


def test_the_service_can_add_to_its_log_and_nothing_else(project: Path) -> None:
    bucket = _told(project, "bucket_name predictions")
    assert _policy(project, "runtime") == [
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    ]


def test_github_is_trusted_by_environment(project: Path) -> None:
    (trusted,) = _policy(project, "trust-github")
    assert trusted["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": [
                "repo:acme@1/flights@2:environment:staging",
                "repo:acme@1/flights@2:environment:production",
            ],
        }
    }
