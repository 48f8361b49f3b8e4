"""What `cd4ml cloud doctor` sees in AWS, and how `bootstrap` takes what it cannot see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.aws.cloud import ACCOUNT, REGION, Moto
from tests.delivery.aws.identities import policy
from tests.delivery.aws.site import DATA, Site, site_on_aws

pytestmark = pytest.mark.drill


@pytest.fixture
def site(bake: Bake, moto_server: Moto, tmp_path: Path) -> Iterator[Site]:
    with site_on_aws(bake, moto_server, tmp_path) as site:
        yield site


def test_what_was_opened_by_hand_is_told_by_doctor_and_closed_by_bootstrap(site: Site) -> None:
    site.run("bootstrap")
    assert "missing" not in site.run("doctor")
    iam, s3 = site.moto.client("iam"), site.moto.client("s3")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    site.moto.change_rights("demo-reader", everything)
    trainer = f"arn:aws:iam::{ACCOUNT}:policy/demo-trainer"
    iam.detach_user_policy(UserName="demo-trainer", PolicyArn=trainer)
    iam.put_role_policy(RoleName="demo-runtime", PolicyName="runtime", PolicyDocument=json.dumps(everything))
    s3.delete_public_access_block(Bucket=DATA)
    ecr = site.moto.client("ecr")
    rules = ecr.get_lifecycle_policy(repositoryName="demo")["lifecyclePolicyText"]
    ecr.put_lifecycle_policy(repositoryName="demo", lifecyclePolicyText=rules.replace("20}", "3}"))

    said = site.run("doctor", fails=True)
    for wrong in (
        "wrong    policy            demo-reader has another policy",
        "missing  attachment        demo-trainer: policy/demo-trainer",
        "wrong    policy            demo-runtime has another policy",
        f"s3://{DATA} is not closed",
        "the registry demo has other rules",
    ):
        assert wrong in said
    site.run("bootstrap")
    site.run("doctor")


def test_a_policy_that_was_changed_again_and_again_is_mended_though_only_five_versions_may_exist(site: Site) -> None:
    site.run("bootstrap")
    meant = site.moto.rights("demo-deployer")
    iam, arn = site.moto.client("iam"), f"arn:aws:iam::{ACCOUNT}:policy/demo-deployer"
    for number in range(4):
        site.moto.change_rights("demo-deployer", meant | {"Id": f"by hand, {number}"})
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")

    site.run("bootstrap")

    assert site.moto.rights("demo-deployer") == meant
    kept = {one["VersionId"]: one["IsDefaultVersion"] for one in iam.list_policy_versions(PolicyArn=arn)["Versions"]}
    assert kept == {"v2": False, "v3": False, "v4": False, "v5": False, "v6": True}
    assert "nothing was changed" in site.run("bootstrap")


def test_inline_policies_of_an_earlier_version_go_once_the_others_are_attached(site: Site) -> None:
    iam, keys = site.moto.client("iam"), {}
    for who in ("reader", "trainer", "deployer"):
        name, allowed = f"demo-{who}", policy(who, "demo", ACCOUNT, REGION)
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=who, PolicyDocument=allowed)
        keys[name] = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    iam.put_user_policy(
        UserName="demo-reader", PolicyName="somebody's", PolicyDocument=policy("reader", "demo", ACCOUNT, REGION)
    )

    said = site.run("doctor", fails=True)
    assert "missing  policy            demo-reader: policies/reader.json" in said
    assert "demo-reader has an inline policy, reader, beside policy/demo-reader: bootstrap fixes it" in said
    site.run("bootstrap")

    for who in ("reader", "trainer", "deployer"):
        assert site.attached(f"demo-{who}") == {f"demo-{who}"}
    assert iam.list_user_policies(UserName="demo-reader")["PolicyNames"] == ["somebody's"]
    assert not iam.list_user_policies(UserName="demo-deployer")["PolicyNames"]
    assert site.keys() == set(keys.values()), "users that were there keep their keys, and get no others"
    assert "nothing was changed" in site.run("bootstrap")


def test_a_secret_that_is_to_be_deleted_is_restored_with_its_keys(site: Site) -> None:
    site.run("bootstrap")
    keys = site.moto.secret("demo-api-keys")
    site.moto.client("secretsmanager").delete_secret(SecretId="demo-api-keys", RecoveryWindowInDays=7)

    assert "wrong    secret            demo-api-keys is to be deleted" in site.run("doctor", fails=True)
    assert "made     secret            demo-api-keys, restored" in site.run("bootstrap")
    assert site.moto.secret("demo-api-keys") == keys


def test_doctor_does_not_take_a_service_that_nothing_runs_in_for_an_open_one(site: Site) -> None:
    site.ecs.clusters.add("demo")
    container = {"image": "no.such.host/image", "containerPort": 8080}
    site.ecs.act("Create", {"serviceName": "demo", "cluster": "demo", "primaryContainer": container})
    site.ecs.services["demo"].settle()
    said = site.run("doctor", fails=True)
    assert "there    service           demo" in said
    assert "open to anybody" not in said


def test_keys_that_cannot_be_listed_are_not_made_again(site: Site) -> None:
    site.run("bootstrap")
    known = site.keys()
    busy = Path(site.settings["PATH"].split(":")[0], "aws")
    refuse = 'case "$*" in *list-access-keys*) echo "Rate exceeded" >&2; exit 254 ;; esac'
    busy.write_text(f'#!/bin/sh\n{refuse}\nexec {shutil.which("aws")} "$@"\n')
    busy.chmod(0o755)
    assert "cannot be listed: Rate exceeded" in site.run("bootstrap", fails=True)
    busy.unlink()
    assert site.keys() == known
