"""What the workflows need to be set on GitHub: which secret or variable, where, and the command that sets it."""

import re
from dataclasses import dataclass
from typing import Literal

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


_BOOTSTRAP = "deploy/cloud-run.sh bootstrap --credentials << cookiecutter.credentials >> --set-secrets"
#% if cookiecutter.credentials == "oidc"
_PROVIDER = re.compile(r"projects/[0-9]+/locations/global/workloadIdentityPools/[\w-]+/providers/[\w-]+")
_ACCOUNT = re.compile(r"[a-z0-9-]+@[a-z0-9.:-]+\.iam\.gserviceaccount\.com")
#% endif
#|

def _variable(name: str, example: str, shape: str, part: Literal["cloud", "optional"] = "optional") -> Need:
    command = f"gh variable set {name} --body {example}"
    return Need(name, "variable", (REPOSITORY,), part, command, re.compile(shape))


def _secret(name: str, part: Literal["registry", "optional"] = "optional", given: str = "") -> Need:
    return Need(name, "secret", (REPOSITORY,), part, f"gh secret set {name}{given}")


NEEDS = (
    _variable("GCP_PROJECT", "PROJECT", "[a-z][a-z0-9-]{4,28}[a-z0-9]", "cloud"),
    _variable("GCP_REGION", "europe-west1", "[a-z]+-[a-z]+[0-9]+", "cloud"),
    #% if cookiecutter.credentials == "oidc"
    Need("GCP_WORKLOAD_IDENTITY_PROVIDER", "variable", (REPOSITORY,), "cloud", _BOOTSTRAP, _PROVIDER),
    Need("GCP_SERVICE_ACCOUNT", "variable", SIGNED_IN, "cloud", _BOOTSTRAP, _ACCOUNT, apart=True),
    #% else
    Need("GCP_CREDENTIALS", "secret", SIGNED_IN, "cloud", _BOOTSTRAP, apart=True),
    #% endif
    #% if cookiecutter.registry == "docker-hub"
    _secret("DOCKERHUB_USERNAME", "registry"),
    _secret("DOCKERHUB_TOKEN", "registry"),
    #% endif
    Need("SERVICE_API_KEYS", "secret", ("staging", "production"), "service", "gh secret set SERVICE_API_KEYS{place}"),
    _secret("MLFLOW_TRACKING_URI"),
    _secret("MLFLOW_TRACKING_TOKEN"),
    _secret("APP_PRIVATE_KEY", given=" < KEY.pem"),
    _variable("APP_ID", "123456", r"\w+"),
    _variable("CT_EVERY", "week", "day|week|month|never"),
    _variable("CT_TIMEOUT_MINUTES", "300", "[1-9][0-9]{0,3}"),
    _variable("CANARY_SECONDS", "300", "[0-9]{1,4}"),
)


def words(need: Need, place: str) -> str:
    """Return the command that sets a need in a place."""
    return need.command.replace("{place}", f" --env {place}" if place else "")
