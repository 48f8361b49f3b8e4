"""One service of ECS Express Mode, without a process: aws's commands are read by what they mean, and may be killed.

ECS takes a step whenever it is looked at: a deployment starts, has its first share, stays there while `stays`, then has
all traffic and ends.
"""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from cd4ml.deploy.commands import Command, UnreadError
from killable_run import KillableRun

ENVIRONMENT = {
    "AWS_REGION": "eu-west-1", "AWS_ACCOUNT_ID": "123456789012", "FARGATE_PAUSE": "0", "FARGATE_PATIENCE": "30",
}  # fmt: skip
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/demo"
_BASE = "arn:aws:ecs:eu-west-1:123456789012:service-{}/demo/demo/{}"
_ENDED = ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED")


def refused(code: str) -> UnreadError:
    """As aws says it."""
    said = f"An error occurred ({code}) when calling an operation: whatever"
    return UnreadError(said, said)


class Cloud:
    """What outlives a run."""

    def __init__(self) -> None:
        self.status = ""
        self.reason = ""
        """What the service says besides its deployments."""
        self.tags: dict[str, str] = {}
        self.images: dict[str, str] = {}
        self.deployments: list[dict[str, Any]] = []
        self.serving = ""
        self.stays = False
        self.broken: set[str] = set()
        self.kept: dict[str, str] = {}
        self.unlisted = 0
        """How many lists the newest deployment is not in yet."""
        self.unknown = 0
        """How many lists do not know the service yet."""
        self.lacks: set[str] = set()
        """Operations that are refused."""
        self.absent = "ServiceNotFoundException"
        """The code with which an Express service that is not there is described."""
        self.listed: list[str] = []
        """The states that the next lists of services have, though none is described."""

    def begin(self, image: str) -> str:
        """Begin to move to a new revision, in place of what is under way."""
        for one in self.deployments:
            if one["status"] not in _ENDED:
                one["status"] = "STOPPED"
        number = len(self.images) + 1
        revision = _BASE.format("revision", number)
        self.images[revision] = image
        self.deployments.append({
            "serviceDeploymentArn": _BASE.format("deployment", number), "status": "PENDING", "createdAt": float(number),
            "targetServiceRevisionArn": revision, "source": self.serving, "share": 0, "back": "",
        })  # fmt: skip
        return revision

    def settle(self) -> None:
        """Let everything end."""
        self.stays = False
        while self.deployments and self.deployments[-1]["status"] not in _ENDED:
            self.step()

    def step(self) -> None:
        """Take the newest deployment one step on."""
        one = self.deployments[-1]
        if one["status"] == "ROLLBACK_REQUESTED":
            one["status"], one["share"], one["back"] = "ROLLBACK_SUCCESSFUL", 0, one["source"]
        elif one["status"] == "PENDING":
            one["status"] = "IN_PROGRESS"
        elif one["status"] == "IN_PROGRESS" and self.images[one["targetServiceRevisionArn"]] in self.broken:
            one["status"] = "ROLLBACK_REQUESTED" if one["source"] else "ROLLBACK_FAILED"
        elif one["status"] == "IN_PROGRESS" and one["share"] == 0:
            one["share"] = 5 if one["source"] else 100  # of the first, which has not ended for it
        elif one["status"] == "IN_PROGRESS" and not (self.stays and one["source"]):
            one["share"], one["status"], self.serving = 100, "SUCCESSFUL", one["targetServiceRevisionArn"]

    @property
    def serves(self) -> str:
        """The image that takes all traffic once what is under way is rolled back."""
        return self.images[self.serving]

    @property
    def states(self) -> list[str]:
        """The states of all deployments."""
        return [one["status"] for one in self.deployments]


class Aws(KillableRun):
    """Gives the answers of aws; `kill` ends the run before or after a write, by its number (the first is 1)."""

    def __init__(self, cloud: Cloud, environment: Mapping[str, str] = ENVIRONMENT) -> None:
        super().__init__("fargate", environment=environment)
        self.cloud = cloud
        self.outputs: dict[str, str] = {}
        self.said: list[str] = []
        self.after_write: Callable[[], None] = lambda: None

    def output(self, name: str, value: str) -> None:
        self.outputs[name] = value

    def say(self, text: str) -> None:
        self.said.append(text)

    def read(self, command: Command) -> Any:
        cloud, given = self.cloud, dict(pairwise(command.argv))
        if command.argv[2] in cloud.lacks:
            raise refused("AccessDeniedException")
        match command.argv[2]:
            case "describe-express-gateway-service" if cloud.status:
                told = self._service()
                if cloud.status == "DRAINING":
                    cloud.status, cloud.deployments, cloud.serving = "INACTIVE", [], ""
                return {"service": told}
            case "describe-express-gateway-service":
                raise refused(cloud.absent)
            case "describe-services":
                return [cloud.listed.pop(0)] if cloud.listed else []
            case "list-service-deployments" if cloud.unknown:
                cloud.unknown -= 1
                raise refused("ServiceNotFoundException")
            case "list-service-deployments":
                cloud.unlisted, late = max(0, cloud.unlisted - 1), cloud.unlisted > 0
                return {"serviceDeployments": cloud.deployments[: -1 if late else None]}
            case "describe-service-deployments":
                cloud.step()
                return {"serviceDeployments": [self._deployment(given["--service-deployment-arns"])]}
            case "describe-service-revisions":
                arn = given["--service-revision-arns"]
                named = {"image": cloud.images[arn]}
                return {"serviceRevisions": [{"serviceRevisionArn": arn, "containerImages": [named]}]}
            case "describe-secret":
                return {"ARN": "arn:of:the:keys"}
            case "batch-get-image":
                return {"images": [{"imageManifestMediaType": "a/b", "imageManifest": given["--image-ids"]}]}
            case "describe-images":
                return {}
        raise AssertionError(command.argv)

    def change(self, command: Command) -> bool:
        try:
            self.change_and_read(command)
        except UnreadError:
            return False
        return True

    def change_and_read(self, command: Command) -> Any:
        if self.dry_run:
            return super().change_and_read(command)
        self.changed = True
        self.begin_write(command.argv[2])
        if command.argv[2] in self.cloud.lacks:
            raise refused("AccessDeniedException")
        done = self._write(command.argv)
        self.after_write()
        self.end_write()
        return done

    def _write(self, argv: tuple[str, ...]) -> Any:
        cloud, given = self.cloud, dict(pairwise(argv))
        match argv[2]:
            case "tag-resource" | "create-express-gateway-service":
                tags = [word.removeprefix("key=").split(",value=") for word in argv if word.startswith("key=")]
                cloud.tags |= {key: value for key, value in tags if key != "project"}
            case "untag-resource":
                cloud.tags = {}
            case "stop-service-deployment":
                cloud.deployments[-1]["status"] = "ROLLBACK_REQUESTED"
            case "delete-express-gateway-service":
                cloud.status, cloud.tags, cloud.deployments, cloud.serving = "", {}, [], ""
            case "put-image":
                cloud.kept[given["--image-tag"]] = given["--image-digest"]
        if "--primary-container" in argv:
            cloud.status = "ACTIVE"
            revision = cloud.begin(json.loads(given["--primary-container"])["image"])
            return {"service": {"targetConfiguration": {"serviceRevisionArn": revision}}}
        return {}

    def _service(self) -> dict[str, Any]:
        ingress = [{"accessType": "PUBLIC", "endpoint": "demo.ecs.eu-west-1.on.aws"}]
        active = [{"serviceRevisionArn": self.cloud.serving, "ingressPaths": ingress}]
        tags = [{"key": key, "value": value} for key, value in self.cloud.tags.items()]
        status = {"statusCode": self.cloud.status, "statusReason": self.cloud.reason}
        return {"status": status, "tags": tags, "activeConfigurations": active}

    def _deployment(self, arn: str) -> dict[str, Any]:
        one = next(one for one in self.cloud.deployments if one["serviceDeploymentArn"] == arn)
        target = {"arn": one["targetServiceRevisionArn"], "requestedProductionTrafficWeight": float(one["share"])}
        sources = [{"arn": one["source"]}] if one["source"] else []
        back = {"rollback": {"serviceRevisionArn": one["back"]}} if one["back"] else {}
        return one | back | {"targetServiceRevision": target, "sourceServiceRevisions": sources}
