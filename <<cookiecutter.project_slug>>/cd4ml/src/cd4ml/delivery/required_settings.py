"""List the secrets and variables that the workflows need on GitHub: where each is set, and by which command."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from cd4ml.settings.project import Project

REPOSITORY = ""  # the place of settings that every job may read
SIGN_IN_ENVIRONMENTS = ("reader", "trainer", "staging", "production")
ENVIRONMENTS = ("reader", "trainer", "staging", "approval", "production")
MAIN_ONLY = ("staging", "approval", "production")
"""The environments that no other branch may use."""


@dataclass(frozen=True)
class RequiredSetting:
    """A secret or a variable."""

    name: str
    kind: Literal["secret", "variable"]
    places: tuple[str, ...]
    """The environments that hold it, or the repository."""
    part: Literal["cloud", "registry", "service", "optional"]
    """What needs it; an optional variable has a default."""
    command: str
    """What sets it; `{place}` stands for gh's option that names the environment."""
    pattern: re.Pattern[str] = re.compile(r"(?s).+")
    """What a valid value of a variable looks like."""
    per_environment: bool = False
    """Whether each environment must have its own, so that no job can use another's identity."""
    replaced_by: str = ""
    """The setting that took its place, if an earlier version read this one."""


_ACCOUNT = r"[a-z0-9-]+@[a-z0-9.:-]+\.iam\.gserviceaccount\.com"
_PROVIDER_OF_TOKENS = "GCP_WORKLOAD_IDENTITY_PROVIDER"
_PROVIDER = r"projects/[0-9]+/locations/global/workloadIdentityPools/[\w-]+/providers/[\w-]+"
_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
_SSH = r"ssh://([\w.-]+@)?[\w.-]+(:[0-9]+)?"
_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def required_settings(project: Project) -> tuple[RequiredSetting, ...]:
    """Return every secret and variable that the project's workflows read."""
    bootstrap = f"uv run cd4ml cloud bootstrap --credentials {project.credentials} --set-secrets"
    cloud = {"cloud-run": _google, "fargate": _aws, "aci": _azure, "docker-host": _host}[project.platform]
    registry = (
        _secret("DOCKERHUB_USERNAME", "registry"),
        _secret("DOCKERHUB_TOKEN", "registry"),
    )
    return (
        *cloud(project, bootstrap),
        *(_index(project) if project.index_login else ()),
        *(registry if project.registry == "docker-hub" else ()),
        RequiredSetting(
            "SERVICE_API_KEYS", "secret", ("staging", "production"), "service",
            "gh secret set SERVICE_API_KEYS{place}",
        ),
        _secret("MLFLOW_TRACKING_URI"),
        _secret("MLFLOW_TRACKING_TOKEN"),
        _secret("PUSHGATEWAY_URL"),
        _secret("SLACK_WEBHOOK_URL"),
        _secret("TEAMS_WEBHOOK_URL"),
        _secret("APP_PRIVATE_KEY", stdin=" < KEY.pem"),
        _variable("APP_CLIENT_ID", "Iv23li0123456789abcd", r"Iv[0-9A-Za-z.]{8,}"),
        RequiredSetting("APP_ID", "variable", (REPOSITORY,), "optional", "gh variable delete APP_ID",
                        replaced_by="APP_CLIENT_ID"),
        _secret("TEMPLATE_TOKEN"),
        _variable("UPDATE_EVERY", "month", "month|never"),
        _variable("CT_EVERY", "week", "day|week|month|never"),
        _variable("CT_TIMEOUT_MINUTES", "300", "[1-9][0-9]{0,3}"),
        _variable("MONITOR_EVERY", "day", "day|week|never"),
        _variable("PREDICTION_LOG", "BUCKET", "(gs|s3|az|abfss?)://.+"),
        _variable("CANARY_SECONDS", "300", "[0-9]{1,3}|1[0-7][0-9]{2}|1800"),
        *_SIZES[project.platform],
    )  # fmt: skip


def without_environments(settings: tuple[RequiredSetting, ...]) -> tuple[RequiredSetting, ...]:
    """Return the same settings for a repository that has no environments: it holds all of them itself."""
    return tuple(replace(setting, places=(REPOSITORY,), per_environment=False) for setting in settings)


def cloud_variables(project: Project) -> tuple[str, ...]:
    """Return the variables that say which cloud project to use; `cd4ml cloud` reads them from its environment."""
    names = [one.name for one in required_settings(project) if one.part == "cloud" and one.places == (REPOSITORY,)]
    return tuple(name for name in names if name != _PROVIDER_OF_TOKENS)  # which is for the sign-in alone


def command_for(setting: RequiredSetting, place: str) -> str:
    """Return the command that sets a secret or variable in a place."""
    return setting.command.replace("{place}", f" --env {place}" if place else "")


def _google(project: Project, bootstrap: str) -> tuple[RequiredSetting, ...]:
    location = (
        _variable("GCP_PROJECT", "PROJECT", "[a-z][a-z0-9-]{4,28}[a-z0-9]", "cloud"),
        _variable("GCP_REGION", project.region or "europe-west1", "[a-z]+-[a-z]+[0-9]+", "cloud"),
    )
    if project.credentials != "oidc":
        return (*location, _identity("GCP_CREDENTIALS", "secret", bootstrap))
    provider = RequiredSetting(
        _PROVIDER_OF_TOKENS, "variable", (REPOSITORY,), "cloud", bootstrap, re.compile(_PROVIDER)
    )
    return (*location, provider, _identity("GCP_SERVICE_ACCOUNT", "variable", bootstrap, _ACCOUNT))


def _aws(project: Project, bootstrap: str) -> tuple[RequiredSetting, ...]:
    location = (
        _variable("AWS_REGION", project.region or "eu-west-1", "[a-z]{2}(-[a-z]+)+-[0-9]", "cloud"),
        _variable("AWS_ACCOUNT_ID", "123456789012", "[0-9]{12}", "cloud"),
    )
    if project.credentials == "oidc":
        return (*location, _identity("AWS_ROLE", "variable", bootstrap, _ROLE))
    return (
        *location,
        _identity("AWS_ACCESS_KEY_ID", "secret", bootstrap),
        _identity("AWS_SECRET_ACCESS_KEY", "secret", bootstrap),
    )


def _azure(project: Project, bootstrap: str) -> tuple[RequiredSetting, ...]:
    location = (
        _variable("AZURE_LOCATION", project.region or "westeurope", "[a-z0-9]+", "cloud"),
        _variable("AZURE_RESOURCE_GROUP", "GROUP", r"[\w().-]{0,89}[\w()-]", "cloud"),
        _variable("AZURE_REGISTRY", "NAME.azurecr.io", r"[a-z0-9.-]+(:[0-9]+)?", "cloud"),
        _variable("AZURE_TENANT_ID", "UUID", _UUID, "cloud"),
        _variable("AZURE_SUBSCRIPTION_ID", "UUID", _UUID, "cloud"),
        _identity("AZURE_CLIENT_ID", "variable", bootstrap, _UUID),
    )
    secret = _identity("AZURE_CLIENT_SECRET", "secret", bootstrap)
    return location if project.credentials == "oidc" else (*location, secret)


def _host(_: Project, __: str) -> tuple[RequiredSetting, ...]:
    """Return what leads to a host: its deployer alone signs in, as nothing but the service is there."""
    return (
        _variable("DOCKER_HOST_SSH", "ssh://deploy@model.example.com", _SSH, "cloud"),
        _variable("DOCKER_HOST_KNOWN_HOSTS", '"$(ssh-keyscan model.example.com)"', r"(?s).+ .+ .+", "cloud"),
        _variable("SERVICE_ADDRESS", "model.example.com", r"[a-z0-9.-]+", "cloud"),
        RequiredSetting("DOCKER_HOST_KEY", "secret", ("staging", "production"), "cloud",
                        "gh secret set DOCKER_HOST_KEY{place} < KEY", per_environment=True),
    )  # fmt: skip


def _index(project: Project) -> tuple[RequiredSetting, ...]:
    """Return what uv signs in with to the package index, by the index's name."""
    name = re.sub("[^A-Z0-9]", "_", project.index.partition("=")[0].upper())
    return tuple(_secret(f"UV_INDEX_{name}_{part}", "registry") for part in ("USERNAME", "PASSWORD"))


def _identity(
    name: str, kind: Literal["secret", "variable"], bootstrap: str, pattern: str = r"(?s).+"
) -> RequiredSetting:
    """Return a setting that a job signs in with; each environment has its own."""
    return RequiredSetting(
        name, kind, SIGN_IN_ENVIRONMENTS, "cloud", bootstrap, re.compile(pattern), per_environment=True
    )


def _variable(
    name: str, example: str, pattern: str, part: Literal["cloud", "optional"] = "optional"
) -> RequiredSetting:
    command = f"gh variable set {name} --body {example}"
    return RequiredSetting(name, "variable", (REPOSITORY,), part, command, re.compile(pattern))


def _secret(name: str, part: Literal["registry", "optional"] = "optional", stdin: str = "") -> RequiredSetting:
    return RequiredSetting(name, "secret", (REPOSITORY,), part, f"gh secret set {name}{stdin}")


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
    "docker-host": (
        _variable("SERVICE_CPU", "1", "[0-9.]+"),
        _variable("SERVICE_MEMORY", "512m", "[0-9]+[mg]"),
        _variable("SERVICE_CERTIFICATE", "public", "public|internal"),
        _variable("CADDY_NAME", "cd4ml-caddy", "[a-z0-9-]+"),
    ),
}
