"""A project that is shipped to the stand-in for ECS, and what its owner and its clients do."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.aws import cloud
from tests.delivery.aws.cloud import Moto
from tests.delivery.aws.server import ECS
from tests.delivery.aws.services import Service
from tests.delivery.clouds import Need
from tests.delivery.stand_ins.authority import Authority
from tests.delivery.stand_ins.images import smoke_test
from tests.delivery.stand_ins.script import Releasing, engine_answers

REPOSITORY = f"{cloud.ACCOUNT}.dkr.ecr.{cloud.REGION}.amazonaws.com/demo"
LONG = 3600.0  # seconds that a deployment stays where it is, until a test lets it go on


@dataclass
class Shop(Releasing):
    """A project, Fargate, and what its clients do."""

    platform = "fargate"
    ecs: ECS
    moto: Moto
    authority: Authority
    published: set[str] = field(default_factory=set)

    def images(self, release: str) -> str:
        """The image of a release, by its digest; it is in ECR, as `publish` leaves it, until somebody removes it."""
        name = super().images(release)
        if release not in self.published:
            self.published.add(release)
            layer = {"digest": f"sha256:{release}"}
            self.moto.client("ecr").put_image(
                repositoryName="demo", imageTag=f"v.{release}", imageDigest=name.partition("@")[2],
                imageManifest=json.dumps({"schemaVersion": 2, "layers": [layer]}, indent=3),
                imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            )  # fmt: skip
        return name

    @property
    def service(self) -> Service:
        return self.ecs.services["demo"]

    def answers(self, times: int = 5) -> set[str]:
        """The releases that answer at the service's address."""
        found = set()
        for _ in range(times):
            request = urllib.request.Request(f"{self.service.address.url}/predict", b"{}")
            with urllib.request.urlopen(request, timeout=60, context=self.authority.asks) as reply:
                found.add(json.load(reply)["release"])
        return found

    def digest(self, release: str) -> str:
        return self.images(release).partition("@")[2]

    def tags(self) -> dict[str, str]:
        """What the service is meant to become, by the names of releases."""
        named = {self.digest(name): name for name in ("one", "two", "three", "four")}
        intent = {name: self.service.tags[name] for name in ("previous", "candidate") if name in self.service.tags}
        return {name: named[digest] for name, digest in intent.items()}

    def kept(self) -> dict[str, str]:
        """The releases that ECR's clean-up leaves, by their tags."""
        named = {self.digest(name): name for name in self.published}
        images = self.moto.client("ecr").describe_images(repositoryName="demo")["imageDetails"]
        assert len(images) == len(named)
        tags = {tag: named[image["imageDigest"]] for image in images for tag in image["imageTags"]}
        return {tag: name for tag, name in tags.items() if tag != f"v.{name}"}

    def release(self, name: str) -> None:
        """Let a release take all traffic, as one that ended well leaves it."""
        secret = self.moto.client("secretsmanager").describe_secret(SecretId="demo-api-keys")["ARN"]
        wanted = {
            "cluster": "demo", "serviceName": "demo", "serviceArn": self.ecs.arn("demo"),
            "healthCheckPath": "/health/ready",
            "primaryContainer": {
                "image": self.images(name), "containerPort": 8080,
                "environment": [{"name": "PORT", "value": "8080"}],
                "secrets": [{"name": "SERVICE_API_KEYS", "valueFrom": secret}],
            },
        }  # fmt: skip
        self.ecs.act("Update" if "demo" in self.ecs.services else "Create", wanted)
        self.service.settle()

    def stage(self, release: str) -> str:
        """Let a release be the candidate with its first share, as `deploy` leaves it; return its revision."""
        self.ecs.pace.canary = LONG
        self.run("deploy", self.images(release), "production")
        self.ecs.writes.clear()
        return self.outputs["revision"]

    def go_on(self) -> None:
        """Let ECS give the candidate all traffic."""
        self.ecs.pace.canary = 0.0


@pytest.fixture(scope="module")
def moto_server(need: Need, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """Everything of AWS but ECS."""
    cloud.need_aws(need)
    with cloud.moto(need, tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shipped_to_aws(bake: Bake, need: Need, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project whose scripts are run; nothing is installed in it."""
    need("docker", engine_answers(), "no container engine answers")
    return bake(into=tmp_path_factory.mktemp("shipped"), platform="fargate", project_slug="demo")


@pytest.fixture
def shop_on_aws(moto_server: Moto, authority: Authority, shipped_to_aws: Path, tmp_path: Path) -> Iterator[Shop]:
    """A cloud in which nothing is deployed yet."""
    moto_server.reset()
    moto_server.client("secretsmanager").create_secret(Name="demo-api-keys", SecretString="a-key")
    moto_server.client("ecr").create_repository(repositoryName="demo")
    ecs = cloud.start_ecs(moto_server, authority)
    ecs.clusters.add("demo")
    smoke_test(tmp_path / "bin")
    deployer = moto_server.user("demo", "deployer")  # as which all of this runs
    moto_server.roles_of_services("demo")
    settings = cloud.environment(moto_server, ecs, tmp_path / "aws") | {
        "AWS_ACCESS_KEY_ID": deployer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": deployer["SecretAccessKey"],
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "SSL_CERT_FILE": str(authority.file),
    }
    try:
        yield Shop(shipped_to_aws, settings, REPOSITORY, ecs.failures, ecs, moto_server, authority)
    finally:
        ecs.close()


@pytest.fixture
def live_on_aws(shop_on_aws: Shop) -> Shop:
    """The same with release `one` in production."""
    shop_on_aws.release("one")
    assert shop_on_aws.answers() == {"one"}
    return shop_on_aws
