"""From a push to production and back, executed: the real workflows, engine, registry, gcloud and service.

GitHub, Cloud Run and the bucket are stand-ins on the loopback. The project is the default one, shortened.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.slow import clouds
from tests.slow.baked import Project
from tests.slow.github import Environment, GitHub, Run
from tests.slow.google import cloud
from tests.slow.google.server import Google
from tests.slow.google.tokens import mint
from tests.slow.test_image import engine
from tests.slow.world import (
    ended_well,
    missing,
    no_known_vulnerability,
    open_registry,
    path_with_scanners,
    pushed,
    report,
    settings,
    shorten,
)

__all__ = ["engine"]

Need = Callable[[str, object, str], None]

KEY = "a-key-of-the-service"
HOSTILE = "it's worse; $(touch /tmp/cd4ml-was-here) `touch /tmp/cd4ml-was-here` ${{ github.token }}"
TITLE = f"More trees: {HOSTILE}"
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
        assert run.approvals == ["approval"], report(run)
        self.github.approve(run)
        self.github.run_all()
        return run

    @property
    def live(self) -> str:
        """The commit that `production` is at."""
        return self.github.main.refs()["refs/heads/production"]


@pytest.fixture
def delivery(bake: Bake, need: Need, need_runner: None, engine: None, uv: str, tmp_path: Path) -> Iterator[Delivery]:
    need("registry", not missing(), f"{missing()} is not installed")
    need("gcloud", not (reason := cloud.why_not_here()), str(reason))
    project = Project(bake(into=tmp_path / "baked", github_owner="acme"))
    shorten(project)
    with (
        open_registry(tmp_path / "registry") as registry,
        no_known_vulnerability() as osv,
        clouds.gcs(need, tmp_path) as bucket,
    ):
        keep_in_bucket(project, bucket["STORAGE_EMULATOR_HOST"])
        project.commit("as generated")
        google = Google()
        google.resources.add_secret("flight-delays-api-keys", KEY)
        told = cloud.environment(google, tmp_path / "gcloud")
        del told["CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"]  # each job signs in for itself
        # gcsfs asks over gRPC what kind of bucket it is, which the emulator does not speak
        told["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
        world = settings(AUDIT_URL=osv, CANARY_PAUSE="0", **bucket, **told)
        with (
            cloud.reachable(google),
            GitHub(tmp_path / "github", path=path_with_scanners(), settings=world, parallel=1) as github,
        ):
            sign_in(github, google)
            github.vars |= {"GCP_PROJECT": google.project, "GCP_REGION": google.region, "CLOUD_REGISTRY": registry}
            github.vars |= {"CANARY_SECONDS": "1"}
            try:
                yield Delivery(project, github, google)
            finally:
                google.close()


def keep_in_bucket(project: Project, emulator: str) -> None:
    """Let the DVC remote be a bucket, made now, of Google Cloud Storage's emulator."""
    made = json.dumps({"name": BUCKET}).encode()
    where = f"{emulator}/storage/v1/b?project=demo-project"
    urllib.request.urlopen(urllib.request.Request(where, made, {"Content-Type": "application/json"}), timeout=60)
    text = (project.folder / ".dvc/config").read_text()
    storage = {"url": f"gs://{BUCKET}/dvc", "endpointurl": emulator}
    lines = [f"    {name} = {value}" for name, value in storage.items()]
    named = text.replace("[core]\n", "[core]\n    remote = storage\n")
    (project.folder / ".dvc/config").write_text("\n".join([named.rstrip(), "['remote \"storage\"']", *lines, ""]))


def sign_in(github: GitHub, google: Google) -> None:
    """Give each environment the key of its own identity."""
    for name, identity in IDENTITIES.items():
        email = f"flight-delays-{identity}@{google.project}.iam.gserviceaccount.com"
        key = {"type": "service_account", "client_email": email, "private_key_id": "1", "project_id": google.project}
        secrets = {"GCP_CREDENTIALS": json.dumps(key), "SERVICE_API_KEYS": KEY}
        if identity != "deployer":
            del secrets["SERVICE_API_KEYS"]
        github.environments[name] = Environment(secrets=secrets, branches=["main"] if name == "production" else [])
        google.tokens.identities.add(email)
    github.environments["approval"] = Environment(reviewers=True, branches=["main"])


def test_from_the_first_push_to_production_and_back(delivery: Delivery) -> None:
    github = delivery.github
    ended_well(pushed(github, delivery.project), "ci", "cd", "ct", "ci")
    (first,) = github.pulls

    run = delivery.release(first)
    ended_well([run], "cd")
    assert set(run.results.values()) == {"success"}, report(run)
    began = delivery.answers()
    assert began["version"] == run.jobs["look"].outputs["version"]
    assert delivery.live == run.event.sha
    (release,) = github.releases
    assert release["tag_name"] == f"model-{began['version']}"

    second = delivery.change("trees", "params.yaml", "iterations: 10", "iterations: 30", TITLE)
    (refused,) = github.run_all()
    assert "dvc.lock is stale" in refused.jobs["model"].log
    assert refused.results == {
        "code": "success", "safety": "success", "model": "failure", "comment": "success", "ci": "failure",
    }, report(refused)  # fmt: skip
    github.label(second, "train")
    ended_well(github.run_all(), "ct", "ci")
    assert len(github.comments_on(second)) == 1
    run = delivery.release(second)
    ended_well([run], "cd")
    assert "10 %" in run.jobs["production"].log
    later = delivery.answers()
    assert later["version"] != began["version"]
    assert delivery.live == run.event.sha

    github.dispatch("rollback.yml", {"release": release["tag_name"], "reason": HOSTILE})
    ended_well(github.run_all(), "rollback")
    again = delivery.answers()
    assert again == began | {"request_id": again["request_id"]}
    held = [name for name in github.main.refs() if name.startswith("refs/heads/held/")]
    assert held == [f"refs/heads/held/{later['version'].rpartition('.')[2]}"]

    delivery.project.run("git", "fetch", "--quiet", github.clone_url, "main")
    delivery.project.run("git", "checkout", "--quiet", "-B", "main", "FETCH_HEAD")
    delivery.project.replace("README.md", "## How it works", "## How this works")
    delivery.project.commit("a push after the rollback")
    ended_well(pushed(github, delivery.project), "ci", "cd")
    assert github.last("cd").results["build"] == "skipped"
    assert delivery.answers()["version"] == began["version"]
    assert not Path("/tmp/cd4ml-was-here").exists()
