"""From what a service does to the next gcloud command; nothing is run here."""

from collections.abc import Mapping
from dataclasses import replace

from cd4ml.deploy.cloud_run.settings import Place
from cd4ml.deploy.commands import READ_SECONDS, READ_TRIES, Command

_JSON = ("--format", "json")
ENDS = ("--remove-tags", "candidate,previous")
"""The flags that end a release."""
_PASSING = "ABORTED|UNAVAILABLE|RESOURCE_EXHAUSTED|DEADLINE_EXCEEDED|INTERNAL|UNKNOWN"
_STATUS = r"4(?!08|29)\d\d"
_ANSWERS = rf"\) (?!{_PASSING})[A-Z_]+:|HTTPError {_STATUS}\b|: {_STATUS}\.(\s|$)"
"""Any other code is Google's answer, which stays the same; without a code, gcloud may not have reached it."""
_ACCOUNT_OF_A_PERSON = "Invalid account Type"
"""The answer to who asks for an audience of the token and is not a service account; it has no code."""


def describe(place: Place, service: str) -> Command:
    """Read a service; fails where there is none."""
    return read("gcloud", "run", "services", "describe", service, *place.flags, *_JSON)


def list_named(place: Place, service: str) -> Command:
    """Read the services with this name: a list without any says that there is none, whatever words gcloud uses."""
    return read("gcloud", "run", "services", "list", *place.flags, "--filter", f"metadata.name={service}", *_JSON)


def list_revisions(place: Place, service: str) -> Command:
    """Read a service's revisions, newest first."""
    newest_first = ("--sort-by", "~metadata.creationTimestamp")
    return read("gcloud", "run", "revisions", "list", "--service", service, *place.flags, *newest_first, *_JSON)


def describe_project(place: Place) -> Command:
    """Read the project, for its number."""
    return read("gcloud", "projects", "describe", place.project, *_JSON)


def deploy(
    place: Place, service: str, image: str, revision: str, flags: tuple[str, ...], exists: bool, beside: bool
) -> Command:
    """Make a revision, the candidate; beside what serves it takes no traffic.

    A service is private when it is made. Later gcloud would write its policy at each deploy, which the deployer may
    not, and warn; doctor says if somebody has opened it.
    """
    suffix = revision.removeprefix(f"{service}-")
    named = ("--quiet", "--image", image, "--revision-suffix", suffix, "--tag", "candidate")
    how = (*(() if exists else ("--no-allow-unauthenticated",)), *(("--no-traffic",) if beside else ()))
    return Command(("gcloud", "run", "deploy", service, *place.flags, *named, *how, *flags))


def route(place: Place, service: str, shares: Mapping[str, int], *flags: str) -> Command:
    """Give revisions their shares of traffic."""
    quiet = ("--quiet", "--to-revisions", told(shares))
    return Command(("gcloud", "run", "services", "update-traffic", service, *place.flags, *quiet, *flags))


def remove(place: Place, service: str) -> Command:
    """Remove a service."""
    return Command(("gcloud", "run", "services", "delete", service, *place.flags, "--quiet"))


def token(*flags: str, kind: str = "identity") -> Command:
    """Ask for a token of whoever is signed in."""
    command = read("gcloud", "auth", f"print-{kind}-token", *flags)
    return replace(command, answers=f"{_ANSWERS}|{_ACCOUNT_OF_A_PERSON}")


def told(shares: Mapping[str, int]) -> str:
    """Return shares of traffic as gcloud takes them."""
    return ",".join(f"{revision}={percent}" for revision, percent in shares.items())


def read(*argv: str) -> Command:
    """Read something."""
    return Command(argv, tries=READ_TRIES, answers=_ANSWERS, seconds=READ_SECONDS)
