"""What `cd4ml cloud doctor` sees in AWS, and how `bootstrap` takes what it cannot see."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.aws.cloud import Moto
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
    everything = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    iam.put_user_policy(UserName="demo-reader", PolicyName="reader", PolicyDocument=everything)
    s3.delete_public_access_block(Bucket=DATA)
    ecr = site.moto.client("ecr")
    rules = ecr.get_lifecycle_policy(repositoryName="demo")["lifecyclePolicyText"]
    ecr.put_lifecycle_policy(repositoryName="demo", lifecyclePolicyText=rules.replace("20}", "3}"))

    said = site.run("doctor", fails=True)
    for wrong in ("demo-reader has another policy", f"s3://{DATA} is not closed", "the registry demo has other rules"):
        assert wrong in said
    site.run("bootstrap")
    site.run("doctor")


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
