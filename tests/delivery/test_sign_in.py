"""What a project's own action `sign-in` does on Google Cloud, by its inputs; the deliveries show the other clouds'."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from tests.conftest import Bake
from tests.delivery.github import Run
from tests.delivery.small_workflows import CHECKOUT, job, run_of

ACCOUNT = "deployer@acme.iam.gserviceaccount.com"
POOL = "projects/1/locations/global/workloadIdentityPools/p"
HOST = "europe-west1-docker.pkg.dev"
CREDENTIALS = {
    "service-account": 'credentials_json: "${{ secrets.GCP_CREDENTIALS }}"',
    "oidc": f"workload_identity_provider: {POOL}, service_account: {ACCOUNT}",
}
REGISTRIES = {"service-account": "cloud", "oidc": "ghcr"}
WANTED = {
    "nothing": "",
    "gcloud": "gcloud: true",
    "registry": f"registry: {HOST}",
    "audience": "audience: https://service",
}
LOOKS = """
- run: |
    test -s "$GOOGLE_APPLICATION_CREDENTIALS" && echo "gcloud: $CLOUDSDK_METRICS_ENVIRONMENT"
    echo "token: $(echo "$TOKEN" | cut -d. -f2 | tr _- /+)"
    echo "docker: $(cat ~/.docker/config.json 2>/dev/null || echo '{"auths": {}}')"
  env: {TOKEN: "${{ steps.sign-in.outputs.id_token }}"}
"""


def steps(values: str, more: str) -> str:
    """Sign in, and look at what is there then."""
    given = ", ".join(filter(None, (values, more)))
    return f"""
- uses: {CHECKOUT}
  with: {{persist-credentials: false}}
- run: chmod +x bin/gcloud && echo "$PWD/bin" >> "$GITHUB_PATH"
- id: sign-in
  uses: ./.github/actions/sign-in
  with: {{{given}}}
{LOOKS}"""


@pytest.fixture(scope="module", params=CREDENTIALS)
def run(
    request: pytest.FixtureRequest, bake: Bake, need_runner: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """A run that signs in with each input."""
    project = bake(credentials=request.param, registry=REGISTRIES[request.param])
    actions = project.glob(".github/actions/*/action.yml")
    files = {str(path.relative_to(project)): path.read_text(encoding="utf-8") for path in actions}
    jobs = [
        job(steps(CREDENTIALS[request.param], more), name, "permissions: {contents: read, id-token: write}")
        for name, more in WANTED.items()
    ]
    secrets = {"GCP_CREDENTIALS": json.dumps({"client_email": ACCOUNT})}
    with run_of(jobs, tmp_path_factory.mktemp("run"), files={**files, "bin/gcloud": ""}, secrets=secrets) as run:
        yield run


def test_each_input_gets_what_it_asks_for_and_nothing_else(run: Run) -> None:
    found = {}
    for name, ended in run.jobs.items():
        assert ended.result == "success", ended.log
        gcloud, token, docker = (line.partition(": ")[2] for line in ended.steps[3].log.splitlines())
        found[name] = {
            "gcloud": bool(gcloud),
            "registry": list(json.loads(docker)["auths"]) == [HOST],
            "audience": bool(token) and json.loads(base64.b64decode(token + "=="))["aud"] == "https://service",
        }

    assert found == {name: {wanted: wanted == name for wanted in WANTED if wanted != "nothing"} for name in WANTED}
