"""Cloud Run's services and revisions, as its Admin API (v1, Knative) keeps them: wanted in `spec`, true in `status`.

A write answers at once, with `Ready` unknown; a thread then starts the container of a new revision and routes traffic,
and the caller asks again until `Ready` is true or false. As in Cloud Run, a latest revision that failed keeps `Ready`
false even where traffic does as it was told.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter
from collections.abc import Callable
from email.message import Message
from typing import Any

from tests.delivery.stand_ins.addresses import Address, pick
from tests.delivery.stand_ins.containers import Container, NeverReadyError
from tests.delivery.stand_ins.failures import Fault

from .revisions import start
from .tokens import IDENTITY, why_refused

LONGEST_TAG_AND_SERVICE = 46
NONCE = "client.knative.dev/nonce"

Json = dict[str, Any]


class RefusedError(Exception):
    """The API refuses a request: status, message, the status's name where it is another than usual, and a reason."""

    def __init__(self, status: int, message: str, name: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.status, self.name, self.reason = status, name, reason


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime()) + f"{time.time_ns() // 1000 % 1000000:06}Z"


class Service:
    """One service, its revisions and its addresses."""

    def __init__(self, wanted: Json, secrets: Callable[[], dict[str, str]], answered: Counter[tuple[str, str]],
                 fault_of_image: Callable[[str], Fault | None], ambient: dict[str, str],
                 reads: Callable[[str, str], bool]) -> None:  # fmt: skip
        self.name = str(wanted["metadata"]["name"])
        self.revisions: dict[str, Json] = {}
        self.instances: dict[str, Container] = {}
        self.addresses: dict[str, Address] = {}
        self._secrets, self._answered, self._fault_of_image = secrets, answered, fault_of_image
        self._ambient, self._reads = ambient, reads
        self._lock = threading.RLock()
        self._ready_name: str | None = None
        self._created_name: str | None = None
        self._failed: str | None = None
        self._routed: list[Json] = []
        self._route_error: str | None = None
        self._at_work = False
        self._generation = 0
        self._created = _now()
        self.spec: Json = {}
        self.metadata: Json = {}
        self._address(None)
        self.write(wanted)

    # what it is asked

    def read(self) -> Json:
        """The service as the API shows it."""
        with self._lock:
            metadata = self.metadata | {
                "generation": self._generation,
                "resourceVersion": f"AAY{self._generation}",
                "creationTimestamp": self._created,
                "uid": f"uid-{self.name}",
            }
            url = self.addresses[""].url
            status = {
                "observedGeneration": self._generation if not self._at_work else self._generation - 1,
                "conditions": self._conditions(),
                "latestCreatedRevisionName": self._created_name,
                "latestReadyRevisionName": self._ready_name,
                "traffic": self._routed,
                "url": url,
                "address": {"url": url},
            }
            kept = {name: value for name, value in status.items() if value is not None}
            parts = {"metadata": metadata, "spec": self.spec, "status": kept}
            return copy.deepcopy({"apiVersion": "serving.knative.dev/v1", "kind": "Service"} | parts)

    def _conditions(self) -> list[Json]:
        def condition(kind: str, error: str | None) -> Json:
            if self._at_work:
                return {"type": kind, "status": "Unknown", "reason": "Deploying"}
            told = {"reason": "HealthCheckContainerError", "message": error} if error else {}
            return {"type": kind, "status": "False" if error else "True", "lastTransitionTime": _now()} | told

        return [
            condition("Ready", self._failed or self._route_error),
            condition("ConfigurationsReady", self._failed),
            condition("RoutesReady", self._route_error),
        ]

    # what it is told

    def write(self, wanted: Json) -> None:
        """Take a new specification, and begin to make it true.

        Raises:
            RefusedError: it could not be, or somebody else has written since it was read.
        """
        with self._lock:
            version = wanted["metadata"].get("resourceVersion")
            if self._generation and version and version != f"AAY{self._generation}":
                raise RefusedError(409, f"Conflict for resource '{self.name}': version '{version}' was specified")
            spec = copy.deepcopy(wanted["spec"])
            traffic = spec.setdefault("traffic", [{"latestRevision": True, "percent": 100}])
            template = spec["template"]
            new = self._name_if_new(template)
            self._check_traffic(traffic, new)
            self._generation += 1
            self.metadata = {
                key: copy.deepcopy(wanted["metadata"][key])
                for key in ("name", "namespace", "labels", "annotations")
                if key in wanted["metadata"]
            }
            self.metadata.setdefault("labels", {})["cloud.googleapis.com/location"] = "europe-west1"
            self.spec, self._at_work = spec, True
            if new:
                self._add_revision(new, template)
            threading.Thread(target=self._make_true, args=(self._generation, new), daemon=True).start()

    def _name_if_new(self, template: Json) -> str | None:
        before = self.spec.get("template")
        named = template.get("metadata", {}).get("name")
        if named in self.revisions:
            if template["spec"] != self.revisions[named]["asked"]["spec"]:
                raise RefusedError(409, f"Revision named '{named}' with different configuration already exists.")
            return None
        if before == template:
            return None
        return str(named or f"{self.name}-{self._generation + 1:05}-abc")

    def _check_traffic(self, traffic: list[Json], new: str | None) -> None:
        if sum(target.get("percent") or 0 for target in traffic) != 100:
            raise RefusedError(400, "spec.traffic: traffic percents must add up to 100")
        for target in traffic:
            if len(target.get("tag") or "") + len(self.name) > LONGEST_TAG_AND_SERVICE and target.get("tag"):
                raise RefusedError(
                    400, f"spec.traffic.tag: traffic tag '{target['tag']}' and service name together are too long"
                )
            named = target.get("revisionName")
            if named and named not in self.revisions and named != new:
                raise RefusedError(400, f"Revision '{named}' does not exist")

    def _add_revision(self, name: str, template: Json) -> None:
        self._created_name = name
        labels = template.get("metadata", {}).get("labels", {}) | {"serving.knative.dev/service": self.name}
        self.revisions[name] = {
            "asked": copy.deepcopy(template),
            "metadata": {
                "name": name, "namespace": self.metadata.get("namespace"), "labels": labels, "generation": 1,
                "annotations": template.get("metadata", {}).get("annotations", {}), "uid": f"uid-{name}",
                "creationTimestamp": _now(),
            },
            "spec": copy.deepcopy(template["spec"]),
            "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
        }  # fmt: skip

    def _make_true(self, generation: int, new: str | None) -> None:
        if new:
            self._start(new)
        with self._lock:
            if generation == self._generation:
                self._route()
                self._at_work = False

    def _start(self, name: str) -> None:
        try:
            asked = self.revisions[name]["asked"]
            self._check_secrets(asked["spec"])
            instance, error = start(self.name, name, asked, self._secrets(), self._ambient), None
        except (NeverReadyError, KeyError) as failure:
            instance, error = None, str(failure)
        with self._lock:
            ready = {"type": "Ready", "status": "False" if error else "True"} | ({"message": error} if error else {})
            self.revisions[name]["status"]["conditions"] = [ready]
            if instance:
                self.instances[name] = instance
            if name == self._created_name:
                self._failed = error
                self._ready_name = name if instance else self._ready_name

    def _check_secrets(self, spec: Json) -> None:
        account = str(spec.get("serviceAccountName", ""))
        for variable in spec["containers"][0].get("env", []) if account else []:
            secret = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name")
            if secret and not self._reads(account, secret):
                raise NeverReadyError(f"Permission denied on secret: {secret} for Revision service account {account}.")

    def _route(self) -> None:
        """Let traffic go as it is wanted, where every revision that it names is ready; else as it went before."""
        routed, self._route_error = [], None
        for target in self.spec["traffic"]:
            latest = target.get("latestRevision", False)
            name = self._ready_name if latest else target.get("revisionName")
            if name not in self.instances:
                self._route_error = f"Revision '{name or self._created_name}' is not ready and cannot serve traffic."
                return
            shown = {"revisionName": name, "percent": target.get("percent") or 0} | (
                {"latestRevision": True} if latest else {}
            )
            if tag := target.get("tag"):
                shown |= {"tag": tag, "url": self._address(tag).url}
            routed.append({key: value for key, value in shown.items() if value != 0})
        self._routed = routed

    # how it is reached

    def _address(self, tag: str | None) -> Address:
        key = tag or ""
        if key not in self.addresses:
            self.addresses[key] = Address(
                lambda: self._chosen(tag), self._answered, self._fault, self._refuse, IDENTITY.lower()
            )
        return self.addresses[key]

    def _refuse(self, headers: Message) -> tuple[int, str] | None:
        token = headers.get(IDENTITY) or headers.get("Authorization")
        return why_refused(token, self.addresses[""].url)

    def _chosen(self, tag: str | None) -> tuple[str, Container] | None:
        with self._lock:
            if tag:
                names = [target["revisionName"] for target in self._routed if target.get("tag") == tag]
                name = names[0] if names else None
            else:
                name = pick([(target["revisionName"], target.get("percent", 0)) for target in self._routed])
            return (name, self.instances[name]) if name else None

    def _fault(self, name: str) -> Fault | None:
        return self._fault_of_image(self.revisions[name]["spec"]["containers"][0]["image"])

    def settle(self) -> None:
        """Wait until what is wanted is so, or cannot be.

        Raises:
            TimeoutError: it takes more than three minutes.
        """
        until = time.monotonic() + 180
        while self._at_work:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name} does not settle")
            time.sleep(0.05)

    def show_revision(self, name: str) -> Json:
        """A revision as the API shows it."""
        with self._lock:
            shown = {key: self.revisions[name][key] for key in ("metadata", "spec", "status")}
            return copy.deepcopy({"apiVersion": "serving.knative.dev/v1", "kind": "Revision"} | shown)

    def remove(self) -> None:
        """Remove its containers and close its addresses."""
        with self._lock:
            instances, addresses = list(self.instances.values()), list(self.addresses.values())
            self.instances.clear()
        for instance in instances:
            instance.remove()
        for address in addresses:
            address.close()
