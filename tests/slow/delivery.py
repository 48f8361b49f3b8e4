"""A project on a GitHub of its own, with the cloud it is shipped to: registry, bucket and Cloud Run, on loopback."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.slow import clouds
from tests.slow.baked import Project
from tests.slow.github import Environment, GitHub, Run
from tests.slow.google import cloud
from tests.slow.google.server import Google
from tests.slow.google.tokens import mint
from tests.slow.world import (
    keep_at,
    missing,
    no_known_vulnerability,
    open_registry,
    path_with_scanners,
    report,
    settings,
)

Need = Callable[[str, object, str], None]
SignIn = Callable[[GitHub, Google], None]

KEY = "a-key-of-the-service"
STORAGE = ("STORAGE_EMULATOR_HOST", "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT")  # with which the bucket is found
BUCKET = "flight-delays-dvc-123456789012"
IDENTITIES = {"reader": "reader", "trainer": "trainer", "staging": "deployer", "production": "deployer"}


@dataclass(frozen=True)
class Delivery:
    """A project on its GitHub, with the cloud that it is shipped to."""

    project: Project
    github: GitHub
    google: Google

    def answers(self, service: str = "flight-delays") -> dict[str, Any]:
        """What production answers to the example in its own documentation; it must."""
        url = self.google.services[service].addresses[""].url
        document = self.ask(f"{url}/openapi.json", url)
        example = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
        return self.ask(f"{url}/predict", url, example)

    def ask(self, address: str, audience: str, body: Any = None) -> dict[str, Any]:
        headers = {"X-Serverless-Authorization": f"Bearer {mint(audience)}", "Authorization": f"Bearer {KEY}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, headers | {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            told: dict[str, Any] = json.load(reply)
            return told

    def change(self, branch: str, file: str, old: str, new: str, title: str) -> int:
        """Propose a change of a file, on top of main; return the pull request's number."""
        self.project.run("git", "fetch", "--quiet", self.github.clone_url, "main")
        self.project.run("git", "checkout", "--quiet", "-B", branch, "FETCH_HEAD")
        self.project.replace(file, old, new)
        self.project.commit(title)
        self.github.push(self.project.folder, branch)
        return self.github.open_pull_request(branch, title)

    def release(self, number: int) -> Run:
        """Merge a pull request, and approve what cd has brought to staging; return cd's run."""
        self.github.merge(number)
        self.github.run_all()
        run = self.github.last("cd")
        self.approve(run)
        return run

    def train(self, message: str) -> None:
        """Train and judge here, and commit that with its objects in the bucket, as a data scientist does."""
        for verb in ("train", "gate", "push"):
            self.project.make(verb, settings={name: self.github.settings[name] for name in STORAGE})
        self.project.commit(message)

    def ship(self) -> Run:
        """Let cd take what main names as far as it goes, and approve it if it asks."""
        return self.follow(self.github.dispatch("cd"))

    def follow(self, run: Run) -> Run:
        """Let a run go as far as it does, and approve it if it asks; return it."""
        self.github.run_all()
        if run.approvals:
            self.approve(run)
        return run

    def approve(self, run: Run) -> None:
        """Approve a run that asks for it, and let it go on to its end."""
        assert run.approvals == ["approval"], report(run)
        self.github.approve(run)
        self.github.run_all()

    @property
    def live(self) -> str:
        """The commit that `production` is at."""
        return self.github.main.refs()["refs/heads/production"]


def keys(github: GitHub, google: Google) -> None:
    """Give each environment the key of its own identity."""
    for name, email in emails(google).items():
        key = {"type": "service_account", "client_email": email, "private_key_id": "1", "project_id": google.project}
        github.environments[name].secrets["GCP_CREDENTIALS"] = json.dumps(key)


def trust(github: GitHub, google: Google) -> None:
    """Let each environment sign in as its own identity by what GitHub says of it, without a key."""
    trusted: dict[str, list[str]] = {}
    for name, email in emails(google).items():
        trusted.setdefault(email, []).append(name)
        github.environments[name].vars["GCP_SERVICE_ACCOUNT"] = email
    pool = "locations/global/workloadIdentityPools/flight-delays-github/providers/github"
    github.vars["GCP_WORKLOAD_IDENTITY_PROVIDER"] = f"projects/{google.resources.number}/{pool}"
    github.settings["STANDIN_GOOGLE_TRUST"] = json.dumps(trusted)


def emails(google: Google) -> dict[str, str]:
    """The account that works in each environment."""
    domain = f"{google.project}.iam.gserviceaccount.com"
    return {name: f"flight-delays-{identity}@{domain}" for name, identity in IDENTITIES.items()}


@contextmanager
def delivered(project: Project, need: Need, folder: Path, sign_in: SignIn = keys) -> Iterator[Delivery]:
    """Give a committed project all that its workflows ask for, until the block ends."""
    need("registry", not missing(), f"{missing()} is not installed")
    need("gcloud", not (reason := cloud.why_not_here()), str(reason))
    with (
        open_registry(folder / "registry") as registry,
        no_known_vulnerability() as osv,
        clouds.gcs(need, folder) as bucket,
    ):
        make_bucket(bucket["STORAGE_EMULATOR_HOST"])
        keep_at(project, f"gs://{BUCKET}/dvc", endpointurl=bucket["STORAGE_EMULATOR_HOST"])
        project.commit("keep objects in the bucket")
        google = Google()
        google.resources.add_secret("flight-delays-api-keys", KEY)
        told = cloud.environment(google, folder / "gcloud")
        del told["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"]  # each job signs in for itself
        # gcsfs asks over gRPC what kind of bucket it is, which the emulator does not speak
        told["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
        world = settings(AUDIT_URL=osv, CANARY_PAUSE="0", **bucket, **told)
        with (
            cloud.reachable(google),
            GitHub(folder / "github", path=path_with_scanners(), settings=world, parallel=1) as github,
        ):
            environments(github)
            sign_in(github, google)
            google.tokens.identities |= set(emails(google).values())
            github.vars |= {"GCP_PROJECT": google.project, "GCP_REGION": google.region, "CLOUD_REGISTRY": registry}
            github.vars |= {"CANARY_SECONDS": "1"}
            try:
                yield Delivery(project, github, google)
            finally:
                google.close()


def make_bucket(emulator: str) -> None:
    """Make the bucket in Google Cloud Storage's emulator."""
    made = json.dumps({"name": BUCKET}).encode()
    where = f"{emulator}/storage/v1/b?project=demo-project"
    urllib.request.urlopen(urllib.request.Request(where, made, {"Content-Type": "application/json"}), timeout=60)


def environments(github: GitHub) -> None:
    """Make the environments as docs/cloud-run.md has them, and give those that ask the service its key."""
    for name, identity in IDENTITIES.items():
        secrets = {"SERVICE_API_KEYS": KEY} if identity == "deployer" else {}
        github.environments[name] = Environment(secrets=secrets, branches=["main"] if name == "production" else [])
    github.environments["approval"] = Environment(reviewers=True, branches=["main"])
