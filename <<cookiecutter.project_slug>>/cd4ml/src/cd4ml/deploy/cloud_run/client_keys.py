"""Keys in Google Cloud: those of service accounts, and those that clients of the service send, in Secret Manager."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.resources import read
from cd4ml.deploy.cloud_run.roles import UNKNOWN_MEMBER
from cd4ml.deploy.cloud_run.settings import Place
from cd4ml.deploy.commands import Command
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.platform import Key, oldest_first
from cd4ml.deploy.set_up.steps import Step, ensure

Json = Mapping[str, Any]

SECRET = "GCP_CREDENTIALS"  # noqa: S105 - its name
FORBIDS_KEYS = "constraints/iam.disableServiceAccountKeyCreation"


def describe_policy(place: Place) -> Command:
    """Read whether the organisation forbids keys."""
    policy = ("org-policies", "describe", FORBIDS_KEYS, "--project", place.project, "--effective")
    return read("gcloud", "resource-manager", *policy)


def list_keys(place: Place, who: str) -> Command:
    """Read the keys that people made."""
    return read("gcloud", "iam", "service-accounts", "keys", "list", *_account(place, who), "--managed-by", "user")


def read_keys(told: Sequence[Json] | None, now: datetime) -> list[Key]:
    """Return them, oldest first."""
    return oldest_first(((key["validAfterTime"], _last(key["name"])) for key in told or []), now)


def make_key(place: Place, who: str, folder: str) -> Step:
    """Make a key, in a file of its own."""
    argv = ("gcloud", "iam", "service-accounts", "keys", "create", f"{folder}/{SECRET}", *_account(place, who))
    fails = f"no key for {who}: where keys are forbidden, {SCRIPT} bootstrap --credentials oidc"
    return ensure("key", place.account_id(who), False, Command(argv), passes=UNKNOWN_MEMBER, fails=fails)


def remove_key(place: Place, who: str, key: Key) -> Command:
    """Remove a key."""
    argv = ("gcloud", "iam", "service-accounts", "keys", "delete", key.name, *_account(place, who), "--quiet")
    return Command(argv)


def access(place: Place) -> Command:
    """Print the clients' keys."""
    argv = ("gcloud", "secrets", "versions", "access", "latest", "--secret", place.secret, "--project", place.project)
    return steps.read(*argv)


def add_version(place: Place, value: str) -> Step:
    """Write the clients' keys."""
    argv = ("gcloud", "secrets", "versions", "add", place.secret, "--project", place.project, "--data-file", "-")
    fails = f"{place.secret} could not be written (above is why)"
    return ensure("secret", place.secret, False, Command(argv, stdin=value), fails=fails)


def list_versions(place: Place) -> Command:
    """Read what of the secret is enabled."""
    argv = ("gcloud", "secrets", "versions", "list", place.secret, "--project", place.project)
    return read(*argv, "--filter", "state=enabled")


def destroy_versions(place: Place, told: Sequence[Json], but_newest: bool) -> list[Command]:
    """Return the commands that remove what is enabled, all of it or but the newest."""
    versions = sorted((_last(version["name"]) for version in told), key=int)
    argv = ("gcloud", "secrets", "versions", "destroy")
    rest = ("--secret", place.secret, "--project", place.project, "--quiet")
    return [Command((*argv, version, *rest)) for version in (versions[:-1] if but_newest else versions)]


def _account(place: Place, who: str) -> tuple[str, ...]:
    return ("--iam-account", place.account(who), "--project", place.project)


def _last(name: str) -> str:
    return name.rpartition("/")[2]
