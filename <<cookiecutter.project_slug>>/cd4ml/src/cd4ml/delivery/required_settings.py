"""What the workflows need to be set on GitHub: which secret or variable, where, and the command that sets it."""

import re
from dataclasses import dataclass
from typing import Literal

from cd4ml.settings.project import Project

REPOSITORY = ""  # the place of what every job may read
SIGNED_IN = ("reader", "trainer", "staging", "production")
ENVIRONMENTS = ("reader", "trainer", "staging", "approval", "production")
MAIN_ONLY = ("staging", "approval", "production")
"""The environments that no other branch may use."""


@dataclass(frozen=True)
class Need:
    """A secret or a variable."""

    name: str
    kind: Literal["secret", "variable"]
    places: tuple[str, ...]
    """The environments that hold it, or the repository."""
    part: Literal["cloud", "registry", "service", "optional"]
    """What does not work without it; a variable that is optional has a default."""
    command: str
    """What sets it; `{place}` stands for gh's words for the environment."""
    shape: re.Pattern[str] = re.compile(r"(?s).+")
    """What a variable looks like."""
    apart: bool = False
    """Whether each environment must have its own, so that no job can act for another."""


_ACCOUNT = r"[a-z0-9-]+@[a-z0-9.:-]+\.iam\.gserviceaccount\.com"
_PROVIDER = r"projects/[0-9]+/locations/global/workloadIdentityPools/[\w-]+/providers/[\w-]+"
_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def needs_of(project: Project) -> tuple[Need, ...]:
    """Return every secret and variable that the project's workflows read."""
    bootstrap = f"uv run cd4ml cloud bootstrap --credentials {project.credentials} --set-secrets"
    cloud = {"cloud-run": _google, "fargate": _aws, "aci": _azure}[project.platform]
    registry = (
        _secret("DOCKERHUB_USERNAME", "registry"),
        _secret("DOCKERHUB_TOKEN", "registry"),
    )
    return (
        *cloud(project.credentials == "oidc", bootstrap),
        *(registry if project.registry == "docker-hub" else ()),
        Need(
            "SERVICE_API_KEYS", "secret", ("staging", "production"), "service",
            "gh secret set SERVICE_API_KEYS{place}",
        ),
        _secret("MLFLOW_TRACKING_URI"),
        _secret("MLFLOW_TRACKING_TOKEN"),
        _secret("APP_PRIVATE_KEY", given=" < KEY.pem"),
        _variable("APP_ID", "123456", r"\w+"),
        _variable("CT_EVERY", "week", "day|week|month|never"),
        _variable("CT_TIMEOUT_MINUTES", "300", "[1-9][0-9]{0,3}"),
        _variable("CANARY_SECONDS", "300", "[0-9]{1,3}|1[0-7][0-9]{2}|1800"),
        *_SIZES[project.platform],
    )  # fmt: skip


def cloud_variables(project: Project) -> tuple[str, ...]:
    """Return the variables that say which cloud is meant: the deploy script reads these from its environment."""
    return tuple(need.name for need in needs_of(project) if need.part == "cloud" and need.places == (REPOSITORY,))


def command_for(need: Need, place: str) -> str:
    """Return the command that sets a need in a place."""
    return need.command.replace("{place}", f" --env {place}" if place else "")


def _google(oidc: bool, bootstrap: str) -> tuple[Need, ...]:
    where = (
        _variable("GCP_PROJECT", "PROJECT", "[a-z][a-z0-9-]{4,28}[a-z0-9]", "cloud"),
        _variable("GCP_REGION", "europe-west1", "[a-z]+-[a-z]+[0-9]+", "cloud"),
    )
    if not oidc:
        return (*where, _identity("GCP_CREDENTIALS", "secret", bootstrap))
    provider = Need(
        "GCP_WORKLOAD_IDENTITY_PROVIDER", "variable", (REPOSITORY,), "cloud", bootstrap, re.compile(_PROVIDER)
    )
    return (*where, provider, _identity("GCP_SERVICE_ACCOUNT", "variable", bootstrap, _ACCOUNT))


def _aws(oidc: bool, bootstrap: str) -> tuple[Need, ...]:
    where = (
        _variable("AWS_REGION", "eu-central-1", "[a-z]{2}(-[a-z]+)+-[0-9]", "cloud"),
        _variable("AWS_ACCOUNT_ID", "123456789012", "[0-9]{12}", "cloud"),
    )
    if oidc:
        return (*where, _identity("AWS_ROLE", "variable", bootstrap, _ROLE))
    return (
        *where,
        _identity("AWS_ACCESS_KEY_ID", "secret", bootstrap),
        _identity("AWS_SECRET_ACCESS_KEY", "secret", bootstrap),
    )


def _azure(oidc: bool, bootstrap: str) -> tuple[Need, ...]:
    where = (
        _variable("AZURE_LOCATION", "westeurope", "[a-z0-9]+", "cloud"),
        _variable("AZURE_RESOURCE_GROUP", "GROUP", r"[\w().-]{0,89}[\w()-]", "cloud"),
        _variable("AZURE_REGISTRY", "NAME.azurecr.io", r"[a-z0-9.-]+(:[0-9]+)?", "cloud"),
        _variable("AZURE_TENANT_ID", "UUID", _UUID, "cloud"),
        _variable("AZURE_SUBSCRIPTION_ID", "UUID", _UUID, "cloud"),
        _identity("AZURE_CLIENT_ID", "variable", bootstrap, _UUID),
    )
    return where if oidc else (*where, _identity("AZURE_CLIENT_SECRET", "secret", bootstrap))


def _identity(name: str, kind: Literal["secret", "variable"], bootstrap: str, shape: str = r"(?s).+") -> Need:
    """Return what a job signs in with; each environment has its own."""
    return Need(name, kind, SIGNED_IN, "cloud", bootstrap, re.compile(shape), apart=True)


def _variable(name: str, example: str, shape: str, part: Literal["cloud", "optional"] = "optional") -> Need:
    command = f"gh variable set {name} --body {example}"
    return Need(name, "variable", (REPOSITORY,), part, command, re.compile(shape))


def _secret(name: str, part: Literal["registry", "optional"] = "optional", given: str = "") -> Need:
    return Need(name, "secret", (REPOSITORY,), part, f"gh secret set {name}{given}")


_SIZES = {
    "cloud-run": (
        _variable("SERVICE_CPU", "1", "[0-9.]+m?"),
        _variable("SERVICE_MEMORY", "512Mi", "[0-9]+[MG]i"),
        _variable("SERVICE_CONCURRENCY", "40", "[0-9]+"),
        _variable("SERVICE_MIN_INSTANCES", "0", "[0-9]+"),
        _variable("SERVICE_MAX_INSTANCES", "4", "[0-9]+"),
    ),
    "fargate": (
        _variable("SERVICE_CPU", "512", "[0-9]+"),
        _variable("SERVICE_MEMORY", "1024", "[0-9]+"),
        _variable("SERVICE_MIN_INSTANCES", "1", "[0-9]+"),
        _variable("SERVICE_MAX_INSTANCES", "4", "[0-9]+"),
    ),
    "aci": (
        _variable("SERVICE_CPU", "1", "[0-9.]+"),
        _variable("SERVICE_MEMORY", "1.5", "[0-9.]+"),
    ),
}
