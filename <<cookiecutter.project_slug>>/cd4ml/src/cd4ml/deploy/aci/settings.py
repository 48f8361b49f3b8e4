"""What everything is called in Azure, and the settings that come from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import check_slug, cksum, short

_SECONDS = {"SERVICE_START_SECONDS": 300, "SERVICE_ROUND_SECONDS": 10}


@dataclass(frozen=True)
class Settings:
    """Where a project is to be, before Azure is asked which subscription that is."""

    slug: str
    location: str
    resource_group: str
    subscription: str
    """The one that was chosen; empty for the one that az works with."""
    registry: str
    """The host of the registry that was chosen; empty for the project's own."""


@dataclass(frozen=True)
class Place:
    """A resource group of a subscription, and what a project of ours is called there."""

    slug: str
    location: str
    resource_group: str
    subscription: str
    registry: str

    @property
    def flags(self) -> tuple[str, ...]:
        """How az is told."""
        return ("--resource-group", self.resource_group, "--subscription", self.subscription)

    @property
    def sum(self) -> str:
        """What tells this project's global names from everybody's."""
        return f"{cksum(f'{self.subscription}/{self.resource_group}/{self.slug}'.encode()):08x}"

    def service(self, environment: str) -> str:
        """A container group's name and its label in the DNS have 63 characters: "-candidate" and a sum follow."""
        return short(self.slug if environment == "production" else f"{self.slug}-{environment}", 44)

    def candidate(self, environment: str) -> str:
        """The container group beside the service's."""
        return f"{self.service(environment)}-candidate"

    def label(self, group: str) -> str:
        """A group's label in the DNS, where names are everybody's."""
        service = group.removesuffix("-candidate")
        return f"{service}-{self.sum}{group[len(service) :]}"

    def host(self, group: str) -> str:
        """A group's name in the DNS."""
        return f"{self.label(group)}.{self.location}.azurecontainer.io"

    def address(self, group: str) -> str:
        """Where a group answers; never without encryption."""
        return f"https://{self.host(group)}"

    def account_id(self, who: str) -> str:
        """What the identity of reader, trainer, deployer or runtime is called."""
        return f"{self.slug}-{who}-{self.sum}"

    @property
    def runtime(self) -> str:
        """The identity that the service runs as."""
        return self.account_id("runtime")

    def role(self, kind: str) -> str:
        """What a role of our own is called."""
        return f"{self.slug} {kind} {self.sum}"

    def storage(self, kind: str) -> str:
        """The storage account for `data` or `cert`: 24 letters and digits at most."""
        return f"{self._letters[:12]}{kind}{self.sum}"

    @property
    def registry_name(self) -> str:
        """The project's own registry: 5 to 50 letters and digits."""
        return f"{self._letters[:40]}{self.sum}"

    @property
    def registry_host(self) -> str:
        """Where images are pulled from."""
        return self.registry or f"{self.registry_name}.azurecr.io"

    @property
    def image(self) -> str:
        """The image's name in that registry."""
        return f"{self.registry_host}/{self.slug}"

    @property
    def address_of_all(self) -> str:
        """The resource group's address in Azure."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"

    @property
    def registry_id(self) -> str:
        """The project's own registry's address in Azure."""
        return self._id("Microsoft.ContainerRegistry/registries", self.registry_name)

    def storage_id(self, kind: str) -> str:
        """A storage account's address in Azure."""
        return self._id("Microsoft.Storage/storageAccounts", self.storage(kind))

    def container_id(self, container: str) -> str:
        """The address in Azure of a container in the account for data."""
        return f"{self.storage_id('data')}/blobServices/default/containers/{container}"

    def group_id(self, group: str) -> str:
        """A container group's address in Azure."""
        return self._id("Microsoft.ContainerInstance/containerGroups", group)

    @property
    def runtime_id(self) -> str:
        """The runtime identity's address in Azure."""
        return self._id("Microsoft.ManagedIdentity/userAssignedIdentities", self.runtime)

    @property
    def _letters(self) -> str:
        return re.sub(r"[^a-z0-9]", "", self.slug)

    def _id(self, kind: str, name: str) -> str:
        return f"{self.address_of_all}/providers/{kind}/{name}"


@dataclass(frozen=True)
class Size:
    """The CPUs and GB of a service."""

    cpu: float
    memory: float

    def __str__(self) -> str:
        return f"{self.cpu:g} {self.memory:g}"


@dataclass(frozen=True)
class Patience:
    """How many seconds a group may take until it answers, and how often its containers are looked at meanwhile."""

    start: float
    round: float


def check_names(slug: str) -> None:
    """Refuse a project for which nothing could be made, or not all.

    Raises:
        CloudError: Azure keeps its name for itself.
    """
    rule = 'Azure has no "windows" or "microsoft" in a name, or "login" first'
    check_slug(slug, "windows|microsoft|^login", rule, without_hyphens=True)  # as storage and the registry have none


def read_settings(slug: str, environment: Mapping[str, str]) -> Settings:
    """Return where the project is to be.

    Raises:
        CloudError: a setting is missing, or would not be taken literally by a command or an address.
    """
    location = environment.get("AZURE_LOCATION", "")
    group = environment.get("AZURE_RESOURCE_GROUP") or slug
    subscription = environment.get("AZURE_SUBSCRIPTION_ID", "")
    registries = [environment.get(name, "") for name in ("CLOUD_REGISTRY", "AZURE_REGISTRY")]
    if not location:
        raise CloudError("AZURE_LOCATION is not set: export AZURE_LOCATION=westeurope, say (az account list-locations)")
    if not re.fullmatch(r"[a-z][a-z0-9]*", location):
        raise CloudError("AZURE_LOCATION is not a location, such as westeurope")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,89}", group):
        raise CloudError(
            "AZURE_RESOURCE_GROUP is not a resource group's name: letters, digits, hyphens and underscores"
        )
    if not re.fullmatch(r"[0-9a-f-]*", subscription):
        raise CloudError("AZURE_SUBSCRIPTION_ID is not a subscription's id (az account list)")
    if not all(re.fullmatch(r"[a-z0-9.:-]*", host) for host in registries):
        raise CloudError("AZURE_REGISTRY is not a registry's host (az acr list)")
    return Settings(slug, location, group, subscription, registries[0] or registries[1])


def place_in(settings: Settings, subscription: str) -> Place:
    """Return where the project is, now that Azure has told the subscription's id."""
    return Place(settings.slug, settings.location, settings.resource_group, subscription, settings.registry)


def read_size(environment: Mapping[str, str]) -> Size:
    """Return the size that the service is to have.

    Raises:
        CloudError: it is not a plain number.
    """
    sizes = []
    for name, default in (("SERVICE_CPU", "1"), ("SERVICE_MEMORY", "1.5")):
        given = environment.get(name) or default
        if not re.fullmatch(r"[0-9]{1,2}(\.[0-9])?", given):
            raise CloudError(f"{name} is a number such as 1 or 1.5 (of CPUs, of GB)")
        sizes.append(float(given))
    return Size(*sizes)


def read_patience(environment: Mapping[str, str]) -> Patience:
    """Return how long a group is waited for.

    Raises:
        CloudError: a number of seconds is not whole.
    """
    seconds = []
    for name, default in _SECONDS.items():
        given = environment.get(name) or str(default)
        if not re.fullmatch(r"[0-9]{1,4}", given):
            raise CloudError(f"{name} is a whole number")
        seconds.append(float(given))
    return Patience(*seconds)
