"""Keys in AWS: the access keys of users, and those that clients of the service send, in Secrets Manager."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cd4ml.deploy.commands import Command
from cd4ml.deploy.fargate.resources import write
from cd4ml.deploy.fargate.settings import Place
from cd4ml.deploy.fargate.steps import read
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.platform import Key, oldest_first
from cd4ml.deploy.set_up.steps import Kept, Step, ensure

Json = Mapping[str, Any]

_PARTS = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
"""A key's secrets on GitHub, and what they are in AWS's answer."""
SECRETS = tuple(_PARTS)


# access keys


def list_keys(place: Place, who: str) -> Command:
    """Read a user's keys."""
    return read("iam", "list-access-keys", "--user-name", place.identity(who))


def read_keys(told: Json | None, now: datetime) -> list[Key]:
    """Return them, oldest first."""
    listed = (told or {}).get("AccessKeyMetadata", [])
    return oldest_first(((key["CreateDate"], key["AccessKeyId"]) for key in listed), now)


def make_key(place: Place, who: str, folder: str) -> Step:
    """Make a key, whose secret AWS tells only now."""
    command = Command(("aws", "iam", "create-access-key", "--user-name", place.identity(who), "--output", "json"))
    keeps = tuple(Kept(Path(folder, secret), ("AccessKey", part)) for secret, part in _PARTS.items())
    fails = f"no key for {who}: where keys are forbidden, {SCRIPT} bootstrap --credentials oidc"
    return ensure("key", place.identity(who), False, command, fails=fails, keeps=keeps)


def remove_key(place: Place, who: str, key: Key) -> Command:
    """Remove a key."""
    return write("iam", "delete-access-key", "--user-name", place.identity(who), "--access-key-id", key.name)


# keys of clients


def get_value(place: Place) -> Command:
    """Read the clients' keys."""
    return read("secretsmanager", "get-secret-value", *place.flags, "--secret-id", place.secret)


def show_value(place: Place) -> Command:
    """Print them alone."""
    asked = ("get-secret-value", *place.flags, "--secret-id", place.secret, "--query", "SecretString")
    return Command(("aws", "secretsmanager", *asked, "--output", "text"))


def put_value(place: Place, value: str) -> Step:
    """Write them."""
    told = ("--secret-id", place.secret, "--secret-string", "file:///dev/stdin")
    command = write("secretsmanager", "put-secret-value", *place.flags, *told, shows="Name", stdin=value)
    return ensure("secret", place.secret, False, command, fails=f"{place.secret} could not be written (above is why)")


def list_versions(place: Place) -> Command:
    """Read which versions of the secret have labels."""
    return read("secretsmanager", "list-secret-version-ids", *place.flags, "--secret-id", place.secret)


def forget_earlier(place: Place, told: Json | None, before: bool) -> list[Command]:
    """Return the command that takes the label from the earlier version, which nobody can read then, and AWS deletes.

    Before a write, that is the version which is read now.
    """
    label = "AWSCURRENT" if before else "AWSPREVIOUS"
    versions = [version for version in (told or {}).get("Versions", []) if label in version.get("VersionStages", [])]
    asked = ("update-secret-version-stage", *place.flags, "--secret-id", place.secret, "--version-stage", "AWSPREVIOUS")
    return [
        write("secretsmanager", *asked, "--remove-from-version-id", version["VersionId"], shows="Name")
        for version in versions
    ]
