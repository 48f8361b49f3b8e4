"""Make revisions of a service, and show them: how they run, and with which keys."""

import os
from datetime import UTC, datetime

from cd4ml.deploy.commands import CloudError, UnreadError
from cd4ml.deploy.fargate import steps
from cd4ml.deploy.fargate.aws import Aws, code
from cd4ml.deploy.fargate.service import Service, last
from cd4ml.deploy.fargate.settings import service_flags
from cd4ml.deploy.names import SCRIPT


class Revisions:
    """Makes them; `prediction_log` is off, stdout or bucket."""

    def __init__(self, aws: Aws, prediction_log: str) -> None:
        self.aws, self.prediction_log = aws, prediction_log
        self._secret = ""
        self._flags: tuple[str, ...] = ()

    def prepare(self) -> None:
        """Read how they are to run, and where the service's keys are, without which it would be open to anybody.

        Raises:
            CloudError: a setting is wrong, or there are no keys.
        """
        place, effects = self.aws.place, self.aws.effects
        self._flags = service_flags(place, effects.environment)
        try:
            printed = effects.read(steps.describe_secret(place))
        except UnreadError as failure:
            lacks = f"without the secret {place.secret} anybody could ask the service"
            if code(failure) == "ResourceNotFoundException":
                raise CloudError(f"{lacks}{effects.so_far}: {SCRIPT} bootstrap") from None
            if code(failure) == "AccessDeniedException":  # what AWS says of an absent one to whom a policy lets read it
                raise CloudError(f"{lacks}{effects.so_far}: {SCRIPT} bootstrap ({failure})") from None
            raise CloudError(f"the secret {place.secret} cannot be read{effects.so_far}: {failure}") from None
        if printed.get("DeletedDate"):  # AWS describes it until it is gone
            going = f"the secret {place.secret} is to be deleted"
            raise CloudError(f"{going}{effects.so_far}: {SCRIPT} bootstrap restores it")
        self._secret = printed["ARN"]

    def create(self, service: Service, image: str) -> None:
        """Make the service with its first revision.

        Raises:
            UnreadError: AWS does not accept it.
        """
        made, digest = self._container(service, image), image.rpartition("@")[2]
        self.aws.tell(steps.create(self.aws.place, service.name, made, self._flags, digest))

    def update(self, service: Service, image: str) -> None:
        """Make a revision, and tell a workflow which: its later steps know what is theirs however this one ends.

        Raises:
            UnreadError: AWS does not accept it.
        """
        made = self._container(service, image)
        printed = self.aws.tell(steps.update(self.aws.place, service.arn, made, self._flags)) or {}
        revision = printed.get("service", {}).get("targetConfiguration", {}).get("serviceRevisionArn", "")
        if ":service-revision/" in revision:
            self.aws.effects.output("revision", last(revision))

    def table(self, service: Service, rows: int) -> list[tuple[str, ...]]:
        """Return a table of the newest deployments, each of which brought a revision."""
        shown = service.history[:rows]
        known = self.aws.images(service, {one.target for one in shown})
        table: list[tuple[str, ...]] = [("traffic", "image", "made", "revision")]
        for one in shown:
            image = known[one.target].digest.removeprefix("sha256:")[:12] if one.target in known else ""
            traffic = service.deployment.traffic(one.target, one.state)
            table.append((traffic, image, one.created[:19], last(one.target)))
        return table

    def _container(self, service: Service, image: str) -> str:
        log = self.aws.place.log(self.prediction_log, service.environment)
        return steps.container(image, self._secret, log, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}-{os.getpid()}")
