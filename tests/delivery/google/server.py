"""Google's addresses, all behind one port: what belongs to which API is told by the path."""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.delivery.stand_ins.failures import Failures, Fault
from tests.delivery.stand_ins.listening import Listener, Reply, Request

from .project import Project
from .rights import Rights, granted
from .services import RefusedError, Service
from .sign_in import GENERATE, STS, exchange, generate
from .tokens import AccessTokens

Json = dict[str, Any]

KNATIVE = re.compile(r"/apis/serving\.knative\.dev/v1/namespaces/([^/]+)/(services|revisions)(?:/([^/]+))?$")
SERIES = re.compile(r"/v3/projects/([^/]+)/timeSeries$")


class Google:
    """One project in one cloud, alive until `close`."""

    def __init__(
        self, project: str = "demo-project", number: str = "123456789012", region: str = "europe-west1"
    ) -> None:
        self.project, self.number, self.region = project, number, region
        self.failures = Failures()
        self.services: dict[str, Service] = {}
        self.ambient: dict[str, str] = {}  # how containers find the storage: in place of its name and their identity's
        self.answered: Counter[tuple[str, str]] = Counter()  # (revision, "2xx"): requests, what Monitoring tells
        self.resources = Project(project, number)
        self.tokens = AccessTokens("access-token", identities=self.resources.has_account)
        self.rights = Rights(project, region, self.resources.policies)
        self.writes: list[tuple[str, str]] = []  # every request that may have changed something
        self.reads: list[str] = []
        self.unknown: list[tuple[str, str]] = []  # requests that this stand-in does not know
        self._lock = threading.RLock()
        self._listener = Listener(self._answer)
        self.port = self._listener.port

    def _answer(self, request: Request) -> Reply:
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, told = self.handle(request.method, request.address, token, request.json)
        return Reply.of(told, status)

    def handle(self, method: str, address: str, token: str | None, body: Any) -> tuple[int, Json]:
        """Answer a request."""
        split = urlsplit(address)
        path, query = self.resources.plain(unquote(split.path)), parse_qs(split.query)
        is_read = method == "GET" or path.endswith((":getIamPolicy", ":getEffectiveOrgPolicy"))
        self.reads.append(path) if is_read else self.writes.append((method, path))
        try:
            if path == STS:
                return 200, exchange(self.resources.pools, self.project, body)
            if (who := self.tokens.who(token)) is None:
                raise RefusedError(401, "Request had invalid authentication credentials.")
            self.resources.check_api(path)
            self.rights.check(who, method, path, body)
            if GENERATE.fullmatch(path):
                return 200, generate(path, body)
            if found := KNATIVE.match(path):
                if not is_read and self.failures.hits_this_write():
                    raise RefusedError(self.failures.status, "ordered by a test")
                told = self._run(method, found[2], found[3], query, body)
                if not is_read:
                    self.failures.write_is_done()
                return 200, told
            if SERIES.match(path):
                return 200, self._series(query)
            known = self.resources.handle(method, path, query, body)
            if known is None:
                self.unknown.append((method, address))
                raise RefusedError(404, f"this stand-in does not know {method} {path}")
            return 200, known
        except RefusedError as refusal:
            status = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
            name = refusal.name or status.get(refusal.status, "ABORTED")
            why = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": refusal.reason}
            told = {"code": refusal.status, "message": str(refusal), "status": name}
            return refusal.status, {"error": told | ({"details": [why]} if refusal.reason else {})}

    def _run(self, method: str, kind: str, name: str | None, query: dict[str, list[str]], body: Any) -> Json:
        with self._lock:
            if kind == "revisions":
                return self._revisions(name, query)
            if name is None and method == "GET":
                return {"metadata": {}, "items": [service.read() for service in self.services.values()]}
            if method == "POST":
                name = str(body["metadata"]["name"])
                if name in self.services:
                    raise RefusedError(409, f"Resource '{name}' already exists.")
                self.services[name] = self._make(body)
            if name is None or name not in self.services:
                raise RefusedError(
                    404, f"Resource '{name}' of kind 'SERVICE' in region '{self.region}' does not exist."
                )
            if method == "PUT":
                self.services[name].write(body)
            if method == "DELETE":
                self.services.pop(name).remove()
                return {"status": "Success"}
            return self.services[name].read()

    def _make(self, wanted: Json) -> Service:
        return Service(
            wanted, self.resources.secret_values, self.answered, self._fault_of_image, self.ambient, self._reads
        )

    def _reads(self, account: str, secret: str) -> bool:
        place = f"/v1/projects/{self.project}/secrets/{secret}"
        return self.rights.has(account, "secretmanager.versions.access", place)

    def _revisions(self, name: str | None, query: dict[str, list[str]]) -> Json:
        everything = {known: service for service in self.services.values() for known in service.revisions}
        if name is not None:
            if name not in everything:
                raise RefusedError(404, f"Resource '{name}' of kind 'REVISION' does not exist.")
            return everything[name].show_revision(name)
        wanted = re.search(r"serving\.knative\.dev/service\s*=\s*([a-z0-9-]+)", query.get("labelSelector", [""])[0])
        shown = [s.show_revision(known) for known, s in everything.items() if not wanted or s.name == wanted[1]]
        return {"metadata": {}, "items": shown}

    def _series(self, query: dict[str, list[str]]) -> Json:
        asked = re.search(r'revision_name\s*=\s*"([^"]+)"', query["filter"][0])
        totals: Counter[str] = Counter()
        for (revision, kind), number in self.answered.items():
            if asked is None or asked[1] == revision:
                totals[kind] += number
        return {
            "timeSeries": [
                {
                    "metric": {"labels": {"response_code_class": kind}},
                    "points": [{"value": {"int64Value": str(number)}}],
                }
                for kind, number in totals.items()
            ]
        }

    def _fault_of_image(self, image: str) -> Fault | None:
        return next((fault for digest, fault in self.failures.faults.items() if digest in image), None)

    def set_up(self, slug: str) -> None:
        """Let the accounts of a project be there, with the roles that bootstrap gives them."""
        for who in ("reader", "trainer", "deployer", "runtime"):
            self.resources.add_account(f"{slug}-{who}")
        for place, role, member in granted(slug, self.project, self.number, self.region):
            self.resources.grant(place, role, member)

    def first_day(self, calls: int = 2) -> None:
        """Let this be a new project: few APIs are enabled, and what is made is unknown to so many calls."""
        self.resources.enabled = {"storage.googleapis.com", "monitoring.googleapis.com"}
        self.resources.needs_apis, self.resources.delays.calls = True, calls

    def release(self, service: str, image: str, revision: str) -> None:
        """Let a revision of an image take all traffic of a service, as a release that ended well leaves it."""
        self._put(service, image, revision, [{"revisionName": revision, "percent": 100}])

    def stage(self, service: str, image: str, revision: str, before: str) -> None:
        """Let a revision be the candidate and take nothing yet, as `deploy` leaves it."""
        shares: list[Json] = [{"revisionName": before, "percent": 100}]
        tags = [{"revisionName": before, "tag": "previous"}, {"revisionName": revision, "tag": "candidate"}]
        self._put(service, image, revision, shares + tags)

    def _put(self, service: str, image: str, revision: str, traffic: list[Json]) -> None:
        secret = {"name": f"{service}-api-keys", "key": "latest"}
        container = {
            "image": image,
            "ports": [{"containerPort": 8080}],
            "env": [{"name": "SERVICE_API_KEYS", "valueFrom": {"secretKeyRef": secret}}],
            "startupProbe": {"httpGet": {"path": "/health/ready", "port": 8080}},
        }
        template = {"metadata": {"name": revision}, "spec": {"containers": [container]}}
        wanted = {
            "metadata": {"name": service, "namespace": self.project},
            "spec": {"template": template, "traffic": traffic},
        }
        if service in self.services:
            self.services[service].write(wanted)
        else:
            self.services[service] = self._make(wanted)
        self.services[service].settle()

    def close(self) -> None:
        """Stop listening, and remove every container."""
        self._listener.close()
        for service in self.services.values():
            service.remove()
