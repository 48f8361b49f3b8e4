"""Container Instances as a set-up: az is asked here, and what it shows becomes steps."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from cd4ml.deploy.aci import apps, removal, resources, roles
from cd4ml.deploy.aci.asked import find
from cd4ml.deploy.aci.directory import Directory
from cd4ml.deploy.aci.resource_group import ResourceGroup
from cd4ml.deploy.aci.settings import Place, check_names
from cd4ml.deploy.api_keys import keys_folder
from cd4ml.deploy.commands import CloudError, Command
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.identities import DEPLOYER, Jobs
from cd4ml.deploy.set_up.keys_in_file import KeysInFile
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.platform import CloudSetUp, Key, Removal
from cd4ml.deploy.set_up.retention import days_given
from cd4ml.deploy.set_up.steps import Found, Step

_PORTS = {80, 443}


class ContainerInstancesSetUp(KeysInFile, CloudSetUp):
    """A resource group of a subscription, as its owner sets it up."""

    key_secrets = (apps.SECRET,)

    def __init__(self, groups: ResourceGroup, patience: Patience) -> None:
        self.groups, self.patience, self.effects = groups, patience, patience.effects
        self.slug = groups.project.name

    @property
    def place(self) -> Place:
        """Where everything is.

        Raises:
            CloudError: nobody is signed in, or there is no such subscription.
        """
        return self.groups.place

    @cached_property
    def directory(self) -> Directory:
        """Who there is."""
        return Directory(self.place, self.patience)

    def _find(self, command: Command) -> Any:
        return find(self.patience, command)

    # bootstrap and doctor

    def refuse_forbidden_keys(self) -> None:
        """Ask for the tenant's policy; who may not read it goes on, and sees whether keys can be made."""
        if self.directory.forbids_keys() and not self.keys_of(DEPLOYER):
            raise CloudError(apps.forbidden())

    def parts(self, credentials: str, jobs: Jobs, look_only: bool) -> Iterator[tuple[str, Iterator[Step]]]:
        """Return providers, the group, registry, storage, identities, roles, clients' keys, and trust in GitHub."""
        days = days_given(self.effects.environment)
        check_names(self.slug)
        place = self.place
        if credentials == "oidc" and not look_only:
            self.directory.ask_github()  # before anything is made
        yield "subscription", iter([Step("subscription", place.subscription, Found.THERE)])
        yield "provider", self._providers()
        yield "resource group", self._resource_group()
        yield "registry", self._registry()
        for kind in resources.ACCESS_BY_KEY:
            yield "storage", self._storage(kind)
        for container in ("dvc", "predictions"):
            yield "container", self._container(container)
        yield "retention", self._log_retention(days)
        yield "share", self._share()
        yield "identity", self.directory.identities(jobs, look_only)
        yield "role of ours", self._own_roles()
        for scope in roles.scopes(place):
            yield "role", self._roles(scope, jobs)
        yield "API keys", self._key_file(look_only)
        if credentials == "oidc":
            yield "trust", self.directory.trust(jobs)

    def _providers(self) -> Iterator[Step]:
        yield from resources.providers(self.place, self._find(resources.list_providers(self.place)) or [])

    def _resource_group(self) -> Iterator[Step]:
        yield resources.resource_group(self.place, self._find(resources.show_group(self.place)))

    def _registry(self) -> Iterator[Step]:
        known = self._find(resources.show_registry(self.place))
        yield resources.registry(self.place, known)
        yield resources.sidecar(self.place, known)

    def _storage(self, kind: str) -> Iterator[Step]:
        yield resources.storage(self.place, kind, self._find(resources.show_storage(self.place, kind)))

    def _container(self, name: str) -> Iterator[Step]:
        yield resources.container(self.place, name, self._find(resources.show_container(self.place, name)))

    def _log_retention(self, days: int | None) -> Iterator[Step]:
        yield resources.log_retention(self.place, self._find(resources.show_policy(self.place)), days)

    def _share(self) -> Iterator[Step]:
        yield resources.share(self.place, self._find(resources.show_share(self.place)))

    @cached_property
    def _known_roles(self) -> dict[str, roles.KnownRole | None]:
        """The roles of ours, as they were before anything was made."""
        return {kind: roles.read_role(self._find(roles.list_role(self.place, kind)) or []) for kind in roles.OWN_ROLES}

    @property
    def _numbers(self) -> dict[str, str]:
        """The numbers of the roles of ours, by kind."""
        known = self._known_roles.items()
        return {kind: role.number if role else roles.role_number(self.place, kind) for kind, role in known}

    def _own_roles(self) -> Iterator[Step]:
        for kind, known in self._known_roles.items():
            yield roles.own_role(self.place, kind, known)

    def _roles(self, scope: roles.Scope, jobs: Jobs) -> Iterator[Step]:
        known = roles.assigned(self._find(roles.list_assignments(scope.address)) or [])
        who = {jobs.works_as(identity) for identity, _ in scope.grants}
        principals = {one: self.directory.principal(one) for one in who}
        numbers = {self.place.role(kind): number for kind, number in self._numbers.items()}
        yield from roles.grants(self.place, jobs, scope, known, principals, numbers)

    def _key_file(self, look_only: bool) -> Iterator[Step]:
        """A random key for clients; Azure holds it in the groups, and tells it to nobody."""

        def serving() -> str:
            service = self.groups.look("production")
            return service.name if service.live else ""

        yield self.look_at_api_keys(look_only, serving)

    def look_at_service(self, environment: str) -> Step:
        """Say whether it is there, open, or in the middle of a release."""
        service = self.groups.look(environment)
        live, defect = service.live, ""
        if not service.exists:
            return Step("service", f"{service.name}: cd deploys it", Found.NOT_YET)
        if live is None or service.is_under_way:
            defect = f"has a release that did not end: {SCRIPT} restore {environment}"
        elif {*live.ports} != _PORTS:
            ports = ", ".join(map(str, live.ports))
            defect = f"answers on port {ports}, and not on 443 and 80 alone: deploy it again"
        elif "SERVICE_API_KEYS" not in live.given:
            defect = "is open to anybody, it has no keys: deploy it again"
        if defect:
            return Step("service", service.name, Found.WRONG, defect=f"{service.name} {defect}")
        return Step("service", f"{service.name} {service.url}", Found.THERE)

    def variables(self, credentials: str) -> dict[str, str]:
        """Name the tenant, the subscription and the resource group."""
        return {
            "AZURE_TENANT_ID": self.groups.tenant,
            "AZURE_SUBSCRIPTION_ID": self.place.subscription,
            "AZURE_LOCATION": self.place.location,
            "AZURE_RESOURCE_GROUP": self.place.resource_group,
            "AZURE_REGISTRY": f"{self.place.registry_name}.azurecr.io",
        }

    def variables_of(self, who: str, credentials: str) -> dict[str, str]:
        """Name the app."""
        return {"AZURE_CLIENT_ID": self.directory.app_or_name(who).number}

    def log_for_reading(self) -> str:
        """Name the container and the account, which a program there is not told."""
        return f"abfss://predictions@{self.place.storage('data')}.dfs.core.windows.net"

    def left_to_do(self) -> str:
        """Say what whoever runs it needs besides: an owner of a subscription may not read its blobs for that."""
        me = '"$(az ad signed-in-user show --query id --output tsv)"'
        grant = f'az role assignment create --assignee {me} --role "Storage Blob Data Contributor"'
        self.effects.say(f"to read and write data yourself: {grant} --scope {self.place.container_id('dvc')}")
        account = f"uv run dvc remote modify storage account_name {self.place.storage('data')}"
        return f"uv run dvc remote add --default storage azure://dvc, {account}, git commit .dvc/config"

    # keys of apps

    def identity(self, who: str) -> str:
        """Return the app's name."""
        return self.place.account_id(who)

    def keys_of(self, who: str) -> list[Key]:
        """List the app's keys."""
        app = self.directory.app(who)
        if app is None:
            return []
        return apps.read_keys(self._find(apps.list_keys(self.directory.graph, app)) or [], datetime.now(UTC))

    def make_key(self, who: str, folder: str) -> Step:
        """Let what az prints go into the folder."""
        app = self.directory.app_or_name(who)
        return apps.make_key(self.place, self.directory.graph, who, app, folder, datetime.now(UTC))

    def remove_key(self, who: str, key: Key) -> Command:
        """Let the app forget it."""
        return apps.remove_key(self.directory.graph, self.directory.app_or_name(who), key)

    # destroy

    def whole(self) -> str:
        """Name the resource group."""
        return f"resource group {self.place.resource_group} of subscription {self.place.subscription}"

    def inventory(self) -> list[tuple[str, str]]:
        """List what is to go."""
        return removal.inventory(self.place, str(self.key_file))

    def removals(self) -> Iterator[Removal]:
        """Return the commands that remove it; a group that was there before, or that holds something else, stays."""
        place = self.place
        found = {who: app for who in Jobs().signing_in if (app := self.directory.app(who))}
        yield from removal.groups(place)
        yield from removal.roles(place, self._numbers)
        for who, app in found.items():
            yield Removal(apps.remove_app(self.directory.graph, app), "identity", place.account_id(who))
        yield from removal.resources(place, str(keys_folder(self.slug, self.effects.environment)))
        if not removal.is_ours(self._find(resources.show_group(place))):
            return
        if self.effects.dry_run or not self._find(removal.list_resources(place)):
            yield removal.group(place)
