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

BUCKET, PREDICTIONS = (f"flight-delays-{kind}-123456789012" for kind in ("dvc", "predictions"))
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
        trusted: dict[str, list[str]] = {}
        for name, email in self.emails().items():
            trusted.setdefault(email, []).append(name)
            github.environments[name].vars["GCP_SERVICE_ACCOUNT"] = email
        pool = "locations/global/workloadIdentityPools/flight-delays-github/providers/github"
        github.vars["GCP_WORKLOAD_IDENTITY_PROVIDER"] = f"projects/{self.google.resources.number}/{pool}"
        github.settings["STANDIN_GOOGLE_TRUST"] = json.dumps(trusted)

    def emails(self) -> dict[str, str]:
        """The account that works in each environment."""
        domain = f"{self.google.project}.iam.gserviceaccount.com"
        return {name: f"flight-delays-{identity}@{domain}" for name, identity in IDENTITIES.items()}

    def ask(self, path: str, body: Any = None) -> Any:
        url = self.google.services["flight-delays"].addresses[""].url
        return ask(url + path, body, headers={IDENTITY: f"Bearer {mint(url)}"})


@contextmanager
def cloud_run(need: Need, folder: Path, registry: str) -> Iterator[CloudRun]:
    """Start Cloud Run and its neighbours, with a bucket and an API key, until the block ends."""
    need("gcloud", not (reason := cloud.why_not_here()), str(reason))
    folder.mkdir()
    with clouds.gcs(need, folder) as bucket, from_containers(bucket) as ambient:
        for name in (BUCKET, PREDICTIONS):
            make_bucket(bucket["STORAGE_EMULATOR_HOST"], name)
        google = Google()
        google.ambient = ambient
        google.resources.add_secret("flight-delays-api-keys", KEY)
        told = cloud.environment(google, folder / "gcloud")
        del told["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"]  # each job signs in for itself
        variables = {"GCP_PROJECT": google.project, "GCP_REGION": google.region, "CLOUD_REGISTRY": registry}
        storage = bucket | NO_GRPC
        made = CloudRun(google, storage, storage | told, variables)
        google.tokens.identities |= set(made.emails().values())
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
