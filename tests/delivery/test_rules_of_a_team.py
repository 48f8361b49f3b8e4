"""`cd4ml cloud bootstrap` keeps the rules that a team has added to what its cloud replaces as a whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.aws.cloud import Moto
from tests.delivery.aws.site import DATA, PREDICTIONS, site_on_aws
from tests.delivery.aws.site import Site as AwsSite
from tests.delivery.azure import cloud as azure_cloud
from tests.delivery.azure.site import Site as AzureSite
from tests.delivery.azure.site import site_on_azure
from tests.delivery.clouds import Need
from tests.delivery.google.site import Site as GoogleSite
from tests.delivery.google.site import site_on_google
from tests.delivery.stand_ins.script import SettingUp


@pytest.fixture
def aws(bake: Bake, moto_server: Moto, tmp_path: Path) -> Iterator[AwsSite]:
    with site_on_aws(bake, moto_server, tmp_path) as site:
        yield site


@pytest.fixture
def google(bake: Bake, need: Need, tmp_path: Path) -> Iterator[GoogleSite]:
    with site_on_google(bake, need, tmp_path) as site:
        yield site


@pytest.fixture
def azure(bake: Bake, need: Need, tmp_path: Path) -> Iterator[AzureSite]:
    with site_on_azure(bake, need, tmp_path) as site:
        yield site


def in_between(site: SettingUp, tool: str, script: str) -> Path:
    """Put a shell script before the cloud's command line; it ends in the real one. Returns its path."""
    path = Path(site.settings["PATH"].split(":")[0], tool)
    real = shutil.which(tool, path=site.settings["PATH"])
    path.write_text(f'#!/bin/sh\n{script}\nexec {real} "$@"\n')
    path.chmod(0o755)
    return path


def refused(site: SettingUp, words: str, message: str, tool: str) -> str:
    """Let what a verb asks with these words fail; return the last line of `bootstrap`, which must fail as well."""
    script = in_between(site, tool, f'case "$*" in *{words}*) echo "{message}" >&2; exit 1 ;; esac')
    said = site.run("bootstrap", fails=True, PREDICTION_LOG_DAYS="7")
    script.unlink()
    return said.splitlines()[-1]


@pytest.mark.drill
def test_on_aws_buckets_keep_their_rules_and_statements_and_the_registry_its_rules(aws: AwsSite) -> None:
    s3, ecr = aws.moto.client("s3"), aws.moto.client("ecr")
    archive = {"ID": "archive", "Filter": {"Prefix": "2024/"}, "Status": "Enabled",
               "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}  # fmt: skip
    by_tag = {"ID": "by-tag", "Filter": {"Tag": {"Key": "keep", "Value": "no"}}, "Status": "Disabled",
              "Expiration": {"Days": 3}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}  # fmt: skip
    auditors = {"Sid": "auditors", "Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{DATA}/*"}  # fmt: skip
    where = {"LocationConstraint": s3.meta.region_name}
    for bucket in (DATA, PREDICTIONS):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    s3.put_bucket_lifecycle_configuration(Bucket=PREDICTIONS, LifecycleConfiguration={"Rules": [archive, by_tag]})
    s3.put_bucket_policy(Bucket=DATA, Policy=json.dumps({"Version": "2012-10-17", "Statement": [auditors]}))

    def rules() -> list[dict[str, Any]]:
        return list(s3.get_bucket_lifecycle_configuration(Bucket=PREDICTIONS)["Rules"])

    aws.run("bootstrap")

    *others, ours = rules()
    assert others == [archive, by_tag]
    assert ours == {"ID": "prediction-log", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 90}}
    statements = json.loads(s3.get_bucket_policy(Bucket=DATA)["Policy"])["Statement"]
    assert [statement["Effect"] for statement in statements] == ["Allow", "Deny"]
    assert statements[0] == auditors

    kept = json.loads(ecr.get_lifecycle_policy(repositoryName="demo")["lifecyclePolicyText"])["rules"]
    nightly = {"rulePriority": 9, "selection": {"tagStatus": "tagged", "tagPatternList": ["nightly*"],
               "countType": "imageCountMoreThan", "countNumber": 2}, "action": {"type": "expire"}}  # fmt: skip
    few = [rule | {"description": "all of it"} if rule["rulePriority"] == 2 else rule for rule in kept]
    ecr.put_lifecycle_policy(repositoryName="demo", lifecyclePolicyText=json.dumps({"rules": [*few[2:], nightly]}))
    size = "varies_by_storage_class"
    real = shutil.which("aws")
    shows = f'{real} "$@" | sed s/all_storage_classes_128K/{size}/; exit'
    sent = in_between(
        aws, "aws", f'echo "$@" >>"$0.log"\ncase "$*" in *get-bucket-lifecycle-configuration*) {shows} ;; esac'
    )

    said = aws.run("bootstrap", PREDICTION_LOG_DAYS="30")

    assert "the registry demo" not in said
    assert rules() == [archive, by_tag, ours | {"Expiration": {"Days": 30}}]
    assert f'"TransitionDefaultMinimumObjectSize": "{size}"' in Path(f"{sent}.log").read_text()
    told = json.loads(ecr.get_lifecycle_policy(repositoryName="demo")["lifecyclePolicyText"])["rules"]
    assert told == [*kept, nightly]
    sent.unlink()

    ecr.put_lifecycle_policy(repositoryName="demo", lifecyclePolicyText=json.dumps({"rules": few}))
    assert "a rule of your own has priority 2; give it one above 4" in aws.run("doctor", fails=True)
    before = rules()
    last = refused(aws, "get-bucket-lifecycle-configuration", "Could not connect to the endpoint", "aws")
    assert last == (
        f"fargate: the lifecycle rules of s3://{PREDICTIONS} cannot be read, and were not changed: "
        "Could not connect to the endpoint"
    )
    assert rules() == before


@pytest.mark.drill
def test_on_google_a_bucket_keeps_its_rules(google: GoogleSite) -> None:
    cold = {"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"},
            "condition": {"age": 30, "matchesPrefix": ["production/"], "createdBefore": "2026-01-31"}}  # fmt: skip
    versions = {"action": {"type": "Delete"}, "condition": {"age": 7, "isLive": False}}
    held = google.google.resources.resources
    closed = {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}}
    name = "demo-predictions-123456789012"
    held[f"/b/{name}"] = {"name": name, "id": name, "kind": "storage#bucket", "metageneration": "1",
                          "iamConfiguration": closed, "lifecycle": {"rule": [cold, versions]}}  # fmt: skip

    google.run("bootstrap")

    ours = {"action": {"type": "Delete"}, "condition": {"age": 90}}
    assert google.rules("predictions") == [cold, versions, ours]

    held[f"/b/{name}"]["lifecycle"] = {"rule": [ours, versions, cold]}
    repository = held["/v1/projects/demo-project/locations/europe-west1/repositories/demo"]
    own = {"id": "own", "action": "KEEP", "condition": {"tagState": "TAGGED", "tagPrefixes": ["v"]}}
    repository["cleanupPolicies"] = {"own": own}
    google.run("bootstrap", PREDICTION_LOG_DAYS="30")

    assert google.rules("predictions") == [ours | {"condition": {"age": 30}}, versions, cold]
    assert set(repository["cleanupPolicies"]) == {"own", "keep-the-newest-20", "delete-the-rest"}
    assert repository["cleanupPolicies"]["own"] == own

    before = google.rules("predictions")
    last = refused(google, "lifecycle_config", "ERROR: (gcloud) HTTPError 403: no access", "gcloud")
    assert last == (
        f"cloud-run: the lifecycle rules of gs://{name} cannot be read, and were not changed: "
        "ERROR: (gcloud) HTTPError 403: no access"
    )
    assert google.rules("predictions") == before


@pytest.mark.drill
def test_on_azure_a_storage_account_keeps_its_rules(azure: AzureSite) -> None:
    group = azure_cloud.group_address(azure.azure)
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/demodata{azure.total}"
    ages = {"daysAfterModificationGreaterThan": 30}
    of_the_data = {
        "enabled": True, "name": "of-the-data", "type": "Lifecycle", "definition": {
            "actions": {"baseBlob": {"tierToCool": ages, "enableAutoTierToHotFromCool": False},
                        "snapshot": {"delete": {"daysAfterCreationGreaterThan": 9}}},
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["dvc/"],
                        "blobIndexMatch": [{"name": "a", "op": "==", "value": "b"}]}}}  # fmt: skip
    azure.azure.resources.put(group, {"tags": {"made-by": "cd4ml"}})
    closed = {"allowBlobPublicAccess": False, "minimumTlsVersion": "TLS1_2", "supportsHttpsTrafficOnly": True,
              "allowSharedKeyAccess": False}  # fmt: skip
    azure.azure.resources.put(account, {"properties": closed})
    policy = f"{account}/managementPolicies/default"
    azure.azure.resources.put(policy, {"properties": {"policy": {"rules": [of_the_data]}}})

    def rules() -> list[dict[str, Any]]:
        return list(azure.azure.resources.kept[policy.lower()]["properties"]["policy"]["rules"])

    azure.run("bootstrap")

    first, ours = rules()
    assert first == of_the_data
    assert ours["name"] == "prediction-log"
    assert ours["definition"]["actions"]["baseBlob"]["delete"] == {"daysAfterModificationGreaterThan": 90}
    assert ours["definition"]["filters"]["prefixMatch"] == ["predictions/"]

    azure.run("bootstrap", PREDICTION_LOG_DAYS="30")

    first, changed = rules()
    assert first == of_the_data
    ours["definition"]["actions"]["baseBlob"]["delete"] = ages
    assert changed == ours

    azure.azure.unreadable = "/managementPolicies/default"
    said = azure.run("bootstrap", fails=True, PREDICTION_LOG_DAYS="7")
    assert "Azure cannot be asked" in said.splitlines()[-1]
    assert rules() == [first, changed]
