"""Google Cloud, set up for the project `flight-delays`, as its workflows find it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery import clouds
from tests.delivery.delivery import IDENTITIES, KEY, Need, ask
from tests.delivery.github import GitHub
from tests.delivery.stand_ins.bridge import from_containers

from . import cloud
from .server import Google
from .tokens import IDENTITY, mint

SLUG = "flight-delays"
BUCKET, PREDICTIONS = (f"{SLUG}-{kind}-123456789012" for kind in ("dvc", "predictions"))
# gcsfs asks over gRPC what kind of bucket it is, which the emulator does not speak
NO_GRPC = {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}


@dataclass(frozen=True)
class CloudRun:
    """One project of Google's, and how it is found."""

    google: Google
    storage: dict[str, str]
    settings: dict[str, str]
    variables: dict[str, str]

    @property
    def remote(self) -> dict[str, str]:
        return {"url": f"gs://{BUCKET}/dvc", "endpointurl": self.storage["STORAGE_EMULATOR_HOST"]}

    @property
    def log(self) -> str:
        return f"gs://{PREDICTIONS}"

    @property
    def tools(self) -> list[str]:
        return []

    def keys(self, github: GitHub) -> None:
        for name, email in self.emails().items():
            key = {"type": "service_account", "client_email": email, "private_key_id": "1"}
            key |= {"project_id": self.google.project}
            github.environments[name].secrets["GCP_CREDENTIALS"] = json.dumps(key)

    def trust(self, github: GitHub) -> None:
        google = self.google
        pool = f"locations/global/workloadIdentityPools/{SLUG}-github"
        numbered = f"projects/{google.number}/{pool}"
        google.resources.resources |= {
            f"/v1/projects/{google.project}/{pool}": {"state": "ACTIVE"},
            f"/v1/projects/{google.project}/{pool}/providers/github": {
                "state": "ACTIVE",
                "oidc": {"issuerUri": "https://token.actions.githubusercontent.com"},
                "attributeMapping": {
                    "google.subject": "assertion.repository_id + ':environment:' + assertion.environment"
                },
                "attributeCondition": f"assertion.repository_id == '{github.repository_id}'",
            },
        }
        for name, email in self.emails().items():
            github.environments[name].vars["GCP_SERVICE_ACCOUNT"] = email
            subject = f"{numbered}/subject/{github.repository_id}:environment:{name}"
            account = f"/v1/projects/{google.project}/serviceAccounts/{email}"
            google.resources.grant(
                account, "roles/iam.workloadIdentityUser", f"principal://iam.googleapis.com/{subject}"
            )
        github.vars["GCP_WORKLOAD_IDENTITY_PROVIDER"] = f"{numbered}/providers/github"

    def emails(self) -> dict[str, str]:
        """The account that works in each environment."""
        domain = f"{self.google.project}.iam.gserviceaccount.com"
        return {name: f"{SLUG}-{identity}@{domain}" for name, identity in IDENTITIES.items()}

    def ask(self, path: str, body: Any = None) -> Any:
        url = self.google.services[SLUG].addresses[""].url
        return ask(url + path, body, headers={IDENTITY: f"Bearer {mint(url)}"})


@contextmanager
def cloud_run(need: Need, folder: Path, registry: str, bare: bool = False) -> Iterator[CloudRun]:
    """Start Cloud Run and its neighbours, with a bucket and an API key, until the block ends.

    A `bare` one is as on a first day: bootstrap has to make everything.
    """
    need("gcloud", not (reason := cloud.why_not_here()), str(reason))
    folder.mkdir()
    with clouds.gcs(need, folder) as bucket, from_containers(bucket) as ambient:
        for name in (BUCKET, PREDICTIONS):
            make_bucket(bucket["STORAGE_EMULATOR_HOST"], name)
        google = Google()
        google.ambient = ambient
        if bare:
            google.first_day()
        else:
            google.resources.add_secret(f"{SLUG}-api-keys", KEY)
            google.set_up(SLUG)
        told = cloud.environment(google, folder / "gcloud") | {"STANDIN_GOOGLE": f"http://127.0.0.1:{google.port}"}
        del told["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"]  # each job signs in for itself
        variables = {"GCP_PROJECT": google.project, "GCP_REGION": google.region, "CLOUD_REGISTRY": registry}
        storage = bucket | NO_GRPC
        made = CloudRun(google, storage, storage | told, variables)
        with cloud.reachable(google):
            try:
                yield made
            finally:
                google.close()


def make_bucket(emulator: str, name: str = BUCKET) -> None:
    """Make a bucket in the emulator of Google Cloud Storage."""
    made = json.dumps({"name": name}).encode()
    where = f"{emulator}/storage/v1/b?project=demo-project"
    urllib.request.urlopen(urllib.request.Request(where, made, {"Content-Type": "application/json"}), timeout=60)
