"""App registrations that GitHub's jobs sign in as: what Graph is asked and told of them, their keys and their trust."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cd4ml.deploy.aci.asked import BAD_REQUEST, NEW_IN_GRAPH
from cd4ml.deploy.aci.settings import Place
from cd4ml.deploy.aci.steps import read
from cd4ml.deploy.commands import Command
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.platform import Key, oldest_first
from cd4ml.deploy.set_up.repository import Repository
from cd4ml.deploy.set_up.steps import Found, Step, ensure
from cd4ml.deploy.set_up.subjects import subject

Json = Mapping[str, Any]

SECRET = "AZURE_CLIENT_SECRET"  # noqa: S105 - its name
ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"
_FORBIDS_KEYS = "passwordAddition"
_SILENT = ("--output", "none")
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class App:
    """An app registration."""

    number: str
    """Who signs in gives it."""
    object: str
    """Graph finds it by this one as soon as it is made."""


def show_graph() -> Command:
    """Read Graph's address in this cloud."""
    return read("cloud", "show", "--query", "endpoints.microsoftGraphResourceId")


# apps


def list_apps(place: Place, who: str) -> Command:
    """Read those with the name of an identity: earlier versions gave them no other."""
    name = place.account_id(who)
    return read("ad", "app", "list", "--display-name", name, "--query", f"[?displayName=='{name}']")


def unique_name(place: Place, who: str, runtime: str) -> str:
    """Return the alternate key of an app, which Graph lets one app have; lists lack for a while what was just made.

    Graph keeps it for 30 days when the app is deleted, and it cannot be changed. So it has in it the beginning of the
    number of the runtime identity's principal: after `destroy`, another one is made.
    """
    return f"{place.account_id(who)}-{runtime[:8]}"


def show_app(graph: str, unique: str) -> Command:
    """Read the app that has an alternate key."""
    return read("rest", "--method", "get", "--url", _app_by_key(graph, unique))


def read_app(told: Json) -> App:
    """Return an app as Graph shows it."""
    return App(told["appId"], told["id"])


def app_step(place: Place, graph: str, who: str, unique: str, is_there: bool) -> Step:
    """Make it, unless Graph has one with this key, whether or not its lists have it yet."""
    body = json.dumps({"displayName": place.account_id(who), "signInAudience": "AzureADMyOrg"})
    told = ("--headers", "Prefer=create-if-missing", "--body", body, "--query", "id", "--output", "tsv")
    command = Command(("az", "rest", "--method", "patch", "--url", _app_by_key(graph, unique), *told))
    return ensure("identity", place.account_id(who), is_there, command, tells=True, may_exist=BAD_REQUEST)


def remove_app(graph: str, app: App) -> Command:
    """Remove it, and its principal with it."""
    return Command(("az", "rest", "--method", "delete", "--url", _app(graph, app), *_SILENT))


def _app(graph: str, app: App) -> str:
    return f"{graph}/applications/{app.object}"


def _app_by_key(graph: str, unique: str) -> str:
    return f"{graph}/applications(uniqueName='{unique}')"


# principals, which roles are given to


def show_principal(graph: str, number: str) -> Command:
    """Read the principal of an app."""
    return read("rest", "--method", "get", "--url", f"{graph}/servicePrincipals(appId='{number}')")


def principal_step(place: Place, graph: str, who: str, number: str, is_there: bool) -> Step:
    """Make it; Graph lets an app have one."""
    body = ("--body", json.dumps({"appId": number}))
    command = Command(("az", "rest", "--method", "post", "--url", f"{graph}/servicePrincipals", *body, *_SILENT))
    fails = (
        f"the principal of {place.account_id(who)} could not be made (above is why): fix that and run bootstrap again"
    )
    return ensure("its principal", place.account_id(who), is_there, command, passes=NEW_IN_GRAPH, fails=fails)


# the runtime identity


def runtime_step(place: Place, is_there: bool) -> Step:
    """Make the identity that the service runs as."""
    argv = ("az", "identity", "create", "--name", place.runtime, *place.flags, "--location", place.location)
    return ensure("identity", place.runtime, is_there, Command((*argv, *_SILENT)))


# keys


def show_policy(graph: str) -> Command:
    """Read whether the organisation forbids keys."""
    return read("rest", "--method", "get", "--url", f"{graph}/policies/defaultAppManagementPolicy")


def forbids_keys(policy: Json) -> bool:
    """Whether it does."""
    rules = (policy.get("applicationRestrictions") or {}).get("passwordCredentials") or []
    in_force = {rule["restrictionType"] for rule in rules if rule.get("state") != "disabled"}
    return bool(policy.get("isEnabled")) and _FORBIDS_KEYS in in_force


def forbidden() -> str:
    """Return what to say then."""
    return f"the organisation forbids keys ({_FORBIDS_KEYS}): {SCRIPT} bootstrap --credentials oidc"


def list_keys(graph: str, app: App) -> Command:
    """Read an app's keys, without their secrets."""
    return read("rest", "--method", "get", "--url", _app(graph, app), "--query", "passwordCredentials")


def read_keys(told: Iterable[Json], now: datetime) -> list[Key]:
    """Return them, oldest first."""
    return oldest_first(((key["startDateTime"], key["keyId"]) for key in told), now)


def make_key(place: Place, graph: str, who: str, app: App, folder: str, now: datetime) -> Step:
    """Make a key for a year, in a file of its own."""
    key = {"displayName": place.slug, "endDateTime": f"{now + _YEAR:%Y-%m-%dT%H:%M:%SZ}"}
    told = ("--body", json.dumps({"passwordCredential": key}), "--query", "secretText", "--output", "tsv")
    command = Command(("az", "rest", "--method", "post", "--url", f"{_app(graph, app)}/addPassword", *told))
    fails = f"no key for {who}: where keys are forbidden, {SCRIPT} bootstrap --credentials oidc"
    return ensure("key", place.account_id(who), False, command, into=Path(folder, SECRET), fails=fails)


def remove_key(graph: str, app: App, key: Key) -> Command:
    """Remove a key."""
    body = ("--body", json.dumps({"keyId": key.name}), *_SILENT)
    return Command(("az", "rest", "--method", "post", "--url", f"{_app(graph, app)}/removePassword", *body))


# trust


def list_trusts(graph: str, app: App) -> Command:
    """Read whose tokens an app takes."""
    return read("rest", "--method", "get", "--url", _trusts(graph, app), "--query", "value")


def trusts(
    graph: str, prefix: str, repository: Repository, jobs: Jobs, who: str, app: App, known: Sequence[Json]
) -> list[Step]:
    """Let this repository's workflows, by the environment they run in, sign in as an identity without a key."""
    steps, by_name = [], {told["name"]: (told["issuer"], told["subject"]) for told in known}
    for environment in jobs.environments_of(who):
        wanted = subject(prefix, repository, environment)
        if by_name.get(environment, (ISSUER, wanted)) != (ISSUER, wanted):
            delete = f"az ad app federated-credential delete --id {app.number} --federated-credential-id {environment}"
            defect = f"{environment} is another repository's: {delete}"
            steps.append(Step("trust", environment, Found.WRONG, defect=defect))
            continue
        told = {"name": environment, "issuer": ISSUER, "subject": wanted, "audiences": [AUDIENCE]}
        body = ("--body", json.dumps(told), *_SILENT)
        command = Command(("az", "rest", "--method", "post", "--url", _trusts(graph, app), *body))
        steps.append(ensure("trust", f"environment {environment} is {who}", environment in by_name, command))
    return steps


def _trusts(graph: str, app: App) -> str:
    return f"{_app(graph, app)}/federatedIdentityCredentials"
