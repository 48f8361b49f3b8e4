"""Azure's addresses, all behind one port: where to sign in, Graph, and Resource Manager are told apart by the path."""

from __future__ import annotations

import re
import threading
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.delivery.stand_ins.authority import Authority
from tests.delivery.stand_ins.containers import docker, local
from tests.delivery.stand_ins.failures import Failures
from tests.delivery.stand_ins.listening import Listener, Reply, Request

from . import caddy
from .entra import Entra, RefusedError
from .groups import Group
from .resources import SHARE_KEY, Resources
from .rights import PULL, Rights

Json = dict[str, Any]

GROUPS = re.compile(
    r"(?i)(/subscriptions/[^/]+/resourceGroups/[^/]+)/providers/Microsoft\.ContainerInstance/containerGroups(?:/([^/]+))?(/.+)?"
)
LOGIN = re.compile(r"/([^/]+)/(?:v2\.0/\.well-known/openid-configuration|oauth2/v2\.0/token)")


class Azure:
    """One subscription in one cloud, alive until `close`. `folder` is for the share and for certificates."""

    def __init__(self, folder: Path, location: str = "westeurope", resource_group: str = "demo") -> None:
        self.subscription, self.tenant = str(uuid.uuid4()), str(uuid.uuid4())
        self.location, self.resource_group = location, resource_group
        self.failures = Failures()
        self.entra = Entra(self.tenant)
        self.resources = Resources(self.subscription, self.tenant, self.entra.delays)
        self.rights = Rights(self.entra.owner, self.entra, self.resources)
        self.groups: dict[str, Group] = {}
        self.ambient: dict[str, str] = {}  # how containers find the storage: in place of its name and their identity's
        self.writes: list[tuple[str, str]] = []  # every request that may have changed something
        self.unknown: list[tuple[str, str]] = []  # requests that this stand-in does not know
        self.unreadable: str | None = None  # the end of an address: who reads there is refused
        self.share = folder / "share"
        self.share.mkdir(parents=True)
        self.authority = Authority(folder)
        caddy.put_root(self.authority.signs, self.share)
        self.registries: dict[str, str] = {}  # where on the loopback a host's images are
        self._addresses: dict[str, str] = {}  # on the loopback, by group
        self._lock = threading.RLock()
        self._listener = Listener(self._answer, self.authority.serves())
        self.url = f"https://127.0.0.1:{self._listener.port}"

    def _answer(self, request: Request) -> Reply:
        split = urlsplit(request.address)
        path, query = re.sub("/+", "/", unquote(split.path)), parse_qs(split.query)  # az writes some of them twice
        try:
            if LOGIN.fullmatch(path):
                told = self.entra.about(self.url) if request.method == "GET" else self.entra.sign_in(request.body)
                return Reply.of(told)
            who = self.entra.who(request.headers.get("Authorization"))
            self.rights.check(who, request.method, path, request.json)
            if path.startswith("/v1.0/"):
                prefer = request.headers.get("Prefer")
                return self._known_by_graph(request.method, path, query, request.json, prefer)
            return self._known(who, request.method, path, query, request.json)
        except RefusedError as refusal:
            if refusal.code == "invalid_client":
                return Reply.of({"error": refusal.code, "error_description": str(refusal)}, refusal.status)
            return Reply.of({"error": {"code": refusal.code, "message": str(refusal)}}, refusal.status)

    def _note(self, method: str, path: str) -> None:
        """Note a write; refuse a read that a test has ordered to fail."""
        if method not in ("GET", "HEAD") and not path.endswith(("/listKeys", "/checkNameAvailability")):
            self.writes.append((method, path))
        elif self.unreadable and path.endswith(self.unreadable):
            raise RefusedError(403, "AuthorizationFailed", "ordered by a test")

    def _not_known(self, method: str, path: str) -> RefusedError:
        self.unknown.append((method, path))
        return RefusedError(404, "NotFound", f"this stand-in does not know {method} {path}")

    def _known_by_graph(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, prefer: str | None
    ) -> Reply:
        self._note(method, path)
        with self._lock:
            told = self.entra.graph(method, path.removeprefix("/v1.0"), query, body, prefer)
        if told is None:
            raise self._not_known(method, path)
        if not told:
            return Reply(204, b"")
        made = method in ("POST", "PATCH") and not path.endswith("/addPassword")
        return Reply.of(told, 201 if made else 200)

    def _known(self, who: str, method: str, path: str, query: dict[str, list[str]], body: Any) -> Reply:
        self._note(method, path)
        if found := GROUPS.fullmatch(path):
            scope, name, rest = found.groups()
            return self._group(method, scope, name, rest, body)
        with self._lock:
            told: Any = self.resources.handle(method, path, query, body)
        if told is None:
            raise self._not_known(method, path)
        if path.endswith("/resources"):
            told = {"value": [kept for kept in told["value"] if self.rights.may_see(who, kept)]}
        made = method == "PUT" and "/Microsoft.Authorization/" in path
        return Reply.of(told, 201 if made else 200)

    # container groups, whose writes can be made to fail

    def _group(self, method: str, scope: str, name: str | None, rest: str | None, body: Any) -> Reply:
        is_read = method == "GET"
        self.resources.handle("GET", scope, {}, None)  # which is refused where there is no such resource group
        if not is_read and self.failures.hits_this_write():
            raise RefusedError(self.failures.status, "AuthorizationFailed", "ordered by a test")
        reply = self._group_done(method, scope, name, rest, body)
        if not is_read:
            self.failures.write_is_done()
        return reply

    def _group_done(self, method: str, scope: str, name: str | None, rest: str | None, body: Any) -> Reply:
        with self._lock:
            if name is None:
                return Reply.of({"value": [group.show(with_view=False) for group in self.groups.values()]})
            if method == "PUT":
                made = name not in self.groups
                self._check_pull(scope, body)
                group = self.groups.get(name) or self._make(scope, name)
                group.write(body)
                self.groups[name] = group
                return Reply.of(group.show(with_view=False), 201 if made else 200, Retry_After="1")
            if name not in self.groups:
                if method == "DELETE":
                    return Reply(204, b"")
                raise RefusedError(
                    404,
                    "ResourceNotFound",
                    f"The Resource 'Microsoft.ContainerInstance/containerGroups/{name}' was not found.",
                )
            group = self.groups[name]
            if method == "DELETE":
                del self.groups[name]
        if method == "DELETE":
            group.remove()
            return Reply.of(group.show(with_view=False))
        if rest and rest.lower().endswith("/microsoft.resources/tags/default"):
            if method == "PATCH":
                merged = {**group.body.get("tags", {}), **body["properties"]["tags"]}
                assert body["operation"] == "Merge"
                group.body["tags"] = merged
            return Reply.of({"properties": {"tags": group.body.get("tags", {})}})
        if rest and rest.endswith("/logs"):
            return Reply.of({"content": group.logs(rest.split("/")[-2])})
        return Reply.of(group.show(with_view=True), Retry_After="1")  # or az asks again after half a minute

    def _check_pull(self, scope: str, body: Json) -> None:
        """Refuse a group whose identity may not pull from a registry that is one of these."""
        for credential in body["properties"].get("imageRegistryCredentials", []):
            host, identity = credential["server"], self.resources.kept.get(credential["identity"].lower())
            registry = f"{scope}/providers/Microsoft.ContainerRegistry/registries/{host.removesuffix('.azurecr.io')}"
            known = identity and (host in self.registries or registry.lower() in self.resources.kept)
            if identity and known and not self.rights.has(identity["properties"]["principalId"], PULL, registry):
                image = body["properties"]["containers"][0]["properties"]["image"]
                raise RefusedError(400, "InaccessibleImage", f"The image '{image}' in '{host}' is not accessible.")

    def _make(self, scope: str, name: str) -> Group:
        path = f"{scope}/providers/Microsoft.ContainerInstance/containerGroups/{name}"
        return Group(path, self.address_of(name), self.share, lambda: SHARE_KEY, self.pulled, self.ambient)

    def pulled(self, image: str) -> str:
        """Return how the engine knows an image, after it was pulled where its registry is one of these."""
        host, _, rest = image.partition("/")
        if host not in self.registries:
            return local(image)
        here = f"{self.registries[host]}/{rest}"
        docker("pull", "--quiet", here, check=False)  # an image that is not there is noticed by whoever starts it
        return here

    def show_only(self, name: str, body: Json) -> None:
        """Let a group be there that nothing runs in."""
        scope = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        self.groups[name] = self._make(scope, name)
        self.groups[name].body, self.groups[name].state = body, "Succeeded"

    def address_of(self, group: str) -> str:
        """Return the loopback address that is a group's own, which nobody else on this machine uses."""
        names = self._addresses
        with self._lock:
            return names.setdefault(
                group, f"127.{self._listener.port >> 8}.{self._listener.port & 255}.{len(names) + 1}"
            )

    def first_day(self, calls: int = 2) -> None:
        """Let what is made be unknown to so many calls, and Docker Hub refuse as many."""
        self.entra.delays.calls = calls
        self.entra.delays.made("docker.io")

    def close(self) -> None:
        """Stop listening, and remove every container."""
        self._listener.close()
        for group in self.groups.values():
            group.remove()
