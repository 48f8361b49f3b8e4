"""Runs of a release to Fargate, each with an `aws` of its own, against one service in memory."""

from cd4ml.deploy.fargate.platform import Fargate
from cd4ml.deploy.fargate.service import Service
from cd4ml.deploy.release import Release
from cd4ml.deploy.verbs import Verbs
from cd4ml.settings.project import Project
from ecs_in_memory import ENVIRONMENT, REPOSITORY, Aws, Cloud

ONE, TWO, THREE = (f"{REPOSITORY}@sha256:{digit * 64}" for digit in "123")
DIGESTS = {image: image.partition("@")[2] for image in (ONE, TWO, THREE)}
PROJECT = Project("demo", "", "demo", "fargate", "oidc", "cloud")


class Runs:
    """`runs(cloud)` is a run of its own; `aws` is the newest one's."""

    def __call__(self, cloud: Cloud, expected: str = "") -> Release[Service]:
        self.aws = Aws(cloud)
        return Release(Fargate(PROJECT, self.aws), self.aws, expected)

    def verb(
        self, cloud: Cloud, *words: str, smoke: str = "false", kill: tuple[int, str] | None = None, **environment: str
    ) -> None:
        """Run a verb; what is asked answers as the program `smoke` exits."""
        self.aws = Aws(cloud, ENVIRONMENT | environment)
        self.aws.kill = kill
        Verbs(Fargate(PROJECT, self.aws), self.aws, smoke).run(words[0], list(words[1:]))


def serving_one() -> Cloud:
    """Return a service that serves ONE; a new revision stays with its first share."""
    cloud = Cloud()
    cloud.status = "ACTIVE"
    cloud.begin(ONE)
    cloud.settle()
    cloud.stays = True
    return cloud


def intent(cloud: Cloud) -> list[str]:
    """Return the images before and after a release that is under way."""
    named = {digest: image for image, digest in DIGESTS.items()}
    return [named[cloud.tags[tag]] for tag in ("previous", "candidate") if tag in cloud.tags]
