"""What is to be removed from Azure."""

from collections.abc import Mapping
from typing import Any

from cd4ml.deploy.aci import steps
from cd4ml.deploy.aci.resources import MADE_BY
from cd4ml.deploy.aci.roles import ADDS, DEPLOYS, list_holders, remove_role, unassign
from cd4ml.deploy.aci.settings import Place
from cd4ml.deploy.aci.steps import read
from cd4ml.deploy.commands import Command
from cd4ml.deploy.names import ENVIRONMENTS
from cd4ml.deploy.set_up.identities import IDENTITIES
from cd4ml.deploy.set_up.platform import Removal

Json = Mapping[str, Any]


def inventory(place: Place, keys: str) -> list[tuple[str, str]]:
    """Return what is to go: kinds and names; `keys` is the file of the clients' keys."""
    services = ", ".join(place.service(environment) for environment in ENVIRONMENTS)
    identities = ", ".join(place.account_id(who) for who in IDENTITIES)
    return [
        ("services", f"{services}, and their candidates"),
        ("registry", f"{place.registry_name}, with all images"),
        ("storage", f"{place.storage('data')}, with all data, models and predictions"),
        ("storage", f"{place.storage('cert')}, with the certificates"),
        ("identities", f"{identities}, their roles and keys"),
        ("roles", f"{place.role(DEPLOYS)}, {place.role(ADDS)}"),
        ("not at once", "an administrator can restore app registrations for 30 days, and storage accounts for 14"),
        ("API keys", keys),
        ("group", f"{place.resource_group}, if bootstrap made it and nothing else is in it"),
    ]


def groups(place: Place) -> list[Removal]:
    """Return the commands that remove the container groups; az has no error where there is none."""
    named = [(place.candidate(environment), place.service(environment)) for environment in ENVIRONMENTS]
    return [
        Removal(steps.remove(place, group), "service", group, steps.list_named(place, group))
        for both in named
        for group in both
    ]


def roles(place: Place, numbers: Mapping[str, str]) -> list[Removal]:
    """Return the commands that remove the roles of ours, by the kinds of `numbers`, once nobody has them.

    A role that somebody still has cannot be removed, and who has it must be known for that.
    """
    on = {DEPLOYS: place.address_of_all, ADDS: place.container_id("predictions")}
    taken = [
        Removal(unassign(number, on[kind]), listing=list_holders(number, on[kind])) for kind, number in numbers.items()
    ]
    own = [Removal(remove_role(place, number), "role of ours", place.role(kind)) for kind, number in numbers.items()]
    return [*taken, *own]


def resources(place: Place, keys: str) -> list[Removal]:
    """Return the commands that remove all else but the group; `keys` is the folder of keys on this machine."""
    storage = ("az", "storage", "account", "delete", *place.flags, "--yes", "--name")
    return [
        Removal(
            Command(("az", "identity", "delete", "--name", place.runtime, *place.flags)), "identity", place.runtime
        ),
        Removal(
            Command(("az", "acr", "delete", "--name", place.registry_name, *place.flags, "--yes")),
            "registry",
            place.registry_name,
        ),
        *(Removal(Command((*storage, name)), "storage", name) for name in map(place.storage, ("data", "cert"))),
        Removal(Command(("rm", "-rf", keys)), "API keys", keys),
    ]


def is_ours(group: Json | None) -> bool:
    """Whether bootstrap has made a resource group."""
    return bool(MADE_BY.items() <= ((group or {}).get("tags") or {}).items())


def list_resources(place: Place) -> Command:
    """Read what is in the resource group."""
    return read("resource", "list", *place.flags, "--query", "[].name")


def group(place: Place) -> Removal:
    """Return the command that removes the resource group, with all that is in it."""
    named = ("--name", place.resource_group, "--subscription", place.subscription)
    return Removal(Command(("az", "group", "delete", *named, "--yes")), "resource group", place.resource_group)
