"""What everything is called on Cloud Run, and the settings that come from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import check_slug, short

_SIZES = ["SERVICE_CPU", "SERVICE_MEMORY", "SERVICE_CONCURRENCY", "SERVICE_MIN_INSTANCES", "SERVICE_MAX_INSTANCES"]
_PROBE = "httpGet.path=/health/ready,httpGet.port=8080,periodSeconds=2,timeoutSeconds=2,failureThreshold=60"


@dataclass(frozen=True)
class Place:
    """A project and a region of Google Cloud, and what a project of ours is called there."""

    slug: str
    project: str
    region: str
    host: str

    @property
    def flags(self) -> tuple[str, ...]:
        """How gcloud is told."""
        return ("--project", self.project, "--region", self.region)

    @property
    def image(self) -> str:
        """The image's name in the cloud's registry."""
        return f"{self.host}/{self.project}/{self.slug}/{self.slug}"

    def service(self, environment: str) -> str:
        """A tag and its service share one label of a host name: 46 characters, of which "candidate" takes 9."""
        return short(self.slug if environment == "production" else f"{self.slug}-{environment}", 37)

    def account_id(self, who: str) -> str:
        """What reader, trainer, deployer or runtime is called: 30 characters at most."""
        return f"{short(self.slug, 21)}-{who}"

    def account(self, who: str) -> str:
        """The same as an address."""
        return f"{self.account_id(who)}@{self.project}.iam.gserviceaccount.com"

    def bucket(self, kind: str, number: str) -> str:
        """The bucket for dvc or predictions; `number` is the project's."""
        return f"gs://{short(self.slug, 37)}-{kind}-{number}"

    @property
    def secret(self) -> str:
        """The secret that holds the service's API keys."""
        return f"{self.slug}-api-keys"

    @property
    def pool(self) -> str:
        """The identity pool in which GitHub is trusted: 32 characters at most."""
        return short(f"{self.slug}-github", 32)


def check_names(slug: str, credentials: str) -> None:
    """Refuse a project for which nothing could be made, or not all.

    Raises:
        CloudError: Google keeps its name for itself.
    """
    check_slug(slug, "google|^goog", 'Google Cloud has no bucket with "google" in its name, or "goog" first')
    if credentials == "oidc":
        check_slug(slug, "^gcp-", "Google Cloud keeps names of identity pools for itself that begin with gcp-")


def read_place(slug: str, environment: Mapping[str, str]) -> Place:
    """Return where things are.

    Raises:
        CloudError: a setting is missing, or would not be taken literally by a command or an address.
    """
    project, region = environment.get("GCP_PROJECT", ""), environment.get("GCP_REGION", "")
    if not project:
        raise CloudError("GCP_PROJECT is not set: export GCP_PROJECT=the project's id (gcloud projects list)")
    if not region:
        raise CloudError("GCP_REGION is not set: export GCP_REGION=europe-west1, say (gcloud run regions list)")
    if re.fullmatch(r"[a-z0-9.-]+:[a-z0-9-]+", project):
        raise CloudError(f"GCP_PROJECT is {project}: ids of projects that begin with a domain are not supported")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", project):
        raise CloudError("GCP_PROJECT is not a project's id: a-z, 0-9 and hyphens")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", region):
        raise CloudError("GCP_REGION is not a region, such as europe-west1")
    return Place(slug, project, region, environment.get("CLOUD_REGISTRY") or f"{region}-docker.pkg.dev")


def service_flags(place: Place, environment: Mapping[str, str], log: str) -> tuple[str, ...]:
    """Return how a revision is to run: as the runtime identity, with the keys from Secret Manager.

    Secrets and variables that a team has added to the service stay.

    Raises:
        CloudError: a size is not plain.
    """
    for name in _SIZES:
        if not re.fullmatch(r"[A-Za-z0-9.]*", environment.get(name, "")):
            raise CloudError(f"{name} is not a plain number or size, such as 2 or 512Mi")
    size = {name: environment.get(name) for name in _SIZES}
    return (
        *("--ingress", "all", "--port", "8080"),
        *("--service-account", place.account("runtime")),
        *("--update-secrets", f"SERVICE_API_KEYS={place.secret}:latest"),
        *("--cpu", size["SERVICE_CPU"] or "1", "--memory", size["SERVICE_MEMORY"] or "512Mi"),
        *("--concurrency", size["SERVICE_CONCURRENCY"] or "40"),
        *("--min-instances", size["SERVICE_MIN_INSTANCES"] or "0"),
        *("--max-instances", size["SERVICE_MAX_INSTANCES"] or "4", "--startup-probe", _PROBE),
        *(("--update-env-vars", f"PREDICTION_LOG={log}") if log else ("--remove-env-vars", "PREDICTION_LOG")),
    )
