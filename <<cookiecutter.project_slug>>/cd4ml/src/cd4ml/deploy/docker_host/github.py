"""What GitHub has to be told, so that its workflows reach the host: environments, variables and secrets."""

from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from cd4ml.delivery.required_settings import ENVIRONMENTS, MAIN_ONLY
from cd4ml.deploy.api_keys import read_keys
from cd4ml.deploy.commands import READ_SECONDS, Command
from cd4ml.deploy.docker_host.settings import Host
from cd4ml.settings.project import Project

_PASSED_ON = ("SERVICE_CERTIFICATE", "SERVICE_CPU", "SERVICE_MEMORY", "CADDY_NAME", "DOCKER_HOST_KNOWN_HOSTS")
_OWN_BRANCHES = ("protected_branches]=false", "custom_branch_policies]=true")


def repository_of(project: Project) -> str:
    """Return the repository as `gh` takes it."""
    return urlsplit(project.repository).path.strip("/") or "{owner}/{repo}"


def list_environments(repository: str) -> Command:
    """Read the names of the environments that are there."""
    jq = ".environments[].name"
    return Command(("gh", "api", f"repos/{repository}/environments", "--jq", jq), seconds=READ_SECONDS)


def make_environments(repository: str, known: Collection[str], branch: str) -> Iterator[Command]:
    """Return the commands that make the others; what leads to production is for one branch alone.

    One that is there is left alone: the request would take its reviewers away.
    """
    for name in (name for name in ENVIRONMENTS if name not in known):
        address, policy = f"repos/{repository}/environments/{name}", []
        if name in MAIN_ONLY:
            policy = [part for rule in _OWN_BRANCHES for part in ("-F", f"deployment_branch_policy[{rule}")]
        yield Command(("gh", "api", "--silent", "--method", "PUT", address, *policy))
        if policy:
            rules = f"{address}/deployment-branch-policies"
            yield Command(("gh", "api", "--silent", "--method", "POST", rules, "-f", f"name={branch}"))


def settings(host: Host, repository: str, environment: Mapping[str, str]) -> Iterator[Command]:
    """Return the commands that set variables, and the API keys, which go through standard input."""
    variables = {"DOCKER_HOST_SSH": host.docker[-1], "SERVICE_ADDRESS": host.address}
    for name, value in (variables | {name: environment.get(name, "") for name in _PASSED_ON}).items():
        if value:
            yield Command(("gh", "variable", "set", name, "--repo", repository, "--body", value))
    keys = read_keys(host.slug, environment)
    for name in ("staging", "production"):
        yield Command(("gh", "secret", "set", "SERVICE_API_KEYS", "--repo", repository, "--env", name), stdin=keys)
