"""Express services: a container for every revision, one address, and deployments one after the other."""

from __future__ import annotations

import copy
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.delivery.stand_ins.addresses import Address, pick
from tests.delivery.stand_ins.containers import Container, NeverReadyError
from tests.delivery.stand_ins.failures import Fault

from .deployments import Deployment, Pace, TakenBackError, run
from .tasks import Tasks

Json = dict[str, Any]
TOO_MANY_ERRORS = 0.01  # of 4xx and 5xx among all answers, as the alarm of an Express service takes it
KEPT = (
    "executionRoleArn",
    "taskRoleArn",
    "infrastructureRoleArn",
    "cpu",
    "memory",
    "healthCheckPath",
    "primaryContainer",
    "scalingTarget",
)


class Service:
    """One service, its revisions and what they run as."""

    def __init__(self, arn: str, wanted: Json, tasks: Tasks, fault: Callable[[str], Fault | None], pace: Pace,
                 tls: ssl.SSLContext | None, ambient: dict[str, str]) -> None:  # fmt: skip
        self.arn, self.pace, self.status = arn, pace, "ACTIVE"
        self.tags = {tag["key"]: tag["value"] for tag in wanted.get("tags", [])}
        self.settings: Json = {name: wanted[name] for name in KEPT if name in wanted}
        self.revisions: dict[str, Json] = {}
        self.instances: dict[str, Container] = {}
        self.deployments: list[Deployment] = []
        self.answered: Counter[tuple[str, str]] = Counter()  # (revision, "2xx"): requests
        self.serving: str | None = None
        self._created = time.time()
        self._tasks, self._ambient = tasks, ambient
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []
        self.address = Address(self._chosen, self.answered, lambda revision: fault(self.image(revision)), tls=tls)
        self.scheme_shown = True
        self._deploy()

    def image(self, revision: str) -> str:
        return str(self.revisions[revision]["primaryContainer"]["image"])

    # what it is told

    def update(self, wanted: Json) -> str:
        """Begin to move to a new revision; return it. What is under way is given up."""
        with self._lock:
            self.settings |= {name: wanted[name] for name in KEPT if name in wanted}
            for earlier in self.deployments:
                if earlier.under_way:
                    earlier.status, earlier.reason = "STOP_REQUESTED", "superseded by a newer deployment"
            return self._deploy()

    def _deploy(self) -> str:
        number = len(self.revisions) + 1
        base = self.arn.replace(":service/", ":service-{}/")
        revision = f"{base.format('revision')}/{4980306466373577000 + number}"
        self.revisions[revision] = copy.deepcopy(self.settings) | {"createdAt": time.time()}
        arn = f"{base.format('deployment')}/{number:021}"
        deployment = Deployment(arn, self.arn, revision, self.serving)
        self.deployments.append(deployment)
        thread = threading.Thread(target=self._run, args=(deployment,), daemon=True)
        self._threads.append(thread)
        thread.start()
        return revision

    def _run(self, deployment: Deployment) -> None:
        run(deployment, self.pace, self._lock, self._start, lambda: self._alarm(deployment))
        with self._lock:
            if deployment.status == "SUCCESSFUL":
                self.serving = deployment.target
            gone = [revision for revision in self.instances if self._may_go(revision)]
            instances = [self.instances.pop(revision) for revision in gone]
        for instance in instances:
            instance.remove()

    def _may_go(self, revision: str) -> bool:
        return revision != self.serving and not any(
            one.under_way and one.target == revision for one in self.deployments
        )

    def _start(self, revision: str) -> None:
        settings = self.revisions[revision]
        described = settings["primaryContainer"]
        self._tasks.check_roles(settings)
        given = self._ambient | {one["name"]: one["value"] for one in described.get("environment", [])}
        given |= {
            one["name"]: self._tasks.secret(one["valueFrom"], settings.get("executionRoleArn"))
            for one in described.get("secrets", [])
        }
        probe = settings.get("healthCheckPath", "/ping")
        try:
            instance = Container(described["image"], given, int(described.get("containerPort", 80)), probe)
        except NeverReadyError as failure:
            raise TakenBackError(f"ECS deployment circuit breaker: task failed to start ({failure})") from None
        with self._lock:
            self.instances[revision] = instance

    def _alarm(self, deployment: Deployment) -> str | None:
        counted = {kind: self.answered[deployment.target, kind] for kind in ("2xx", "4xx", "5xx")}
        errors = counted["4xx"] + counted["5xx"]
        return f"{self.arn.rsplit('/', 1)[1]}-errors" if errors > TOO_MANY_ERRORS * sum(counted.values()) else None

    def stop(self, deployment: Deployment) -> None:
        """Roll a deployment back that has not ended."""
        with self._lock:
            if deployment.status in ("PENDING", "IN_PROGRESS"):
                deployment.status, deployment.reason = "ROLLBACK_REQUESTED", "stopped by a user"

    # what it is asked

    def _chosen(self) -> tuple[str, Container] | None:
        with self._lock:
            newest = self.deployments[-1]
            shares = [(self.serving or "", 100)]
            if newest.under_way:
                shares = [(self.serving or "", int(100 - newest.share)), (newest.target, int(newest.share))]
            name = pick([(revision, share) for revision, share in shares if revision in self.instances])
            return (name, self.instances[name]) if name else None

    def read(self, with_tags: bool) -> Json:
        """The service as the API describes it."""
        with self._lock:
            newest = self.deployments[-1]
            active = [self.serving] if self.serving else []
            if newest.under_way:
                active.append(newest.target)
            endpoint = self.address.url if self.scheme_shown else self.address.url.split("://")[1]
            ingress = [{"accessType": "PUBLIC", "endpoint": endpoint}]
            told: Json = {
                "serviceArn": self.arn, "serviceName": self.arn.rsplit("/", 1)[1], "cluster": self.arn.split("/")[1],
                "status": {"statusCode": self.status}, "createdAt": self._created,
                "activeConfigurations": [
                    self.revisions[name] | {"serviceRevisionArn": name, "ingressPaths": ingress} for name in active
                ],
            }  # fmt: skip
            if with_tags:
                told["tags"] = [{"key": key, "value": value} for key, value in self.tags.items()]
            return copy.deepcopy(told)

    def read_revision(self, revision: str) -> Json:
        """A revision as the API describes it."""
        image = self.image(revision)
        named = {"containerName": "Main", "image": image, "imageDigest": image.partition("@")[2]}
        return {"serviceRevisionArn": revision, "serviceArn": self.arn, "containerImages": [named]}

    def settle(self) -> None:
        """Wait until no deployment is under way.

        Raises:
            TimeoutError: it takes more than three minutes.
        """
        for thread in list(self._threads):
            thread.join(180)
            if thread.is_alive():
                raise TimeoutError(f"{self.arn} does not settle")

    def remove(self) -> None:
        """Remove its containers and close its address."""
        with self._lock:
            for deployment in self.deployments:
                if deployment.under_way:
                    deployment.status, deployment.reason = "STOP_REQUESTED", "the service is removed"
            instances = list(self.instances.values())
            self.instances.clear()
        for instance in instances:
            instance.remove()
        self.address.close()
