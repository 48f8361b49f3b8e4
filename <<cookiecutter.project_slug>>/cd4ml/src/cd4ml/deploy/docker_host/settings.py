"""What everything is called on a host with Docker, and the settings that come from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cd4ml.deploy.api_keys import no_keys
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import short
from cd4ml.serving.key_digests import entry, read_digests

_SSH = re.compile(r"ssh://(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9._-]+(?::[0-9]{1,5})?")
_ADDRESS = re.compile(r"(?!-)[a-z0-9-]{1,55}(?<!-)(\.[a-z0-9-]{1,63})*")
_PATTERNS = {
    "SERVICE_CPU": (r"[0-9]{1,3}(\.[0-9]{1,2})?", "a number of CPUs, such as 1 or 0.5"),
    "SERVICE_MEMORY": (r"[0-9]{1,6}[mg]", "a size, such as 512m or 2g"),
    "SERVICE_START_SECONDS": (r"[0-9]{1,4}", "a whole number"),
    "SERVICE_CERTIFICATE": (r"public|internal", "public (Let's Encrypt's) or internal (of Caddy's own authority)"),
    "SERVICE_BIND": (r"[0-9a-f.:\[\]]{2,45}", "an address of the host, such as 192.0.2.10"),
    "CADDY_NAME": (r"[a-z0-9][a-z0-9-]{0,40}", "a container's name"),
    "CADDY_IMAGE": (r"[a-zA-Z0-9._/:@-]+", "an image's name"),
}


@dataclass(frozen=True)
class Host:
    """A host, and what a project is called there."""

    slug: str
    docker: tuple[str, ...]
    """How docker is told which host."""
    address: str
    """The name that production answers for."""
    caddy: str = "cd4ml-caddy"
    """Caddy's container and network; its volumes begin with it too."""

    @property
    def network(self) -> str:
        """The network in which Caddy finds the services by their names."""
        return self.caddy

    @property
    def sites(self) -> str:
        """The volume that holds what Caddy answers for: a file for each service."""
        return f"{self.caddy}-sites"

    @property
    def data(self) -> str:
        """The volume that holds Caddy's certificates."""
        return f"{self.caddy}-data"

    def service(self, environment: str) -> str:
        """Return a service's name: a revision adds 23 characters, and has to be one label of a host name."""
        return short(self.slug if environment == "production" else f"{self.slug}-{environment}", 40)

    def name_of(self, environment: str) -> str:
        """Return the name that an environment answers for: for staging, model-staging.example.com or its like."""
        first, dot, rest = self.address.partition(".")
        return self.address if environment == "production" else f"{first}-{environment}{dot}{rest}"


@dataclass(frozen=True)
class Runtime:
    """How a service runs."""

    cpus: str
    memory: str
    keys: str
    """Digests of the API keys."""
    log: str = ""
    """Where it writes its predictions: stdout, or nowhere."""

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of its container; an empty one is not set."""
        return {"PORT": "8000", "SERVICE_API_KEYS": self.keys, "PREDICTION_LOG": self.log}


def read_host(slug: str, environment: Mapping[str, str]) -> Host:
    """Return where things are.

    Raises:
        CloudError: a setting is missing, or would not be taken literally by a command or in Caddy's configuration.
    """
    ssh, address = environment.get("DOCKER_HOST_SSH", ""), environment.get("SERVICE_ADDRESS", "")
    if not _SSH.fullmatch(ssh):
        raise CloudError("DOCKER_HOST_SSH names the host: export DOCKER_HOST_SSH=ssh://deploy@model.example.com, say")
    if not _ADDRESS.fullmatch(address):
        raise CloudError("SERVICE_ADDRESS is the name that the service answers for, such as model.example.com")
    for name, (pattern, words) in _PATTERNS.items():
        if environment.get(name) and not re.fullmatch(pattern, environment[name]):
            raise CloudError(f"{name} is {words}")
    return Host(slug, ("docker", "--host", ssh), address, environment.get("CADDY_NAME") or "cd4ml-caddy")


def no_bucket() -> CloudError:
    """Return why a prediction log has to be elsewhere."""
    return CloudError('a host has no bucket: prediction_log = "stdout" or "off", in pyproject.toml')


def read_runtime(environment: Mapping[str, str], keys: str, log: str) -> Runtime:
    """Return how a service is to run: it gets the digests of its keys, which nobody can ask with.

    Raises:
        CloudError: there are no keys, or one is not fit.
    """
    entries = [key.strip() for key in keys.split(",") if key.strip()]
    if not entries:
        raise no_keys()
    try:
        digests = ",".join(entry(known) for known in read_digests(entries))
    except ValueError as failure:
        raise CloudError(f"SERVICE_API_KEYS {failure}") from None
    size = {name: environment.get(name) for name in ("SERVICE_CPU", "SERVICE_MEMORY")}
    return Runtime(size["SERVICE_CPU"] or "1", size["SERVICE_MEMORY"] or "512m", digests, log)
