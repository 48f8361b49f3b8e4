"""ECS's API, as far as Express Mode goes: actions by name, in JSON."""

from __future__ import annotations

import itertools
import re
import ssl
import threading
import time
from typing import Any

from tests.delivery.stand_ins.delays import Delays
from tests.delivery.stand_ins.failures import Failures, Fault
from tests.delivery.stand_ins.listening import Listener, Reply, Request

from .calls import PASSED, of_ecs
from .deployments import Deployment, Pace
from .identities import ExpiredKeyError, Identities, Identity, UnknownKeyError, WrongSecretError
from .policies import decide, refusal
from .refusals import EXPIRED_KEY, NO_SERVICE, UNKNOWN_KEY, WRONG_SECRET, RefusedError
from .services import Service
from .tasks import Tasks

Json = dict[str, Any]

READS = ("Describe", "List")
DRAINS = 0.3  # seconds that a service takes to be gone


class ECS:
    """The services of one account in one region, alive until `close`."""

    def __init__(self, account: str, region: str, tls: ssl.SSLContext | None, tasks: Tasks,
                 identities: Identities) -> None:  # fmt: skip
        self.account, self.region, self.identities = account, region, identities
        self.clusters: set[str] = set()
        self.services: dict[str, Service] = {}  # by name
        self.ambient: dict[str, str] = {}  # how containers find S3, and the keys of their role
        self.gone: set[str] = set()  # names of those that were removed: described as INACTIVE
        self.pace = Pace()
        self.delays = Delays()  # a new service is not known yet where deployments are listed
        self.failures = Failures(status=400)
        self.writes: list[tuple[str, Json]] = []
        self.unknown: list[str] = []
        self._tls, self._tasks = tls, tasks
        self._absences, self._removals = itertools.cycle(NO_SERVICE), itertools.cycle((False, True))
        self._lock = threading.RLock()
        self._listener = Listener(self._answer)
        self.url = f"http://127.0.0.1:{self._listener.port}"

    def arn(self, service: str, cluster: str = "demo") -> str:
        return f"arn:aws:ecs:{self.region}:{self.account}:service/{cluster}/{service}"

    def _answer(self, request: Request) -> Reply:
        action = (request.headers.get("X-Amz-Target") or "").rpartition(".")[2]
        is_read = action.startswith(READS)
        try:
            caller = self._caller(request)
            answer = getattr(self, f"_{_snake(action)}", None)
            if answer is None:
                self.unknown.append(action)
                raise RefusedError("UnknownOperationException", f"this stand-in does not know {action}")
            self._check_rights(caller, action, request.json)
            if not is_read:
                self.writes.append((action, request.json))
                if self.failures.hits_this_write():
                    raise RefusedError("AccessDeniedException", "ordered by a test", self.failures.status)
            with self._lock:
                told = answer(request.json)
            if not is_read:
                self.failures.write_is_done()
            return Reply.of(told, kind="application/x-amz-json-1.1")
        except RefusedError as refused:
            return refused.reply("json")

    def _caller(self, request: Request) -> Identity:
        found = re.search(r"Credential=([^/]+)/", request.headers.get("Authorization") or "")
        try:
            return self.identities.who_signed(request, found[1] if found else "")
        except UnknownKeyError:
            raise RefusedError(*UNKNOWN_KEY["json"]) from None
        except ExpiredKeyError:
            raise RefusedError(*EXPIRED_KEY["json"]) from None
        except WrongSecretError:
            raise RefusedError(*WRONG_SECRET["json"]) from None

    def _check_rights(self, caller: Identity, action: str, asked: Json) -> None:
        about = next((asked[name] for name in ("serviceArn", "resourceArn") if name in asked), "")
        name, cluster = asked.get("serviceName") or asked.get("service", ""), asked.get("cluster", "default")
        name = name or next(iter(asked.get("services", [])), "")
        of_one = [
            arn for value in asked.values() if isinstance(value, list) for arn in value if ":service-" in str(arn)
        ]
        if arn := asked.get("serviceDeploymentArn") or next(iter(of_one), ""):  # such as :service-revision/demo/demo/1
            cluster, name = arn.split("/")[1:3]
        service = about or self.arn(name, cluster)
        kept = self.services.get(service.rpartition("/")[2])
        for call in of_ecs(action, asked, service, has_tags=bool(kept and kept.tags)):
            decision = decide(caller.principal, caller.policies, [], call)
            if decision != "allowed":
                raise RefusedError("AccessDeniedException", refusal(caller.principal, call, decision))

    # clusters

    def _create_cluster(self, asked: Json) -> Json:
        if asked.get("capacityProviders") and not self.identities.has_service_role("ecs.amazonaws.com"):
            message = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
            raise RefusedError("InvalidParameterException", message)
        self.clusters.add(asked["clusterName"])
        return {"cluster": {"clusterName": asked["clusterName"], "status": "ACTIVE"}}

    def _describe_clusters(self, asked: Json) -> Json:
        return {"clusters": [{"clusterName": n, "status": "ACTIVE"} for n in asked["clusters"] if n in self.clusters]}

    def _delete_cluster(self, asked: Json) -> Json:
        if asked["cluster"] not in self.clusters:
            raise RefusedError("ClusterNotFoundException", "Cluster not found.")
        if self.services:
            raise RefusedError(
                "ClusterContainsServicesException", "The Cluster cannot be deleted while Services exist."
            )
        self.clusters.remove(asked["cluster"])
        return {"cluster": {"clusterName": asked["cluster"], "status": "INACTIVE"}}

    # services

    def _create_express_gateway_service(self, asked: Json) -> Json:
        name, cluster = asked["serviceName"], asked.get("cluster", "default")
        if cluster not in self.clusters:
            raise RefusedError("ClusterNotFoundException", "Cluster not found.")
        if name in self.services:
            raise RefusedError("InvalidParameterException", "Creation of service was not idempotent.")
        for role in (asked[key] for key in PASSED if key in asked):
            if self.identities.is_new_to_ecs(role):
                raise RefusedError("AccessDeniedException", f"Cannot assume role: {role}")
        made = Service(self.arn(name, cluster), asked, self._tasks, self._fault, self.pace, self._tls, self.ambient)
        self.services[name] = made
        self.gone.discard(name)
        self.delays.made(name)
        return {"service": made.read(with_tags=True)}

    def _update_express_gateway_service(self, asked: Json) -> Json:
        service = self._service(asked["serviceArn"])
        if service.status != "ACTIVE":
            raise RefusedError("ServiceNotActiveException", "Service was not ACTIVE.")
        revision = service.update(asked)
        return {"service": {"serviceArn": service.arn, "targetConfiguration": {"serviceRevisionArn": revision}}}

    def _describe_express_gateway_service(self, asked: Json) -> Json:
        name = asked["serviceArn"].rsplit("/", 1)[1]
        if name in self.gone and next(self._removals):
            raise RefusedError("ServiceNotActiveException", "The service is inactive.")
        if name in self.gone:
            return {"service": {"serviceArn": asked["serviceArn"], "status": {"statusCode": "INACTIVE"}}}
        return {"service": self._express(asked["serviceArn"]).read("TAGS" in asked.get("include", []))}

    def _describe_services(self, asked: Json) -> Json:
        if asked["cluster"] not in self.clusters:
            raise RefusedError("ClusterNotFoundException", "Cluster not found.")
        states = dict.fromkeys(self.gone, "INACTIVE") | {name: one.status for name, one in self.services.items()}
        listed = [(self.arn(name, asked["cluster"]), states.get(name)) for name in asked["services"]]
        told = [{"serviceArn": arn, "status": status} for arn, status in listed if status]
        return {
            "services": told,
            "failures": [{"arn": arn, "reason": "MISSING"} for arn, status in listed if not status],
        }

    def _delete_express_gateway_service(self, asked: Json) -> Json:
        service = self._express(asked["serviceArn"])
        service.status = "DRAINING"
        threading.Thread(target=self._drain, args=(service,), daemon=True).start()
        return {"service": service.read(with_tags=False)}

    def _drain(self, service: Service) -> None:
        time.sleep(DRAINS)
        with self._lock:
            name = service.arn.rsplit("/", 1)[1]
            if self.services.pop(name, None):
                self.gone.add(name)
        service.remove()

    def _express(self, arn: str) -> Service:
        """What an operation of Express Mode's is about, which says in several ways that there is none."""
        try:
            return self._service(arn)
        except RefusedError:
            name, message = next(self._absences)
            raise RefusedError(name, message.format(arn=arn)) from None

    def _service(self, arn: str) -> Service:
        name = arn.rsplit("/", 1)[1]
        if name not in self.services or self.services[name].arn != arn:
            raise RefusedError("ResourceNotFoundException", f"The specified resource wasn't found: {arn}")
        return self.services[name]

    # tags

    def _tag_resource(self, asked: Json) -> Json:
        self._service(asked["resourceArn"]).tags.update({tag["key"]: tag["value"] for tag in asked["tags"]})
        return {}

    def _untag_resource(self, asked: Json) -> Json:
        for key in asked["tagKeys"]:
            self._service(asked["resourceArn"]).tags.pop(key, None)
        return {}

    # deployments and revisions

    def _list_service_deployments(self, asked: Json) -> Json:
        service = self._service(self.arn(asked["service"], asked["cluster"]))
        if self.delays.hide(asked["service"]):
            raise RefusedError("ServiceNotFoundException", "Service not found.")
        told = [one.brief() for one in reversed(service.deployments)]
        return {"serviceDeployments": told[: asked.get("maxResults", 20)]}

    def _describe_service_deployments(self, asked: Json) -> Json:
        return {"serviceDeployments": [self._deployment(arn)[1].read() for arn in asked["serviceDeploymentArns"]]}

    def _describe_service_revisions(self, asked: Json) -> Json:
        return {
            "serviceRevisions": [
                service.read_revision(arn)
                for arn in asked["serviceRevisionArns"]
                for service in self.services.values()
                if arn in service.revisions
            ]
        }

    def _stop_service_deployment(self, asked: Json) -> Json:
        service, deployment = self._deployment(asked["serviceDeploymentArn"])
        if not deployment.under_way:
            raise RefusedError("ConflictException", "The service deployment has ended already.")
        service.stop(deployment)
        return {"serviceDeploymentArn": deployment.arn}

    def _deployment(self, arn: str) -> tuple[Service, Deployment]:
        for service in self.services.values():
            for deployment in service.deployments:
                if deployment.arn == arn:
                    return service, deployment
        raise RefusedError("ServiceDeploymentNotFoundException", "The service deployment wasn't found.")

    # what tests do

    def act(self, what: str, asked: Json) -> None:
        """Create or update a service past the API: nobody counts it."""
        with self._lock:
            getattr(self, f"_{what.lower()}_express_gateway_service")(asked)

    def _fault(self, image: str) -> Fault | None:
        return next((fault for digest, fault in self.failures.faults.items() if digest in image), None)

    def close(self) -> None:
        """Stop listening, and remove every container."""
        self._listener.close()
        with self._lock:
            services = list(self.services.values())
            self.services.clear()
        for service in services:
            service.remove()


def _snake(action: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
