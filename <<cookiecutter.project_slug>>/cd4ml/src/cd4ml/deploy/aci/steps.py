"""From where things are to the next az command; nothing is run here."""

import re
from collections.abc import Mapping

from cd4ml.deploy.aci.settings import Place
from cd4ml.deploy.commands import READ_SECONDS, READ_TRIES, Command

_JSON = ("--output", "json")
_SILENT = ("--output", "none")
_PASSING = (
    "AnotherOperationInProgress|TooManyRequests|Service(Unavailable|Timeout)|Internal|ServerTimeout|GatewayTimeout"
)
_ANSWERS = rf'(?m)^(ERROR: )?\((?!{_PASSING})[A-Za-z]+\)|"code": ?"(?!{_PASSING})\w+"'
"""Any other code is Azure's answer, which stays the same; without a code, az may not have reached it."""


def show_account(subscription: str) -> Command:
    """Read the subscription; empty for the one that az works with."""
    return read("account", "show", *(("--subscription", subscription) if subscription else ()))


def list_groups(place: Place) -> Command:
    """Read the container groups of the resource group."""
    return read("container", "list", *place.flags)


def list_named(place: Place, group: str) -> Command:
    """Read the container groups with this name."""
    return read("container", "list", *place.flags, "--query", f"[?name=='{group}'].name")


def show_group(place: Place, group: str) -> Command:
    """Read a group with how its containers are, which the list does not tell."""
    return read("container", "show", *place.flags, "--name", group)


def read_logs(place: Place, group: str, container: str) -> Command:
    """Read what a container printed."""
    argv = ("az", "container", "logs", *place.flags, "--name", group, "--container-name", container)
    return Command(argv, tries=READ_TRIES, answers=_ANSWERS, seconds=READ_SECONDS)


def show_identity(place: Place) -> Command:
    """Read the identity that the service runs as."""
    return read("identity", "show", "--name", place.runtime, *place.flags)


def list_share_keys(place: Place) -> Command:
    """Read the keys of the storage account for certificates."""
    return read("storage", "account", "keys", "list", *place.flags, "--account-name", place.storage("cert"))


def create(place: Place, group: str, description: str, file: str = "/dev/stdin") -> Command:
    """Make a group, or make it again, by a description that az reads from its standard input."""
    argv = ("az", "container", "create", *place.flags, "--name", group, "--file", file, *_SILENT)
    return Command(argv, stdin=description)


def tag(place: Place, group: str, tags: Mapping[str, str]) -> Command:
    """Write tags without a restart of the containers, which creating the group again would bring."""
    pairs = (f"{name}={value}" for name, value in tags.items())
    where = ("--resource-id", place.group_id(group), "--operation", "Merge")
    return Command(("az", "tag", "update", *where, "--tags", *pairs, *_SILENT))


def remove(place: Place, group: str) -> Command:
    """Remove a group."""
    return Command(("az", "container", "delete", *place.flags, "--name", group, "--yes", *_SILENT))


def error_code(said: str) -> str:
    """Return the code by which Azure names an error, as az prints it; empty where it has none."""
    found = re.match(r"(?:ERROR: )?\(([A-Za-z]+)\)", said)
    return found[1] if found else ""


def read(*words: str) -> Command:
    """Read something as JSON."""
    return Command(("az", *words, *_JSON), tries=READ_TRIES, answers=_ANSWERS, seconds=READ_SECONDS)
