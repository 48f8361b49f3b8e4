"""What `cd4ml cloud bootstrap` makes in AWS and on GitHub, with the real aws against moto and a stand-in."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conftest import Bake
from tests.delivery.aws import cloud
from tests.delivery.aws.cloud import ACCOUNT, Moto
from tests.delivery.aws.site import DATA, PREDICTIONS, SLUG, Site, site_on_aws

PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


@pytest.fixture
def site(bake: Bake, moto_server: Moto, tmp_path: Path) -> Iterator[Site]:
    with site_on_aws(bake, moto_server, tmp_path) as site:
        yield site


def test_keys_go_to_github_each_may_do_its_part_and_a_second_run_changes_nothing(site: Site) -> None:
    said = site.run("bootstrap", "--set-secrets")

    assert site.names("users") == {"demo-reader", "demo-trainer", "demo-deployer"}
    assert site.names("roles") == {"demo-runtime", "demo-execution", "demo-infrastructure"}
    assert site.ecs.clusters == {"demo"}
    s3 = site.moto.client("s3")
    for bucket in (DATA, PREDICTIONS):
        closed = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert set(closed.values()) == {True}
        (refused,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert site.days_kept() == 90
    ecr = site.moto.client("ecr")
    (repository,) = ecr.describe_repositories()["repositories"]
    # a tag is the bundle's version, which a new image of the same bundle has too
    assert (repository["repositoryName"], repository["imageTagMutability"]) == ("demo", "MUTABLE")
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName="demo")["lifecyclePolicyText"])["rules"]
    # two patterns in one rule would be an image with both tags; what a rule matches, none after it removes
    kept = [(rule["selection"].get("tagPatternList"), rule["selection"]["countNumber"]) for rule in rules]
    assert [rule["rulePriority"] for rule in rules] == [1, 2, 3, 4]
    assert kept == [(["production"], 1), (["previous"], 1), (["*"], 20), (None, 20)]

    secrets = site.github["secret"]
    assert set(secrets) == {"reader", "trainer", "staging", "production"}
    keys = {place: (held["AWS_ACCESS_KEY_ID"], held["AWS_SECRET_ACCESS_KEY"]) for place, held in secrets.items()}
    assert len(set(keys.values())) == 3
    assert keys["staging"] == keys["production"]
    for name, secret in keys.values():
        assert name.startswith("AKIA")
        assert secret not in said
        assert "\n" not in name + secret
    api_key = site.moto.secret("demo-api-keys")
    assert secrets["production"]["SERVICE_API_KEYS"] == api_key
    assert len(api_key) >= 32
    assert api_key not in said
    assert not [path for path in Path(site.settings["XDG_CONFIG_HOME"]).rglob("*") if path.is_file()]
    assert site.github["variable"]["repository"] == {"AWS_REGION": cloud.REGION, "AWS_ACCOUNT_ID": ACCOUNT}

    before, told = site.everything(), json.dumps(site.github, sort_keys=True)
    site.ecs.writes.clear()
    said = site.run("bootstrap", "--set-secrets")
    assert "nothing was changed" in said
    assert not site.ecs.writes
    assert site.everything() == before
    assert json.dumps(site.github, sort_keys=True) == told

    assert f"s3://{PREDICTIONS}, for 30 days" in site.run("bootstrap", PREDICTION_LOG_DAYS="30")
    assert "for 30 days" in site.run("bootstrap")  # what was set stays
    assert site.days_kept() == 30

    who_may(site, keys)


def who_may(site: Site, keys: dict[str, tuple[str, str]]) -> None:
    """Try what each may."""

    def can(place: str, service: str, action: str, **asked: Any) -> bool:
        client = boto3.client(
            service, region_name=cloud.REGION, endpoint_url=site.settings["AWS_ENDPOINT_URL"],
            aws_access_key_id=keys[place][0], aws_secret_access_key=keys[place][1],
        )  # fmt: skip
        try:
            getattr(client, action)(**asked)
        except ClientError as refused:
            if refused.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
                raise
            return False
        return True

    for place, read, write, log in (
        ("reader", True, False, False), ("trainer", True, True, True), ("production", False, False, False),
    ):  # fmt: skip
        assert can(place, "s3", "list_objects_v2", Bucket=DATA) == read, place
        assert can(place, "s3", "put_object", Bucket=DATA, Key="files/md5/aa", Body=b"x") == write, place
        assert can(place, "s3", "list_objects_v2", Bucket=PREDICTIONS) == log, place
        assert not can(place, "s3", "put_object", Bucket=PREDICTIONS, Key="2026/x", Body=b"x"), place
        assert not can(place, "s3", "delete_object", Bucket=DATA, Key="files/md5/aa"), place
        assert not can(place, "secretsmanager", "get_secret_value", SecretId="demo-api-keys"), place
        of_deployer = can(place, "secretsmanager", "describe_secret", SecretId="demo-api-keys")
        assert of_deployer == (place == "production"), place
        assert not can(place, "iam", "create_access_key", UserName="demo-deployer"), place
        assert can(place, "ecr", "get_authorization_token") == (place == "production"), place
        assert can(place, "ecr", "describe_images", repositoryName="demo") == (place == "production"), place
        assert not can(place, "ecr", "delete_repository", repositoryName="demo"), place


@pytest.mark.drill
def test_on_a_first_day_it_waits_for_what_aws_does_not_know_yet(site: Site) -> None:
    delays = site.moto.gate.delays
    delays.calls = 4
    site.moto.client("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")  # by somebody, just before
    delays.calls = 3

    said = site.run("bootstrap", "--set-secrets", INSIST_PAUSE="0")

    assert "there    service role" in said, "AWS lists it a little later than it has it"
    waited = [line for line in said.splitlines() if line.startswith("waiting, as this passes: ")]
    for operation in (
        "(InvalidParameterException) when calling the CreateCluster",
        "(NoSuchEntity) when calling the AttachUserPolicy",
        "(NoSuchEntity) when calling the PutRolePolicy",
        "(NoSuchEntity) when calling the AttachRolePolicy",
        "(ResourceNotFoundException) when calling the GetSecretValue",
    ):
        assert any(operation in line for line in waited), said
    assert len(waited) == len(set(waited)), "each is told once"
    assert len(delays.met) > len(waited)
    delays.pass_by()
    assert "missing" not in site.run("doctor")


@pytest.mark.drill
def test_what_aws_does_not_know_in_time_ends_it_and_a_second_run_goes_on(site: Site) -> None:
    delays = site.moto.gate.delays
    delays.calls = 1000

    said = site.run("bootstrap", fails=True, INSIST_PAUSE="0", INSIST_PATIENCE="0")

    last = said.splitlines()[-1]
    assert last.startswith(
        "fargate: for 0 s: An error occurred (InvalidParameterException) when calling the CreateCluster"
    )
    assert last.endswith("that passes: run uv run cd4ml cloud bootstrap again in a few minutes")
    delays.reset()
    assert "made     cluster           demo" in site.run("bootstrap")


@pytest.mark.drill
def test_oidc_trusts_numbers_and_environments_and_destroy_removes_it_all(site: Site) -> None:
    nothing = site.everything()

    site.run("bootstrap", "--credentials", "oidc", "--set-secrets")

    iam = site.moto.client("iam")
    assert not site.names("users")
    subject = "repo:acme@815/flight-delays@4711:environment"
    for who, environments in (
        ("reader", ["reader"]),
        ("trainer", ["trainer"]),
        ("deployer", ["staging", "production"]),
    ):
        (trusted,) = iam.get_role(RoleName=f"demo-{who}")["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert trusted["Principal"] == {"Federated": PROVIDER}
        told = trusted["Condition"]["StringEquals"]
        assert told["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        assert told["token.actions.githubusercontent.com:sub"] == [f"{subject}:{name}" for name in environments]
    assert not any("AWS_ACCESS_KEY_ID" in held for held in site.github["secret"].values())
    assert site.github["variable"]["trainer"] == {"AWS_ROLE": f"arn:aws:iam::{ACCOUNT}:role/demo-trainer"}

    assert "nothing was removed" in site.run("destroy", "--yes", "another", fails=True)
    s3 = site.moto.client("s3")
    s3.put_bucket_versioning(Bucket=DATA, VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket=DATA, Key="files/md5/aa", Body=b"x")["VersionId"]
    assert f"s3://{DATA} has versioning" in site.run("destroy", "--yes", SLUG, fails=True)
    for version in (kept, s3.list_object_versions(Bucket=DATA)["DeleteMarkers"][0]["VersionId"]):
        s3.delete_object(Bucket=DATA, Key="files/md5/aa", VersionId=version)
    site.run("destroy", "--yes", SLUG)
    assert site.everything() == nothing
    site.run("destroy", "--yes", SLUG)


@pytest.mark.drill
def test_a_provider_that_somebody_else_made_is_used_and_left(site: Site) -> None:
    iam = site.moto.client("iam")
    url, audiences = "https://token.actions.githubusercontent.com", ["others", "sts.amazonaws.com"]
    iam.create_open_id_connect_provider(Url=url, ClientIDList=audiences)
    site.run("bootstrap", "--credentials", "oidc")
    known = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    assert known["ClientIDList"] == audiences

    assert "identity provider" not in site.run("destroy", "--yes", SLUG)
    assert [one["Arn"] for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [PROVIDER]


@pytest.mark.drill
def test_keys_rotate_in_two_steps_and_none_is_printed(site: Site) -> None:
    site.run("bootstrap", "--set-secrets")
    old, old_api_key = github_keys(site), site.moto.secret("demo-api-keys")

    said = site.run("rotate", "credentials", "--set-secrets")
    new = github_keys(site)
    assert not set(old.values()) & set(new.values())
    assert site.keys() == set(old.values()) | set(new.values())
    assert "has two keys already" in site.run("rotate", "credentials", fails=True)
    said += site.run("rotate", "credentials", "--finish")
    assert site.keys() == set(new.values())
    assert github_keys(site) == new

    said += site.run("rotate", "api-keys")
    api_key, kept = site.moto.secret("demo-api-keys").split(",")
    assert kept == old_api_key
    said += site.run("rotate", "api-keys", "--finish")
    assert site.moto.secret("demo-api-keys") == api_key
    with pytest.raises(ClientError, match="ResourceNotFound"):
        site.moto.client("secretsmanager").get_secret_value(SecretId="demo-api-keys", VersionStage="AWSPREVIOUS")
    assert "nothing to finish" in site.run("rotate", "api-keys", "--finish", fails=True)
    for secret in (api_key, old_api_key, *(held["AWS_SECRET_ACCESS_KEY"] for held in site.github["secret"].values())):
        assert secret not in said


def github_keys(site: Site) -> dict[str, str]:
    """By environment, the name of the key that GitHub was given."""
    return {place: held["AWS_ACCESS_KEY_ID"] for place, held in site.github["secret"].items()}


@pytest.mark.drill
def test_a_dry_run_and_doctor_make_nothing_and_tell_everything(site: Site) -> None:
    nothing = site.everything()
    said = site.run("bootstrap", "--dry-run", "--set-secrets", "--credentials", "oidc")
    assert site.everything() == nothing
    assert not site.ecs.writes
    lines = [line for line in said.splitlines() if line.startswith(("aws ", "gh "))]
    assert len(lines) > 30
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0, line

    said = site.run("doctor", fails=True)
    for row in (
        "missing  cluster           demo",
        f"missing  bucket            s3://{DATA}",
        "missing  key               demo-deployer",
        "missing  policy            demo-runtime: policies/runtime.json",
        "not yet  service           demo: cd deploys it",
        "missing or wrong; what is missing: uv run cd4ml cloud bootstrap",
    ):
        assert row in said
    assert site.everything() == nothing
    for arguments in (("--credentials", "keys"), ("--credentials",), ("--force",)):
        assert len(site.run("bootstrap", *arguments, fails=True).splitlines()) == 1


def test_credentials_of_another_account_make_nothing(site: Site) -> None:
    nothing = site.everything()
    for verb in (("bootstrap",), ("destroy", "--yes", SLUG)):
        said = site.run(*verb, fails=True, AWS_ACCOUNT_ID="210987654321")
        assert "AWS_ACCOUNT_ID is 210987654321" in said
    assert site.everything() == nothing


@pytest.mark.drill
@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("off", None),
        ("stdout", "stdout"),
        ("bucket", f"s3://{PREDICTIONS}/staging"),
    ],
)
def test_a_deploy_says_where_the_predictions_go(site: Site, where: str, told: str | None) -> None:
    site.run("bootstrap")
    site.log_to(where)

    said = site.run("deploy", f"host/demo@sha256:{'0' * 64}", "staging", "--dry-run")

    (line,) = [line for line in said.splitlines() if "create-express-gateway-service" in line]
    words = shlex.split(line)
    container = json.loads(words[words.index("--primary-container") + 1])
    given = {one["name"]: one["value"] for one in container["environment"]}
    assert given.get("PREDICTION_LOG") == told

    site.run("bootstrap", "--set-secrets")  # the workflow monitor reads that of production
    told_to_monitor = site.github["variable"]["repository"].get("PREDICTION_LOG")
    assert told_to_monitor == (f"s3://{PREDICTIONS}/production" if where == "bucket" else None)
