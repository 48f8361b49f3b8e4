"""What bootstrap makes in a subscription: kept by address, as Resource Manager shows it, in whatever case."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from tests.delivery.stand_ins.delays import Delays

from .entra import RefusedError

Json = dict[str, Any]
Query = dict[str, list[str]]

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
_KEY_OF_USER = f"{_BLOBS}/generateUserDelegationKey/action"
ROLES: dict[str, tuple[list[str], list[str]]] = {  # actions and data actions
    "AcrPush": (
        ["Microsoft.ContainerRegistry/registries/pull/read", "Microsoft.ContainerRegistry/registries/push/write"], []
    ),
    "AcrPull": (["Microsoft.ContainerRegistry/registries/pull/read"], []),
    "Managed Identity Operator": (
        [
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
            "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/deployments/*",
            "Microsoft.Support/*",
        ], [],
    ),
    "Reader and Data Access": (
        [f"Microsoft.Storage/storageAccounts/{verb}" for verb in ("listKeys/action", "ListAccountSas/action", "read")],
        [],
    ),
    "Storage Blob Data Reader": ([f"{_BLOBS}/containers/read", _KEY_OF_USER], [f"{_BLOBS}/containers/blobs/read"]),
    "Storage Blob Data Contributor": (
        [*(f"{_BLOBS}/containers/{verb}" for verb in ("delete", "read", "write")), _KEY_OF_USER],
        [f"{_BLOBS}/containers/blobs/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")],
    ),
}  # fmt: skip
SHARE_KEY = "a2V5IG9mIHRoZSBzaGFyZQ=="


class Resources:
    """The resources of one subscription; `handle` answers None where it does not know what is asked."""

    def __init__(self, subscription: str, tenant: str, delays: Delays) -> None:
        self.root, self.tenant = f"/subscriptions/{subscription}", tenant
        self.kept: dict[str, Json] = {}
        self.registered: set[str] = {"Microsoft.ContainerRegistry", "Microsoft.ManagedIdentity", "Microsoft.Storage"}
        self.imported: list[Json] = []
        self.delays = delays
        for role, (actions, data) in ROLES.items():
            number = uuid.uuid5(uuid.NAMESPACE_DNS, role)
            permissions = [{"actions": actions, "dataActions": data}]
            told = {"properties": {"roleName": role, "type": "BuiltInRole", "permissions": permissions}}
            self._keep(f"{self.root}/providers/Microsoft.Authorization/roleDefinitions/{number}", told)
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Json | list[Json]]]] = [
            (method, re.compile(pattern, re.IGNORECASE), answer)
            for method, pattern, answer in (
                ("GET", r"/subscriptions", self._subscriptions),
                ("GET", r"/tenants", self._tenants),
                ("GET", r"/subscriptions/[^/]+", self._subscription),
                ("GET", r"/subscriptions/[^/]+/providers", self._providers),
                ("GET", r"/subscriptions/[^/]+/providers/([^/]+)", self._provider),
                ("POST", r"/subscriptions/[^/]+/providers/([^/]+)/register", self._register),
                ("POST", r".+/checkNameAvailability", lambda **_: {"nameAvailable": True}),
                ("GET", r"(.*)/providers/Microsoft.Authorization/roleDefinitions", self._roles),
                ("GET", r"(.*)/providers/Microsoft.Authorization/roleAssignments", self._assignments),
                ("POST", r"(.+/registries/[^/]+)/importImage", self._import),
                ("POST", r"(.+/storageAccounts/[^/]+)/listKeys", self._storage_keys),
                ("GET", r"(/subscriptions/[^/]+/resourceGroups/[^/]+)/resources", self._in_group),
                ("GET", r"/subscriptions/[^/]+/resources", self._by_type),
                ("GET", r"(.+)", self._read),
                ("PATCH", r"(.+)/providers/Microsoft.Resources/tags/default", self._merge_tags),
                ("PUT", r"(.+)", self._put),
                ("PATCH", r"(.+)", self._patch),
                ("DELETE", r"(.+)", self._remove),
            )
        ]  # fmt: skip

    def handle(self, method: str, path: str, query: Query, body: Any) -> Json | list[Json] | None:
        """Answer a request, or return None where there is no such thing."""
        for allowed, pattern, answer in self._routes:
            if method == allowed and (found := pattern.fullmatch(path)):
                return answer(*found.groups(), query=query, body=body)
        return None

    def put(self, path: str, body: Json | None = None) -> None:
        """Let something be there, as if it had been made before."""
        self._put(path, body or {})

    def _keep(self, path: str, body: Json) -> Json:
        own = {"id": path, "name": path.rsplit("/", 1)[1], "type": type_of(path)}
        self.kept[path.lower()] = body | own
        return self.kept[path.lower()]

    def _held(self, path: str) -> Json:
        if path.lower() not in self.kept:
            name = path.rsplit("/", 1)[1]
            if re.fullmatch(r"/subscriptions/[^/]+/resourcegroups/[^/]+", path, re.IGNORECASE):
                raise RefusedError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
            if "/managementpolicies/" in path.lower():
                raise RefusedError(404, "ManagementPolicyNotFound", "No ManagementPolicy found for the account")
            raise RefusedError(404, "ResourceNotFound", f"The Resource '{type_of(path)}/{name}' was not found.")
        return self.kept[path.lower()]

    # the subscription and its providers

    def _subscription(self, *_: Any, **__: Any) -> Json:
        number = self.root.rsplit("/", 1)[1]
        return {"id": self.root, "subscriptionId": number, "displayName": "demo", "state": "Enabled",
                "tenantId": self.tenant}  # fmt: skip

    def _subscriptions(self, **_: Any) -> Json:
        return {"value": [self._subscription()]}

    def _tenants(self, **_: Any) -> Json:
        return {"value": [{"id": f"/tenants/{self.tenant}", "tenantId": self.tenant}]}

    def _provider(self, name: str, **_: Any) -> Json:
        state = "Registered" if name in self.registered else "NotRegistered"
        return {"id": f"{self.root}/providers/{name}", "namespace": name, "registrationState": state,
                "resourceTypes": []}  # fmt: skip

    def _providers(self, **_: Any) -> Json:
        named = "Microsoft.ContainerInstance Microsoft.ContainerRegistry Microsoft.ManagedIdentity Microsoft.Storage"
        return {"value": [self._provider(name) for name in named.split()]}

    def _register(self, name: str, **_: Any) -> Json:
        self.registered.add(name)
        return self._provider(name)

    # roles, and who has them

    def _roles(self, _scope: str, query: Query, **_: Any) -> Json:
        asked = re.search(r"roleName eq '([^']*)'", query.get("$filter", [""])[0])
        return {"value": [
            kept for path, kept in self.kept.items()
            if "/roledefinitions/" in path and (not asked or kept["properties"]["roleName"] == asked[1])
            and not self.delays.hide(f"{path} in lists")
        ]}  # fmt: skip

    def _assignments(self, scope: str, **_: Any) -> Json:
        beginning = f"{scope}/providers/microsoft.authorization/roleassignments/".lower()
        above = [
            path
            for path in self.kept
            if "/roleassignments/" in path
            and (
                path.startswith(beginning)
                or scope.lower().startswith(path.split("/providers/microsoft.authorization")[0])
            )
        ]
        return {"value": [self.kept[path] for path in above]}

    def assigned(self) -> list[tuple[Json, Json]]:
        """Every role assignment, with the role."""
        roles = {path.rsplit("/", 1)[1]: kept for path, kept in self.kept.items() if "/roledefinitions/" in path}
        given = [kept["properties"] for path, kept in self.kept.items() if "/roleassignments/" in path]
        return [(one, roles[one["roleDefinitionId"].rsplit("/", 1)[1].lower()]["properties"]) for one in given]

    def role_named(self, name: str) -> str:
        """The address of a role."""
        roles = (kept for path, kept in self.kept.items() if "/roledefinitions/" in path)
        return next(str(kept["id"]) for kept in roles if kept["properties"]["roleName"] == name)

    def roles(self) -> set[tuple[str, str, str]]:
        """Who has which role on what: principal, role, and the end of its address."""
        named = {
            path: kept["properties"]["roleName"] for path, kept in self.kept.items() if "/roledefinitions/" in path
        }
        numbers = {path.rsplit("/", 1)[1]: name for path, name in named.items()}
        return {
            (given["principalId"], numbers[given["roleDefinitionId"].rsplit("/", 1)[1].lower()],
             given["scope"].rsplit("/", 1)[1])
            for given in (kept["properties"] for path, kept in self.kept.items() if "/roleassignments/" in path)
        }  # fmt: skip

    # what has verbs of its own

    def _import(self, path: str, body: Json, **_: Any) -> Json:
        self._held(path)
        if self.delays.hide("docker.io"):
            message = "429 Too Many Requests: toomanyrequests: You have reached your unauthenticated pull rate limit."
            raise RefusedError(400, "InvalidParameters", message)
        self.imported.append(body)
        return {}

    def _storage_keys(self, path: str, **_: Any) -> Json:
        if not self._held(path)["properties"].get("allowSharedKeyAccess", True):
            raise RefusedError(403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted.")
        return {"keys": [{"keyName": "key1", "value": SHARE_KEY, "permissions": "FULL"}]}

    def _in_group(self, path: str, **_: Any) -> Json:
        shown = re.compile(re.escape(f"{path}/providers/".lower()) + r"[^/]+/[^/]+/[^/]+")
        held = [kept for known, kept in self.kept.items() if shown.fullmatch(known)]
        return {"value": [kept for kept in held if "authorization" not in kept["type"].lower()]}

    def _by_type(self, query: Query, **_: Any) -> Json:
        """Those of a type; who may only push to a registry is shown none."""
        asked = re.search(r"resourceType eq '([^']*)'", query.get("$filter", [""])[0])
        wanted = asked[1].lower() if asked else ""
        return {"value": [kept for kept in self.kept.values() if kept["type"].lower() == wanted]}

    def _merge_tags(self, path: str, body: Json, **_: Any) -> Json:
        held = self._held(path)
        assert body["operation"] == "Merge"
        held["tags"] = held.get("tags", {}) | body["properties"]["tags"]
        return {"properties": {"tags": held["tags"]}}

    # everything that is made under a name and read back

    def _read(self, path: str, **_: Any) -> Json:
        above, kind = path.rsplit("/providers/", 1) if "/providers/" in path else (path, "")
        if kind.count("/") % 2:  # of a kind, such as Microsoft.Storage/storageAccounts: all that there are
            under = re.compile(
                re.escape(above.lower()) + r"/.*" + re.escape(kind.rsplit("/", 1)[1].lower()) + r"/[^/]+"
            )
            return {"value": [kept for known, kept in self.kept.items() if under.fullmatch(known)]}
        return self._held(path)

    def _put(self, path: str, body: Json, **_: Any) -> Json:
        above = re.match(r"/subscriptions/[^/]+/resourcegroups/[^/]+", path, re.IGNORECASE)
        if above and above[0].lower() != path.lower():
            self._held(above[0])
        made = (body or {}) | {"properties": dict((body or {}).get("properties") or {})}
        properties = made["properties"]
        name = path.rsplit("/", 1)[1]
        match type_of(path).lower():
            case "microsoft.containerregistry/registries":
                properties |= {
                    "loginServer": f"{name}.azurecr.io",
                    "adminUserEnabled": properties.get("adminUserEnabled", False),
                }
            case "microsoft.managedidentity/userassignedidentities":
                properties |= {"principalId": str(uuid.uuid4()), "clientId": str(uuid.uuid4()), "tenantId": self.tenant}
                self.delays.made(properties["principalId"])
            case "microsoft.storage/storageaccounts/managementpolicies":  # of which an account has one, replaced whole
                self._held(path.rsplit("/", 2)[0])
                names = [rule["name"] for rule in properties["policy"]["rules"] if rule["definition"]["actions"]]
                if name != "default" or len(set(names)) != len(properties["policy"]["rules"]):
                    raise RefusedError(400, "InvalidRequestPropertyValue", "a policy's name, or a rule's, is not valid")
            case "microsoft.authorization/roledefinitions":
                properties |= {"type": "CustomRole"}
                self.delays.made(path.lower())
                self.delays.made(f"{path.lower()} in lists", 5)
            case "microsoft.authorization/roleassignments":
                self._check_assignment(properties)
                properties |= {"scope": path.split("/providers/Microsoft.Authorization")[0]}
        if "authorization" not in path.lower():
            properties["provisioningState"] = "Succeeded"
        return self._keep(path, made)

    def _check_assignment(self, properties: Json) -> None:
        """Refuse an assignment to somebody, or of a role, that is not known yet."""
        who, role = properties["principalId"], properties["roleDefinitionId"]
        if self.delays.hide(who):
            message = f"Principal {who.replace('-', '')} does not exist in the directory {self.tenant}."
            raise RefusedError(400, "PrincipalNotFound", message)
        known = next((path for path in self.kept if path.endswith(f"/{role.rsplit('/', 1)[1].lower()}")), "")
        if not known or self.delays.hide(known):
            message = f"The specified role definition with ID '{role.rsplit('/', 1)[1]}' does not exist."
            raise RefusedError(400, "RoleDefinitionDoesNotExist", message)

    def _patch(self, path: str, body: Json, **_: Any) -> Json:
        held = self._held(path)
        held["properties"] |= body.pop("properties", None) or {}
        held |= body
        return held

    def _remove(self, path: str, **_: Any) -> Json:
        gone = self._held(path)
        if "/roledefinitions/" in path.lower() and any(
            role[1] == gone["properties"]["roleName"] for role in self.roles()
        ):
            raise RefusedError(400, "RoleDefinitionHasAssignments", "There are existing role assignments for the role.")
        for known in [known for known in self.kept if known == path.lower() or known.startswith(f"{path.lower()}/")]:
            del self.kept[known]
        return gone


def type_of(path: str) -> str:
    """What kind of thing has this address, such as Microsoft.Storage/storageAccounts/blobServices/containers."""
    parts = path.rsplit("/providers/", 1)
    if len(parts) == 1:
        return "Microsoft.Resources/resourceGroups"
    words = parts[1].split("/")
    return "/".join([words[0], *words[1::2]])
