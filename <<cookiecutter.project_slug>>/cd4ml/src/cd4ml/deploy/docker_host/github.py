"""What GitHub has to be told, so that its workflows reach the host: environments, variables and secrets."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from cd4ml.deploy.commands import Command
from cd4ml.deploy.docker_host.settings import Host, read_keys
from cd4ml.deploy.names import ENVIRONMENTS
from cd4ml.settings.project import Project

_ENVIRONMENTS = ("reader", "trainer", "staging", "approval", "production")
_PASSED_ON = ("SERVICE_CERTIFICATE", "SERVICE_CPU", "SERVICE_MEMORY", "CADDY_NAME", "DOCKER_HOST_KNOWN_HOSTS")


def on_github(host: Host, project: Project, environment: Mapping[str, str]) -> Iterator[Command]:
    """Return the commands of `gh` that set it; what is a secret goes through standard input."""
    repository = urlsplit(project.repository).path.strip("/") or "{owner}/{repo}"
    for name in _ENVIRONMENTS:
        yield Command(("gh", "api", "--silent", "--method", "PUT", f"repos/{repository}/environments/{name}"))
    variables = {"DOCKER_HOST_SSH": host.docker[-1], "SERVICE_ADDRESS": host.address}
    for name, value in (variables | {name: environment.get(name, "") for name in _PASSED_ON}).items():
        if value:
            yield Command(("gh", "variable", "set", name, "--repo", repository, "--body", value))
    keys = read_keys(host.slug, environment)
    for name in ENVIRONMENTS:
        yield Command(("gh", "secret", "set", "SERVICE_API_KEYS", "--repo", repository, "--env", name), stdin=keys)
