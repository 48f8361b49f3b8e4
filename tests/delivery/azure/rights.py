"""What each identity may do: the action that a call is, and the roles that allow it, assigned at a scope or above.

Azure's own roles are those that `bootstrap` assigns, as https://learn.microsoft.com/azure/role-based-access-control/
built-in-roles lists their actions; roles of our own are kept with the other resources. Whoever set the subscription up,
its owner, may do everything.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from .entra import Entra, RefusedError
from .resources import Resources, type_of

Json = dict[str, Any]

LISTED_FOR_ALL = re.compile(
    r"/(subscriptions|tenants)(/[^/]+)?(/resources)?", re.IGNORECASE
)  # what one may see of them
ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
PULL, PUSH = (f"Microsoft.ContainerRegistry/registries/{verb}" for verb in ("pull/read", "push/write"))
LINKED = (
    "The client has permission to perform action 'Microsoft.ContainerInstance/containerGroups/write' on scope '{}'; "
    "however, it does not have permission to perform action(s) '{}' on the linked scope(s) '{}' (respectively) or the "
    "linked scope(s) are invalid."
)


class Rights:
    """Who may do what, by the role assignments that are kept."""

    def __init__(self, owner: str, entra: Entra, resources: Resources) -> None:
        self._owner, self._entra, self._resources = owner, entra, resources
        self.refused: list[tuple[str, str, str]] = []  # who, action, scope

    def check(self, client: str, method: str, path: str, body: Any) -> None:
        """Let a call pass that its identity may make.

        Raises:
            RefusedError: it may not.
        """
        if client == self._owner or LISTED_FOR_ALL.fullmatch(path):
            return
        who = self._entra.principal_of(client)
        if path.startswith("/v1.0/"):
            self.refused.append((client, f"{method} {path}", "Graph"))
            raise RefusedError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        action, scope = action_of(method, path)
        if not self.has(who, action, scope):
            self.refused.append((client, action, scope))
            raise RefusedError(
                403,
                "AuthorizationFailed",
                f"The client '{client}' with object id '{who}' does not have authorization to perform action "
                f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
                "refresh your credentials.",
            )
        for identity in (
            ((body or {}).get("identity") or {}).get("userAssignedIdentities", {}) if method == "PUT" else ()
        ):
            if not self.has(who, ASSIGN, identity):
                self.refused.append((client, ASSIGN, identity))
                raise RefusedError(403, "LinkedAuthorizationFailed", LINKED.format(scope, ASSIGN, identity))

    def may_see(self, client: str, kept: Json) -> bool:
        """Whether a list shows something to somebody."""
        who = self._entra.principal_of(client)
        return client == self._owner or self.has(who, f"{kept['type']}/read", kept["id"])

    def has(self, who: str, action: str, scope: str, data: bool = False) -> bool:
        """Whether a principal may do something at a scope."""
        return any(
            _allows(role["permissions"], action, data)
            for given, role in self._resources.assigned() if given["principalId"] == who
            and (scope.lower() == given["scope"].lower() or scope.lower().startswith(f"{given['scope'].lower()}/"))
        )  # fmt: skip


def action_of(method: str, path: str) -> tuple[str, str]:
    """Return the action that a call is, and its scope."""
    verbs = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
    if method == "POST":
        scope, _, verb = path.rpartition("/")
        return f"{type_of(scope)}/{verb}/action", scope
    above, _, last = path.rpartition("/providers/")
    if not above:  # a resource group, or a list of what is in it
        group = re.fullmatch(r"(/subscriptions/[^/]+/resourcegroups/[^/]+)(/.+)?", path, re.IGNORECASE)
        assert group, f"no action is known for {method} {path}"
        return f"Microsoft.Resources/subscriptions/resourceGroups{group[2] or ''}/{verbs[method]}", group[1]
    if last.lower().startswith("microsoft.resources/tags"):
        return f"Microsoft.Resources/tags/{verbs[method]}", above
    if path.endswith("/logs"):
        return f"{type_of(path.removesuffix('/logs'))}/logs/read", path.removesuffix("/logs")
    if above and last.count("/") % 2:  # a list of a kind
        return f"{type_of(f'{path}/each')}/{verbs[method]}", above
    return f"{type_of(path)}/{verbs[method]}", path


def _allows(permissions: list[Json], action: str, data: bool) -> bool:
    named = [pattern for one in permissions for pattern in one["dataActions" if data else "actions"]]
    patterns = (re.escape(pattern).replace(r"/\*/", "/(.*/)?").replace(r"\*", ".*") for pattern in named)
    return any(re.fullmatch(pattern, action, re.IGNORECASE) for pattern in patterns)


def set_up(entra: Entra, resources: Resources, group: str, slug: str, total: str) -> dict[str, Json]:
    """Let apps, their principals and the service's identity be there with the roles that bootstrap gives them."""
    apps = {}
    principals = {}
    for who in ("reader", "trainer", "deployer"):
        app = entra.graph("POST", "/applications", {}, {"displayName": f"{slug}-{who}-{total}"})
        assert app is not None
        made = entra.graph("POST", "/servicePrincipals", {}, {"appId": app["appId"]})
        assert made is not None
        apps[who], principals[who] = app, str(made["id"])
    runtime = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{slug}-runtime-{total}"
    resources.put(runtime)
    principals["runtime"] = str(resources.kept[runtime.lower()]["properties"]["principalId"])
    for kind, (actions, data) in OUR_ROLES.items():
        address = f"{group}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
        permissions = [{"actions": actions, "dataActions": data}]
        resources.put(address, {"properties": {"roleName": f"{slug} {kind} {total}", "permissions": permissions}})
    for who, role, scope in granted(group, slug, total):
        given = {"principalId": principals[who], "roleDefinitionId": resources.role_named(role)}
        address = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        resources.put(address, {"properties": given})
    return apps


OUR_ROLES: dict[str, tuple[list[str], list[str]]] = {
    "deploys": (
        [
            *(f"Microsoft.ContainerInstance/containerGroups/{verb}" for verb in ("read", "write", "delete")),
            "Microsoft.ContainerInstance/containerGroups/containers/logs/read",
            "Microsoft.ContainerInstance/locations/operations/read",
            "Microsoft.Resources/tags/read",
            "Microsoft.Resources/tags/write",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        [],
    ),
    "adds": ([], ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"]),
}


def granted(group: str, slug: str, total: str) -> Iterator[tuple[str, str, str]]:
    """What `bootstrap` assigns: who, role and scope; the tests of bootstrap hold both against each other."""
    short = slug.replace("-", "")
    storage = f"{group}/providers/Microsoft.Storage/storageAccounts/{short[:12]}"
    data = f"{storage}data{total}/blobServices/default/containers"
    registry = f"{group}/providers/Microsoft.ContainerRegistry/registries/{short[:40]}{total}"
    yield "deployer", f"{slug} deploys {total}", group
    yield "deployer", "AcrPush", registry
    yield "runtime", "AcrPull", registry
    runtime = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{slug}-runtime-{total}"
    yield "deployer", "Managed Identity Operator", runtime
    yield "deployer", "Reader and Data Access", f"{storage}cert{total}"
    yield "reader", "Storage Blob Data Reader", f"{data}/dvc"
    yield "trainer", "Storage Blob Data Contributor", f"{data}/dvc"
    yield "runtime", f"{slug} adds {total}", f"{data}/predictions"
    yield "trainer", "Storage Blob Data Reader", f"{data}/predictions"
