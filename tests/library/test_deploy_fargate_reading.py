"""What aws prints, as dataclasses, and the commands that follow from them: no address is open, nothing is guessed."""

import json

import pytest
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.fargate import steps
from cd4ml.deploy.fargate.deployment import Deployment, Image, moment, read_deployment, read_images, read_listed
from cd4ml.deploy.fargate.service import Service, read_service, secure
from cd4ml.deploy.fargate.settings import Place, read_region, read_seconds, service_flags

PLACE = Place("demo", "eu-west-1", "123456789012", "")
DIGEST = f"sha256:{'1' * 64}"


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("", ""),
        ("demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("https://demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("http://demo.ecs.eu-west-1.on.aws", "https://demo.ecs.eu-west-1.on.aws"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1.example.com", "https://127.0.0.1.example.com"),
    ],
)
def test_an_endpoint_is_encrypted_outside_this_machine(endpoint: str, address: str) -> None:
    assert secure(endpoint) == address


def test_only_a_public_endpoint_is_an_address_and_a_service_that_is_gone_is_none() -> None:
    paths = [{"accessType": "PRIVATE", "endpoint": "inside"}, {"accessType": "PUBLIC", "endpoint": "demo.on.aws"}]
    active = [{"serviceRevisionArn": "r/1", "ingressPaths": paths, "primaryContainer": {"image": f"demo@{DIGEST}"}}]
    told = {"status": {"statusCode": "ACTIVE"}, "activeConfigurations": active}
    read = read_service("staging", "demo-staging", "arn", {"service": told})
    assert (read.url, read.active, read.previous) == ("https://demo.on.aws", "r/1", "")
    assert read.images["r/1"].digest == DIGEST

    gone = read_service("staging", "demo-staging", "arn", {"service": told | {"status": {"statusCode": "INACTIVE"}}})
    assert gone == Service("staging", "demo-staging", "arn")
    assert not gone.exists


def test_a_digest_is_the_one_of_the_name_else_what_ecs_found() -> None:
    told = {
        "serviceRevisions": [
            {
                "serviceRevisionArn": "r/1",
                "containerImages": [{"image": f"a/demo@{DIGEST}", "imageDigest": "other"}],
            },
            {"serviceRevisionArn": "r/2", "containerImages": [{"image": "host/demo:v1", "imageDigest": DIGEST}]},
            {"serviceRevisionArn": "r/3"},
        ]
    }
    images = read_images(told)
    assert [images[f"r/{number}"].digest for number in (1, 2, 3)] == [DIGEST, DIGEST, ""]
    assert images["r/1"].repository == "a/demo"


def test_a_deployment_says_what_runs_only_once_it_has_ended() -> None:
    told = {
        "serviceDeploymentArn": "d/2", "status": "ROLLBACK_SUCCESSFUL", "statusReason": "too many",
        "targetServiceRevision": {"arn": "r/2", "requestedProductionTrafficWeight": 0.0},
        "sourceServiceRevisions": [{"arn": "r/1"}], "alarms": {"triggeredAlarmNames": ["demo-errors"]},
    }  # fmt: skip
    failed = read_deployment({"serviceDeployments": [told]})
    assert (failed.running, failed.why) == ("r/1", "ROLLBACK_SUCCESSFUL, alarm demo-errors: too many")
    assert read_deployment({"serviceDeployments": [told | {"status": "IN_PROGRESS"}]}).running == ""
    assert read_deployment({"serviceDeployments": [told | {"status": "SUCCESSFUL"}]}).running == "r/2"
    assert [failed.traffic(name, "ROLLBACK_SUCCESSFUL") for name in ("r/1", "r/2")] == ["100 %", "rollback successful"]


def test_the_newest_deployment_is_the_first_by_either_version_of_aws() -> None:
    for older, newer in ((1764430000.5, 1764430001.25), ("2025-11-29T16:26:40.5+01:00", "2025-11-29T15:26:41+00:00")):
        listed = [{"serviceDeploymentArn": name, "createdAt": at} for name, at in (("d/1", older), ("d/2", newer))]
        assert [one.arn for one in read_listed({"serviceDeployments": listed})] == ["d/2", "d/1"]
    assert moment(1764430001)[:19] == moment("2025-11-29T15:26:41Z")[:19] == "2025-11-29T15:26:41"


def test_a_service_of_which_nobody_knows_what_it_serves_is_not_deployed_to() -> None:
    lost = Service("production", "demo", "arn", "ACTIVE", deployment=Deployment("d/1", "STOPPED"))
    with pytest.raises(CloudError, match=r"nobody knows what demo serves \(STOPPED\).*restore production DIGEST"):
        lost.before()


def test_the_container_takes_its_keys_from_the_secret_alone() -> None:
    told = json.loads(steps.container(f"host/demo@{DIGEST}", "arn:secret", "", "now"))
    assert told["secrets"] == [{"name": "SERVICE_API_KEYS", "valueFrom": "arn:secret"}]
    assert [one["name"] for one in told["environment"]] == ["PORT", "DEPLOYED"]
    logs = json.loads(steps.container("image", "secret", "s3://bucket/production", "now"))["environment"]
    assert {"name": "PREDICTION_LOG", "value": "s3://bucket/production"} in logs


def test_only_what_production_runs_from_ecr_is_kept() -> None:
    own, other = Image(f"{PLACE.repository}@{DIGEST}"), Image(f"ghcr.io/acme/demo@{DIGEST}")
    live, staging = Service("production", "demo", "arn"), Service("staging", "demo-staging", "arn")
    assert steps.to_keep(PLACE, live, own, DIGEST, "sha256:2") == {"previous": "sha256:2", "production": DIGEST}
    assert steps.to_keep(PLACE, live, own, DIGEST, DIGEST) == {"production": DIGEST}
    assert steps.to_keep(PLACE, staging, own, DIGEST, "") == steps.to_keep(PLACE, live, other, DIGEST, "") == {}


def test_commands_name_region_and_service_and_can_be_pasted() -> None:
    tagged = steps.intend(PLACE, PLACE.service_arn("production"), "", DIGEST)
    assert tagged.pasted() == (
        "aws ecs tag-resource --region eu-west-1 --resource-arn "
        f"arn:aws:ecs:eu-west-1:123456789012:service/demo/demo --tags key=candidate,value={DIGEST} --output json"
    )
    assert Place("demo", "cn-north-1", "123456789012", "").role("runtime").startswith("arn:aws-cn:iam::")


@pytest.mark.parametrize("region", ["", "eu-west", "eu-west-1;ls", "EU-WEST-1", "-", "eu-west-1\n"])
def test_a_region_is_taken_literally_or_refused(region: str) -> None:
    with pytest.raises(CloudError, match="AWS_REGION is not"):
        read_region({"AWS_REGION": region})


@pytest.mark.parametrize("region", ["eusc-de-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1"])
def test_a_region_of_a_partition_that_is_not_supported_is_refused(region: str) -> None:
    with pytest.raises(CloudError, match=f"^AWS_REGION is {region}: .* are not supported$"):
        read_region({"AWS_REGION": region})
    assert read_region({"AWS_REGION": "us-gov-west-1"}) == "us-gov-west-1"


def test_sizes_and_times_are_whole_numbers() -> None:
    flags = service_flags(PLACE, {"SERVICE_CPU": "1024"})
    assert flags[flags.index("--cpu") + 1] == "1024"
    assert "minTaskCount=1,maxTaskCount=4," in flags[-1]
    with pytest.raises(CloudError, match="SERVICE_MEMORY is not a whole number"):
        service_flags(PLACE, {"SERVICE_MEMORY": "1Gi"})
    assert read_seconds({}, "FARGATE_PAUSE", 10) == 10
    with pytest.raises(CloudError, match="FARGATE_PAUSE is a whole number of seconds"):
        read_seconds({"FARGATE_PAUSE": "1.5"}, "FARGATE_PAUSE", 10)
