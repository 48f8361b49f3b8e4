"""Who may do what in Azure: the least that works. Where no role of Azure's is small enough there are two of ours."""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.deploy.aci.settings import Place
from cd4ml.deploy.aci.steps import read
from cd4ml.deploy.commands import Command
from cd4ml.deploy.set_up.identities import DEPLOYER, READER, RUNTIME, TRAINER, Jobs
from cd4ml.deploy.set_up.steps import Step, ensure, mend

Json = Mapping[str, Any]

DEPLOYS, ADDS = "deploys", "adds"
_VERSION = "api-version=2022-04-01"
_GROUPS = "Microsoft.ContainerInstance/containerGroups"
_SILENT = ("--output", "none")


@dataclass(frozen=True)
class OwnRole:
    """A role of ours, by what it lets somebody do."""

    purpose: str
    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


OWN_ROLES: Mapping[str, OwnRole] = {
    DEPLOYS: OwnRole(
        "makes, changes and removes container groups, and reads what they print",
        actions=(
            *(f"{_GROUPS}/{action}" for action in ("read", "write", "delete", "containers/logs/read")),
            "Microsoft.ContainerInstance/locations/operations/read",
            *("Microsoft.Resources/tags/read", "Microsoft.Resources/tags/write"),
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ),
    ),
    ADDS: OwnRole(
        "adds blobs, and neither reads nor changes those that are there",
        data_actions=("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",),
    ),
}


@dataclass(frozen=True)
class KnownRole:
    """A role of ours that is there."""

    number: str
    actions: frozenset[str]
    """Data actions as well."""


@dataclass(frozen=True)
class Scope:
    """Something that roles are assigned on."""

    noun: str
    address: str
    grants: tuple[tuple[str, str], ...]
    """Identities and the names of the roles that they have on it."""


# roles of ours


def list_role(place: Place, kind: str) -> Command:
    """Read a role of ours by its name: earlier versions let Azure choose its number."""
    custom = ("--custom-role-only", "true", "--scope", place.address_of_all)
    return read("role", "definition", "list", "--name", place.role(kind), *custom)


def read_role(listed: Iterable[Json]) -> KnownRole | None:
    """Return the first role of a list; None where it is empty."""
    for told in listed:
        allowed = (one.get(field) or [] for one in told["permissions"] for field in ("actions", "dataActions"))
        return KnownRole(_number(told["id"]), frozenset(action for actions in allowed for action in actions))
    return None


def role_number(place: Place, kind: str) -> str:
    """Return the number that a role of ours gets: always the same, as a list lacks for a while what was just made."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{place.address_of_all}/{place.role(kind)}"))


def _address(place: Place, number: str) -> str:
    """Return where a role of ours is told of: in the resource group, which may be all that its owner has rights to."""
    return f"{place.address_of_all}/providers/Microsoft.Authorization/roleDefinitions/{number}?{_VERSION}"


def _number(address: str) -> str:
    """Return a role's number: Azure shows one role with several addresses."""
    return address.rpartition("/")[2].lower()


def own_role(place: Place, kind: str, known: KnownRole | None) -> Step:
    """Make it, or let it allow what it should."""
    name, role = place.role(kind), OWN_ROLES[kind]
    permissions = {"actions": role.actions, "notActions": [], "dataActions": role.data_actions, "notDataActions": []}
    properties = {
        "roleName": name, "type": "CustomRole", "description": f"{place.slug}: {role.purpose}",
        "permissions": [permissions], "assignableScopes": [place.address_of_all],
    }  # fmt: skip
    address = _address(place, known.number if known else role_number(place, kind))
    body = ("--body", json.dumps({"properties": properties}))
    command = Command(("az", "rest", "--method", "put", "--url", address, *body, *_SILENT))
    if known and known.actions != {*role.actions, *role.data_actions}:
        defect = f"{name} allows other actions than it should"
        return mend("role of ours", defect, f"{name}, as it should be again", command)
    return ensure("role of ours", name, known is not None, command)


def remove_role(place: Place, number: str) -> Command:
    """Remove a role of ours, which nobody has any more."""
    return Command(("az", "rest", "--method", "delete", "--url", _address(place, number), *_SILENT))


# assignments


def scopes(place: Place) -> tuple[Scope, ...]:
    """Return what roles are assigned on."""
    return (
        # On the group of resources, because a container group cannot be granted on before its first release.
        Scope("resource group", place.address_of_all, ((DEPLOYER, place.role(DEPLOYS)),)),
        # Only the deployer pushes; the service pulls, and neither reader nor trainer touches images.
        Scope("registry", place.registry_id, ((DEPLOYER, "AcrPush"), (RUNTIME, "AcrPull"))),
        # A deploy says what the service runs as; that one identity alone.
        Scope("identity runtime", place.runtime_id, ((DEPLOYER, "Managed Identity Operator"),)),
        # The share is mounted by key, and whoever has the key has the whole account: only certificates are in it.
        Scope("certificates", place.storage_id("cert"), ((DEPLOYER, "Reader and Data Access"),)),
        Scope(
            "container dvc",
            place.container_id("dvc"),
            ((READER, "Storage Blob Data Reader"), (TRAINER, "Storage Blob Data Contributor")),
        ),
        # The service can add to its log, and neither read nor change what is there.
        Scope(
            "container predictions",
            place.container_id("predictions"),
            ((RUNTIME, place.role(ADDS)), (TRAINER, "Storage Blob Data Reader")),
        ),
    )


def list_assignments(address: str) -> Command:
    """Read who has which role on something."""
    return read("role", "assignment", "list", "--scope", address, "--fill-principal-name", "false")


def assigned(listed: Iterable[Json]) -> set[tuple[str, str]]:
    """Return roles, by name and by number, and the principals that have them."""
    return {
        (role, told["principalId"])
        for told in listed
        for role in (
            str(told.get("roleDefinitionName") or "").lower(),
            _number(str(told.get("roleDefinitionId") or "")),
        )
    }


def grants(
    place: Place,
    jobs: Jobs,
    scope: Scope,
    known: Collection[tuple[str, str]],
    principals: Mapping[str, str],
    numbers: Mapping[str, str],
) -> list[Step]:
    """Return a step for each role on something.

    `known` are the assignments on it, `principals` the numbers by identity, `numbers` those of roles of ours by name.
    """
    steps = []
    for identity, role in scope.grants:
        who = jobs.works_as(identity)
        label, principal = f"{who} on {scope.noun}: {role}", principals.get(who, "")
        named = numbers.get(role, role)
        is_there = bool({(role.lower(), principal), (named.lower(), principal)} & {*known})
        given = ("--assignee-object-id", principal or f"PRINCIPAL-OF-{place.account_id(who)}")
        kind = ("--assignee-principal-type", "ServicePrincipal")
        argv = ("az", "role", "assignment", "create", *given, *kind, "--role", named, "--scope", scope.address)
        fails = f"{label} could not be granted (above is why); run bootstrap again"
        steps.append(ensure("role", label, is_there, Command((*argv, *_SILENT)), fails=fails))
    return steps


def list_holders(role: str, scope: str) -> Command:
    """Read who has a role on something."""
    return read("role", "assignment", "list", "--role", role, "--scope", scope, "--fill-principal-name", "false")


def unassign(role: str, scope: str) -> Command:
    """Take a role on something from everybody."""
    return Command(("az", "role", "assignment", "delete", "--role", role, "--scope", scope, "--yes"))
