"""Azure, set up for the project `flight-delays`, as its workflows find it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery import clouds
from tests.delivery.delivery import IDENTITIES, Need, ask
from tests.delivery.github import GitHub, oidc
from tests.delivery.stand_ins.bridge import from_containers
from tests.delivery.stand_ins.hosts import named

from . import cloud, registry
from .rights import set_up
from .server import Azure

SLUG = "flight-delays"
AZ_PATH = f"{cloud.az_folder()}:/usr/bin:/bin"
GROUPS = [f"{SLUG}{which}{beside}" for which in ("", "-staging") for beside in ("", "-candidate")]


@dataclass(frozen=True)
class ContainerInstances:
    """One resource group of Azure's, and how it is found."""

    azure: Azure
    storage: dict[str, str]
    settings: dict[str, str]
    variables: dict[str, str]
    tools: list[str]

    @property
    def remote(self) -> dict[str, str]:
        return {"url": "azure://dvc"}

    @property
    def log(self) -> str:
        return "az://predictions"

    def keys(self, github: GitHub) -> None:
        for identity, number in self._apps(github).items():
            asked = {"passwordCredential": {"displayName": "a key of bootstrap's"}}
            secret = self.azure.entra.graph("POST", f"/applications/{number}/addPassword", {}, asked)
            assert secret is not None
            for place in self._places(identity):
                github.environments[place].secrets["AZURE_CLIENT_SECRET"] = secret["secretText"]

    def trust(self, github: GitHub) -> None:
        for identity, number in self._apps(github).items():
            for place in self._places(identity):
                trusted = {
                    "name": place,
                    "issuer": "https://token.actions.githubusercontent.com",
                    "subject": f"{oidc.prefix(github)}:environment:{place}",
                    "audiences": ["api://AzureADTokenExchange"],
                }
                self.azure.entra.graph("POST", f"/applications/{number}/federatedIdentityCredentials", {}, trusted)

    def _apps(self, github: GitHub) -> dict[str, str]:
        """Register an app for each identity, and name it to its environments; return the apps' numbers."""
        total, group = cloud.total(self.azure, SLUG), cloud.group_address(self.azure)
        apps = set_up(self.azure.entra, self.azure.resources, group, SLUG, total)
        for identity, app in apps.items():
            for place in self._places(identity):
                github.environments[place].vars["AZURE_CLIENT_ID"] = app["appId"]
        return {identity: str(app["id"]) for identity, app in apps.items()}

    def _places(self, identity: str) -> list[str]:
        return [place for place, works_as in IDENTITIES.items() if works_as == identity]

    def ask(self, path: str, body: Any = None) -> Any:
        return ask(f"https://{cloud.host(self.azure, SLUG, SLUG)}{path}", body, self.azure.authority.asks)


@contextmanager
def aci(need: Need, folder: Path, address: str, bare: bool = False) -> Iterator[ContainerInstances]:
    """Start Azure, with a registry, a container for DVC and a share for certificates, until the block ends.

    A `bare` one is as on a first day: bootstrap has to make everything.
    """
    need("az", not (reason := cloud.why_not_here()), str(reason))
    folder.mkdir()
    with clouds.azure(need, folder) as storage, ExitStack() as stack:
        reached = storage | {"PATH": AZ_PATH, "AZURE_CONFIG_DIR": str(folder / "az-of-storage")}
        for container in ("dvc", "predictions"):
            cloud.run(reached, "storage", "container", "create", "--name", container)
        azure = Azure(folder / "azure", resource_group=SLUG)
        stack.callback(azure.close)
        azure.ambient = stack.enter_context(from_containers(storage))
        total = cloud.total(azure, SLUG)
        group, images = cloud.group_address(azure), f"flightdelays{total}.azurecr.io"
        if bare:
            azure.first_day()
        else:
            azure.resources.put(group)
            azure.resources.put(f"{group}/providers/Microsoft.Storage/storageAccounts/flightdelayscert{total}")
        azure.registries[images] = address
        hosts = {cloud.host(azure, name, SLUG): azure.address_of(name) for name in GROUPS}
        stack.enter_context(named(hosts | {images: azure.address_of(images)}))
        scope = f"{group}/providers/Microsoft.ContainerRegistry/registries/{images.removesuffix('.azurecr.io')}"
        stack.enter_context(registry.guarded(azure, images, scope, address, folder / "registry"))
        variables = {
            "AZURE_LOCATION": azure.location,
            "AZURE_RESOURCE_GROUP": SLUG,
            "AZURE_REGISTRY": images,
            "AZURE_TENANT_ID": azure.tenant,
            "AZURE_SUBSCRIPTION_ID": azure.subscription,
        }
        settings = _settings(azure, storage, folder)
        (folder / "bin/az").symlink_to(Path(cloud.az_folder()) / "az")
        yield ContainerInstances(azure, storage, settings, variables, [str(folder / "bin")])


def _settings(azure: Azure, storage: dict[str, str], folder: Path) -> dict[str, str]:
    """What every step inherits: how az finds Azure, and how DVC finds the container."""
    trusted = azure.authority.trusted()
    known = {"AZURE_CONFIG_DIR": str(folder / "az"), **cloud.QUIET, **trusted}
    cloud.register(azure, known | {"PATH": AZ_PATH})
    del known["AZURE_CONFIG_DIR"]  # each job signs in for itself, in its own folder
    return known | storage | {
        "STANDIN_AZ": str(folder / "az"),
        "DOCKER_COMMAND": str(registry.login_command(folder / "bin")),
        "SERVICE_ROUND_SECONDS": "2",
    }  # fmt: skip
