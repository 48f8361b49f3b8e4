"""What bootstrap makes in a project: APIs, accounts and their keys, registry, buckets, secrets, roles, trust in GitHub.

Resources are kept by their address; every one of them can have a policy, as `getIamPolicy` and `setIamPolicy` know it.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from tests.delivery.stand_ins.delays import Delays

from .pools import Pools
from .services import RefusedError

Json = dict[str, Any]
Query = dict[str, list[str]]


_APIS = (
    (r"/apis/serving", "run.googleapis.com"),
    (r"/v1/projects/[^/]+/locations/[^/]+/repositories", "artifactregistry.googleapis.com"),
    (r"/v1/projects/[^/]+/serviceAccounts/[^/]+:generate", "iamcredentials.googleapis.com"),
    (r"/v1/projects/[^/]+/(serviceAccounts|locations/global/workloadIdentityPools)", "iam.googleapis.com"),
    (r"/v1/projects/[^/]+/secrets", "secretmanager.googleapis.com"),
    (r"/v3/", "monitoring.googleapis.com"),
)


def _pool(member: str) -> str:
    """The pool that a principal is of."""
    return "/v1" + member.removeprefix("principal://iam.googleapis.com").partition("/subject/")[0]


class Project:
    """The resources of one project; `handle` answers None where it does not know what is asked."""

    def __init__(self, name: str, number: str) -> None:
        self.name, self.number = name, number
        self.resources: dict[str, Json] = {}
        self.policies: dict[str, Json] = {}
        self.delays = Delays()
        self.pools = Pools(self.resources, self.delays)
        self.enabled: set[str] = {"run.googleapis.com"}
        self.needs_apis = False  # whether what is not enabled refuses
        self.forbids_keys = False
        routes: list[tuple[str, str, Callable[..., Json]]] = [
            ("POST|GET", r"(.+):getIamPolicy", self._policy),
            ("POST", r"(.+):setIamPolicy", self._set_policy),
            ("GET", r"(/b/[^/]+)/iam", self._policy),
            ("PUT", r"(/b/[^/]+)/iam", self._set_bucket_policy),
            ("GET", r"/v1/projects/([^/:]+)", self._project),
            ("POST", r"/v1/projects/[^/:]+:getEffectiveOrgPolicy", self._organisation_policy),
            ("GET", r"/v1/projects/[^/]+/services", self._services),
            ("GET", r"/v1/projects/[^/]+/services/([^/:]+)", self._service),
            ("POST", r"/v1/projects/[^/]+/services:batchEnable", self._enable_many),
            ("POST", r"/v1/projects/[^/]+/services/([^/:]+):enable", self._enable),
            ("GET", r"/v1/projects/[^/]+/serviceAccounts", self._list("accounts")),
            ("POST", r"(/v1/projects/[^/]+/serviceAccounts)", self._make_account),
            ("GET", r"(/v1/projects/[^/]+/serviceAccounts/[^/]+)/keys", self._list("keys")),
            ("POST", r"(/v1/projects/[^/]+/serviceAccounts/[^/]+)/keys", self._make_key),
            ("POST", r"(/v1/projects/[^/]+/locations/[^/]+)/repositories",
             self._make("repositoryId", "repositories")),
            *self.pools.routes(),
            ("POST", r"(/v1/projects/[^/]+)/secrets", self._make_secret),
            ("POST", r"(/v1/projects/[^/]+/secrets/[^/:]+):addVersion", self._add_version),
            ("GET", r"(/v1/projects/[^/]+/secrets/[^/:]+)/versions/latest:access", self._latest_version),
            ("GET", r"(/v1/projects/[^/]+/secrets/[^/:]+)/versions", self._versions),
            ("POST", r"(/v1/projects/[^/]+/secrets/[^/:]+)/versions/(\d+):destroy", self._destroy_version),
            ("POST", r"/b", self._make_bucket),
            ("GET", r"(/b/[^/]+)/(?:o|managedFolders)", self._objects),
            ("GET", r"(/b/[^/]+)/storageLayout", self._layout),
            ("GET", r"(.+)", self._read),
            ("PATCH", r"(.+)", self._patch),
            ("DELETE", r"(.+)", self._remove),
        ]  # fmt: skip
        self._routes = [(method, re.compile(pattern + "$"), answer) for method, pattern, answer in routes]

    def handle(self, method: str, path: str, query: Query, body: Any) -> Json | None:
        """Answer a request, or return None where there is no such thing."""
        for allowed, pattern, answer in self._routes:
            if method in allowed.split("|") and (found := pattern.match(path)):
                try:
                    return answer(*found.groups(), query=query, body=body)
                except KeyError:
                    return None
        return None

    def plain(self, path: str) -> str:
        """Return a path as resources are kept by it, in whatever way it names the project."""
        path = re.sub(r"^/storage/v1", "", path)
        return re.sub(rf"/projects/(?:-|{self.number})(?=[/:]|$)", f"/projects/{self.name}", path)

    def has_account(self, email: str) -> bool:
        """Whether there is a service account with this address."""
        return f"/v1/projects/{self.name}/serviceAccounts/{email}" in self.resources

    def add_account(self, name: str) -> None:
        """Let a service account be there."""
        self._make_account(f"/v1/projects/{self.name}/serviceAccounts", {"accountId": name})

    def grant(self, place: str, role: str, member: str) -> None:
        """Give somebody a role on something, as its owner does."""
        bindings = self.policies.setdefault(place, {"etag": "BwX=", "bindings": []})["bindings"]
        bindings.append({"role": role, "members": [member]})

    # secrets, for tests and for the containers

    def add_secret(self, name: str, value: str) -> None:
        """Let a secret hold a value."""
        address = f"projects/{self.name}/secrets/{name}"
        self.resources[f"/v1/{address}"] = {"name": address, "versions": [value]}

    def secret_values(self) -> dict[str, str]:
        """The newest value of every secret, by its name."""
        named = re.compile(r"/v1/projects/[^/]+/secrets/([^/]+)$")
        found = ((named.match(path), kept) for path, kept in self.resources.items())
        return {match[1]: kept["versions"][-1] for match, kept in found if match and kept["versions"]}

    # policies

    def _policy(self, path: str, **_: Any) -> Json:
        if not path.startswith(f"/v1/projects/{self.name}") and path not in self.resources and "/services/" not in path:
            raise KeyError(path)
        return self.policies.get(path, {"etag": "BwX=", "bindings": []})

    def _check_members(self, path: str, policy: Json) -> None:
        """Refuse a policy that names somebody new, on something new."""
        if "/serviceAccounts/" in path and self.delays.hide(path.rsplit("/", 1)[1]):
            raise RefusedError(404, f"Unknown service account: {path.rsplit('/', 1)[1]}")
        known = {member for binding in self.policies.get(path, {}).get("bindings", []) for member in binding["members"]}
        for member in {member for binding in policy.get("bindings", []) for member in binding["members"]} - known:
            if self.delays.hide(member.removeprefix("serviceAccount:")):
                raise RefusedError(400, f"Service account {member.removeprefix('serviceAccount:')} does not exist.")
            if member.startswith("principal:") and self.delays.hide(pool := self.plain(_pool(member))):
                raise RefusedError(
                    400,
                    f"Identity Pool does not exist ({pool}). Please check that you specified a valid resource name.",
                )

    def _set_policy(self, path: str, body: Json, **_: Any) -> Json:
        self._check_members(path, body["policy"])
        self.policies[path] = body["policy"] | {"etag": "BwX="}
        return self.policies[path]

    def _set_bucket_policy(self, path: str, body: Json, **_: Any) -> Json:
        self._check_members(path, body)
        self.policies[path] = body
        return body

    def _organisation_policy(self, **_: Any) -> Json:
        return {
            "constraint": "constraints/iam.disableServiceAccountKeyCreation",
            "booleanPolicy": {"enforced": True} if self.forbids_keys else {},
        }

    # the project and its APIs

    def _project(self, name: str, **_: Any) -> Json:
        return {"projectId": name, "projectNumber": self.number, "lifecycleState": "ACTIVE", "name": name}

    def _state(self, api: str) -> Json:
        state = "ENABLED" if api in self.enabled else "DISABLED"
        return {"name": f"projects/{self.number}/services/{api}", "config": {"name": api}, "state": state}

    def _services(self, **_: Any) -> Json:
        return {"services": [self._state(api) for api in sorted(self.enabled)]}

    def _service(self, api: str, **_: Any) -> Json:
        return self._state(api)

    def _enable(self, api: str, **_: Any) -> Json:
        self._now_enabled(api)
        return {"name": "operations/noop.DONE_OPERATION", "done": True, "response": {}}

    def _enable_many(self, body: Json, **_: Any) -> Json:
        for api in body["serviceIds"]:
            self._now_enabled(api)
        return {"name": "operations/noop.DONE_OPERATION", "done": True, "response": {}}

    def _now_enabled(self, api: str) -> None:
        self.enabled.add(api)
        self.delays.made(api)

    def check_api(self, path: str) -> None:
        """Refuse what an API is asked that is not enabled, or not long enough.

        Raises:
            RefusedError: it is not.
        """
        name = next((api for pattern, api in _APIS if re.match(pattern, path)), None)
        if self.needs_apis and name and (name not in self.enabled or self.delays.hide(name)):
            message = (
                f"{name} has not been used in project {self.number} before or it is disabled. Enable it, then retry."
            )
            raise RefusedError(403, message, reason="SERVICE_DISABLED")

    # accounts and keys

    def _list(self, kind: str) -> Callable[..., Json]:
        def answer(path: str = "", **_: Any) -> Json:
            if path and path not in self.resources:
                raise KeyError(path)
            pattern = re.compile(
                rf"{re.escape(path)}/keys/[^/]+$" if path else r"/v1/projects/[^/]+/serviceAccounts/[^/]+$"
            )
            listed = [kept for address, kept in self.resources.items() if pattern.match(address)]
            return {kind: [one for one in listed if not self.delays.hide(f"{one['name'].rpartition('/')[2]} in lists")]}

        return answer

    def _make_account(self, path: str, body: Json, **_: Any) -> Json:
        email = f"{body['accountId']}@{self.name}.iam.gserviceaccount.com"
        if self.has_account(email):
            project = f"projects/{self.name}"
            raise RefusedError(
                409, f"Service account {body['accountId']} already exists within project {project}.", "ALREADY_EXISTS"
            )
        named: Json = {"name": f"{path[4:]}/{email}", "email": email, "projectId": self.name}
        made: Json = {**body.get("serviceAccount", {}), **named}
        self.resources[f"/v1/projects/{self.name}/serviceAccounts/{email}"] = made
        self.delays.made(email)
        self.delays.made(f"{email} in lists")
        return made

    def _make_key(self, path: str, **_: Any) -> Json:
        if self.forbids_keys or path not in self.resources:
            raise KeyError(path)
        if self.delays.hide(path.rsplit("/", 1)[1]):
            raise RefusedError(404, f"Unknown service account: {path.rsplit('/', 1)[1]}")
        name = secrets.token_hex(20)
        key = {
            "type": "service_account",
            "project_id": self.name,
            "private_key_id": name,
            "private_key": f"secret of {name}\nline\n",
            "client_email": path.rsplit("/", 1)[1],
            "token_uri": "https://oauth2.googleapis.com/token",
            "universe_domain": "googleapis.com",
        }
        made = {
            "name": f"{path[4:]}/keys/{name}", "keyType": "USER_MANAGED",
            "validAfterTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "validBeforeTime": "9999-12-31T23:59:59Z",
        }  # fmt: skip
        self.resources[f"{path}/keys/{name}"] = made
        return made | {"privateKeyData": base64.b64encode(json.dumps(key, indent=2).encode()).decode()}

    # everything that is made under a name and read back

    def _make(self, parameter: str, collection: str) -> Callable[..., Json]:
        def answer(path: str, query: Query, body: Json, **_: Any) -> Json:
            address = f"{path}/{collection}/{query[parameter][0]}"
            self.resources[address] = (body or {}) | {"name": address[4:], "state": "ACTIVE"}
            return {"name": f"{path[4:]}/operations/1", "done": True, "response": self.resources[address]}

        return answer

    def _make_bucket(self, body: Json, **_: Any) -> Json:
        self.resources[f"/b/{body['name']}"] = body | {
            "kind": "storage#bucket",
            "id": body["name"],
            "metageneration": "1",
        }
        return self.resources[f"/b/{body['name']}"]

    def _objects(self, path: str, **_: Any) -> Json:
        return {"kind": "storage#objects", "items": []} if path in self.resources else self.resources[path]

    def _layout(self, path: str, **_: Any) -> Json:
        return {"bucket": self.resources[path]["id"], "hierarchicalNamespace": {"enabled": False}}

    def _read(self, path: str, **_: Any) -> Json:
        return self.resources[path]

    def _patch(self, path: str, body: Json, **_: Any) -> Json:
        self.resources[path] |= body
        return self.resources[path]

    def _remove(self, path: str, **_: Any) -> Json:
        self.resources.pop(path)
        held: tuple[Json, Json] = (self.resources, self.policies)
        for kept in held:
            for known in [known for known in kept if known == path or known.startswith(f"{path}/")]:
                del kept[known]
        collection, name = path[4:].rpartition("/")[::2]
        if collection.endswith("/serviceAccounts"):
            self._forget_member(f"serviceAccount:{name}")
        if collection.endswith("/repositories"):  # what takes time is an operation
            return {"name": f"{collection.rpartition('/')[0]}/operations/{name}", "done": True, "response": {}}
        return {}

    def _forget_member(self, member: str) -> None:
        """Let the policies name an account that was removed as they do: another of its name does not have its roles."""
        for binding in (binding for policy in self.policies.values() for binding in policy.get("bindings", [])):
            gone = f"deleted:{member}?uid={secrets.randbelow(10**20)}"
            binding["members"] = [gone if known == member else known for known in binding["members"]]

    # versions of secrets

    def _make_secret(self, path: str, query: Query, body: Json, **_: Any) -> Json:
        address = f"{path}/secrets/{query['secretId'][0]}"
        if address in self.resources:
            raise RefusedError(409, f"Secret [{address[4:]}] already exists.", "ALREADY_EXISTS")
        self.resources[address] = (body or {}) | {"name": address[4:], "versions": []}
        return {"name": address[4:]}

    def _add_version(self, path: str, body: Json, **_: Any) -> Json:
        versions = self.resources[path]["versions"]
        versions.append(base64.b64decode(body["payload"]["data"]).decode())
        name = f"{path[4:]}/versions/{len(versions)}"
        return {"name": name, "state": "ENABLED", "clientSpecifiedPayloadChecksum": True}

    def _latest_version(self, path: str, **_: Any) -> Json:
        versions = self.resources[path]["versions"]
        data = base64.b64encode(versions[-1].encode()).decode()
        return {"name": f"{path[4:]}/versions/{len(versions)}", "payload": {"data": data}}

    def _versions(self, path: str, **_: Any) -> Json:
        kept = enumerate(self.resources[path]["versions"], 1)
        named = [
            {"name": f"{path[4:]}/versions/{number}", "state": "ENABLED" if value else "DESTROYED",
             "createTime": "2026-01-01T00:00:00Z"} for number, value in kept
        ]  # fmt: skip
        return {"versions": named[::-1]}

    def _destroy_version(self, path: str, number: str, **_: Any) -> Json:
        self.resources[path]["versions"][int(number) - 1] = ""
        return {"name": f"{path[4:]}/versions/{number}", "state": "DESTROYED"}
