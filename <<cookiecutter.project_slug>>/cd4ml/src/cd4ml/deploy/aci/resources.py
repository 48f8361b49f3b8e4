"""What a project needs in Azure, besides identities and roles: from what az shows to the next steps."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cd4ml.deploy import caddy
from cd4ml.deploy.aci.settings import Place
from cd4ml.deploy.aci.steps import read
from cd4ml.deploy.commands import CloudError, Command
from cd4ml.deploy.set_up.retention import days_wanted, retention
from cd4ml.deploy.set_up.rule_sets import RulesError, merged
from cd4ml.deploy.set_up.steps import Step, ensure, mend

Json = Mapping[str, Any]

PROVIDERS = tuple(
    f"Microsoft.{name}" for name in ("ContainerInstance", "ContainerRegistry", "ManagedIdentity", "Storage")
)
MADE_BY = {"made-by": "cd4ml"}
"""The tag of a resource group that bootstrap has made."""
ACCESS_BY_KEY = {
    "data": False,  # where people and programs are known by name alone
    "cert": True,  # a file share is mounted by key, so nothing else lies there
}
_SILENT = ("--output", "none")
_CLOSED = {"allowBlobPublicAccess": False, "minimumTlsVersion": "TLS1_2", "enableHttpsTrafficOnly": True}
_SHORT = len("sha256:") + 12  # characters of a digest that a person reads


# the subscription


def list_providers(place: Place) -> Command:
    """Read which providers are registered."""
    shown = ("--query", "[].{namespace: namespace, state: registrationState}")
    return read("provider", "list", "--subscription", place.subscription, *shown)


def providers(place: Place, listed: Iterable[Json]) -> list[Step]:
    """Register what is missing."""
    known = {provider["namespace"] for provider in listed if provider["state"] == "Registered"}
    argv = ("az", "provider", "register", "--subscription", place.subscription, "--wait", "--namespace")
    return [ensure("provider", name, name in known, Command((*argv, name))) for name in PROVIDERS]


def show_group(place: Place) -> Command:
    """Read the resource group."""
    return read("group", "show", "--name", place.resource_group, "--subscription", place.subscription)


def resource_group(place: Place, known: Json | None) -> Step:
    """Make it."""
    where = ("--location", place.location, "--subscription", place.subscription)
    tags = (f"{name}={value}" for name, value in MADE_BY.items())
    command = Command(("az", "group", "create", "--name", place.resource_group, *where, "--tags", *tags, *_SILENT))
    return ensure("resource group", place.resource_group, known is not None, command)


# the registry


def show_registry(place: Place) -> Command:
    """Read the registry."""
    return read("acr", "show", "--name", place.registry_name, *place.flags)


def registry(place: Place, known: Json | None) -> Step:
    """Make it, for the images; nobody signs in to it by password."""
    name, closed = place.registry_name, ("--admin-enabled", "false", *_SILENT)
    if known is not None and known.get("adminUserEnabled"):
        command = Command(("az", "acr", "update", "--name", name, *place.flags, *closed))
        return mend("registry", f"{name} can be entered by password", f"{name}, now without a password", command)
    made = ("--location", place.location, "--sku", "Basic")
    command = Command(("az", "acr", "create", "--name", name, *place.flags, *made, *closed))
    return ensure("registry", name, known is not None, command)


def sidecar(place: Place, known: Json | None) -> Step:
    """Have Caddy in the project's own registry: no release waits for, or is refused by, another.

    A tag of the registry says that it is there, as images cannot be read without signing in to it.
    """
    source = ("--source", caddy.IMAGE, "--image", caddy.NAME, "--force")
    tag = ("--resource-id", place.registry_id, "--operation", "Merge", "--tags", f"caddy={caddy.DIGEST}")
    return ensure(
        "image",
        f"caddy@{caddy.DIGEST[:_SHORT]}",
        ((known or {}).get("tags") or {}).get("caddy") == caddy.DIGEST,
        Command(("az", "acr", "import", "--name", place.registry_name, *place.flags, *source)),
        then=(Command(("az", "tag", "update", *tag, *_SILENT)),),
    )


# storage


def show_storage(place: Place, kind: str) -> Command:
    """Read a storage account."""
    return read("storage", "account", "show", "--name", place.storage(kind), *place.flags)


def storage(place: Place, kind: str, known: Json | None) -> Step:
    """Make an account that is closed to the public, and encrypted on its way; or close it."""
    name, by_key = place.storage(kind), ACCESS_BY_KEY[kind]
    closed = (
        *("--allow-blob-public-access", "false", "--min-tls-version", "TLS1_2", "--https-only", "true"),
        *("--allow-shared-key-access", str(by_key).lower(), *_SILENT),
    )
    wanted = _CLOSED | {"allowSharedKeyAccess": by_key}
    if known is not None and any(known.get(field) != value for field, value in wanted.items()):
        command = Command(("az", "storage", "account", "update", "--name", name, *place.flags, *closed))
        return mend("storage", f"{name} is not closed to the public", f"{name}, now closed to the public", command)
    made = ("--location", place.location, "--sku", "Standard_LRS", "--kind", "StorageV2")
    command = Command(("az", "storage", "account", "create", "--name", name, *place.flags, *made, *closed))
    return ensure("storage", name, known is not None, command)


def show_container(place: Place, name: str) -> Command:
    """Read a container of the account for data."""
    return read("storage", "container-rm", "show", *_within(place, "data", name))


def container(place: Place, name: str, known: Json | None) -> Step:
    """Make it."""
    within = _within(place, "data", name)
    command = Command(("az", "storage", "container-rm", "create", *within, "--public-access", "off", *_SILENT))
    return ensure("container", f"{name} in {place.storage('data')}", known is not None, command)


def show_policy(place: Place) -> Command:
    """Read the rules by which the account for data forgets."""
    return read("storage", "account", "management-policy", "show", *_account(place))


def log_retention(place: Place, known: Json | None, given: int | None) -> Step:
    """Let a rule of the account delete what is old; Azure takes all rules of an account at once.

    Raises:
        CloudError: its rules are not what az shows.
    """
    name = place.storage("data")
    try:
        days, rules = merged("azure", (known or {}).get("policy"), days_wanted(given))
    except RulesError as failure:
        raise CloudError(f"the lifecycle rules of {name} cannot be read, and were not changed: {failure}") from None
    told = ("--policy", json.dumps(rules), *_SILENT)
    command = Command(("az", "storage", "account", "management-policy", "create", *_account(place), *told))
    return retention(f"predictions in {name}", days, given, command)


def show_share(place: Place) -> Command:
    """Read the share where Caddy keeps its certificates."""
    return read("storage", "share-rm", "show", *_within(place, "cert", "certificates"))


def share(place: Place, known: Json | None) -> Step:
    """Make it."""
    within = _within(place, "cert", "certificates")
    command = Command(("az", "storage", "share-rm", "create", *within, "--quota", "1", *_SILENT))
    return ensure("share", f"certificates in {place.storage('cert')}", known is not None, command)


def _within(place: Place, kind: str, name: str) -> tuple[str, ...]:
    return ("--storage-account", place.storage(kind), *place.flags, "--name", name)


def _account(place: Place) -> tuple[str, ...]:
    return ("--account-name", place.storage("data"), *place.flags)
