"""What `cd4ml cloud bootstrap` makes in Google Cloud and on GitHub, with the real gcloud against a stand-in."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Bake
from tests.delivery.clouds import Need
from tests.delivery.google.rights import granted
from tests.delivery.google.site import Site, site_on_google

ONLY_MAIN = [
    "deployment_branch_policy[protected_branches]=false",
    "deployment_branch_policy[custom_branch_policies]=true",
    "name=main",
]


@pytest.fixture
def site(bake: Bake, need: Need, tmp_path: Path) -> Iterator[Site]:
    with site_on_google(bake, need, tmp_path) as site:
        yield site


def test_keys_go_to_github_and_a_second_run_changes_nothing(site: Site) -> None:
    said = site.run("bootstrap", "--set-secrets")

    assert site.roles() == {
        ("demo-deployer", "run.developer", "demo-project"),
        ("demo-deployer", "run.invoker", "demo-project"),
        ("demo-deployer", "monitoring.viewer", "demo-project"),
        ("demo-deployer", "artifactregistry.writer", "demo"),
        ("demo-deployer", "iam.serviceAccountUser", "demo-runtime@demo-project.iam.gserviceaccount.com"),
        (  # on itself: it asks the service questions in its own name
            "demo-deployer",
            "iam.serviceAccountOpenIdTokenCreator",
            "demo-deployer@demo-project.iam.gserviceaccount.com",
        ),
        ("demo-reader", "storage.objectViewer", "demo-dvc-123456789012"),
        ("demo-trainer", "storage.objectUser", "demo-dvc-123456789012"),
        ("demo-runtime", "storage.objectCreator", "demo-predictions-123456789012"),
        ("demo-trainer", "storage.objectViewer", "demo-predictions-123456789012"),
        ("demo-runtime", "secretmanager.secretAccessor", "demo-api-keys"),
    }
    assert set(granted("demo", "demo-project", "123456789012", "europe-west1")) == {
        (address, binding["role"], member)
        for address, policy in site.google.resources.policies.items()
        for binding in policy["bindings"]
        for member in binding["members"]
    }, "what the other tests release with"
    kept = site.google.resources.resources
    for kind in ("dvc", "predictions"):
        iam = kept[f"/b/demo-{kind}-123456789012"]["iamConfiguration"]
        assert iam["publicAccessPrevention"] == "enforced"
        assert iam["uniformBucketLevelAccess"]["enabled"]
    assert site.rules("predictions") == [{"action": {"type": "Delete"}, "condition": {"age": 90}}]
    assert site.rules("dvc") == []
    policies = kept["/v1/projects/demo-project/locations/europe-west1/repositories/demo"]["cleanupPolicies"]
    assert policies["keep-the-newest-20"]["mostRecentVersions"]["keepCount"] == 20

    secrets = site.github["secret"]
    assert set(secrets) == {"reader", "trainer", "staging", "production"}
    keys = {place: held["GCP_CREDENTIALS"] for place, held in secrets.items()}
    assert len(set(keys.values())) == 3
    assert keys["staging"] == keys["production"]
    for key in keys.values():
        assert "\n" not in key
        assert json.loads(key)["private_key"].startswith("secret of ")
    assert "secret of" not in said
    api_key = site.google.resources.secret_values()["demo-api-keys"]
    assert secrets["production"]["SERVICE_API_KEYS"] == api_key
    assert len(api_key) >= 32
    assert api_key not in said
    assert not [path for path in Path(site.settings["XDG_CONFIG_HOME"]).rglob("*") if path.is_file()]
    assert site.github["variable"]["repository"] == {"GCP_PROJECT": "demo-project", "GCP_REGION": "europe-west1"}
    environments = site.github["environments"]
    assert environments == {"reader": [], "trainer": []} | dict.fromkeys(
        ("staging", "approval", "production"), ONLY_MAIN
    )

    before = json.dumps([kept, site.github], sort_keys=True)
    site.google.writes.clear()
    said = site.run("bootstrap", "--set-secrets")
    assert "nothing was changed" in said
    assert not site.google.writes
    assert json.dumps([kept, site.github], sort_keys=True) == before

    said = site.run("bootstrap", PREDICTION_LOG_DAYS="30")
    assert "gs://demo-predictions-123456789012, for 30 days" in said
    assert site.rules("predictions")[0]["condition"] == {"age": 30}
    assert "for 30 days" in site.run("bootstrap")  # what was set stays
    assert len(site.run("bootstrap", PREDICTION_LOG_DAYS="a month", fails=True).splitlines()) == 1


def test_an_account_that_is_not_listed_yet_is_there(site: Site) -> None:
    site.google.resources.add_account("demo-reader")
    site.google.resources.delays.calls = 1
    site.google.resources.delays.made("demo-reader@demo-project.iam.gserviceaccount.com in lists")

    assert re.search(r"there +identity +demo-reader\n", site.run("bootstrap"))


@pytest.mark.drill
@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("off", "--remove-env-vars PREDICTION_LOG"),
        ("stdout", "--update-env-vars PREDICTION_LOG=stdout"),
        ("bucket", "--update-env-vars PREDICTION_LOG=gs://demo-predictions-123456789012/production"),
    ],
)
def test_a_deploy_says_where_the_predictions_go(site: Site, where: str, told: str) -> None:
    site.log_to(where)

    assert told in site.run("deploy", f"host/demo@sha256:{'0' * 64}", "production", "--dry-run")

    site.run("bootstrap", "--set-secrets")  # the workflow monitor reads the same
    told_to_monitor = site.github["variable"]["repository"].get("PREDICTION_LOG")
    assert told_to_monitor == ("gs://demo-predictions-123456789012/production" if where == "bucket" else None)


@pytest.mark.drill
def test_an_environment_that_was_there_is_closed_to_other_branches_and_keeps_its_reviewers(site: Site) -> None:
    reviewed = ["prevent_self_review=true", "reviewers[][type]=User", "reviewers[][id]=7"]
    before = {"environments": {"approval": reviewed, "staging": [], "reader": []}}
    Path(site.settings["GH_STATE"]).write_text(json.dumps(before))

    said = site.run("bootstrap", "--set-secrets")

    assert re.search(r"there +environment +reader\n", said)
    environments = site.github["environments"]
    assert environments["approval"] == [*ONLY_MAIN[:2], *reviewed, ONLY_MAIN[2]]
    assert environments["staging"] == ONLY_MAIN


@pytest.mark.drill
def test_a_dry_run_and_doctor_make_nothing_and_tell_everything(site: Site) -> None:
    said = site.run("bootstrap", "--dry-run", "--set-secrets", "--credentials", "oidc")
    assert not site.google.writes
    assert "gcloud iam workload-identity-pools create demo-github" in said
    lines = [line for line in said.splitlines() if line.startswith(("gcloud ", "gh "))]
    assert len(lines) > 30
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0, line
    site.google.resources.add_secret("demo-api-keys", "a-key")
    site.google.release("demo", f"127.0.0.1:1/none@sha256:{'0' * 64}", "demo-none")  # which never starts
    opened = {"etag": "BwX=", "bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}
    site.google.resources.policies["/v1/projects/demo-project/locations/europe-west1/services/demo"] = opened
    said = site.run("doctor", fails=True)
    assert "wrong    service           demo is open to anybody" in said
    assert "there    secret" in said
    assert "missing  bucket            gs://demo-dvc-123456789012" in said
    assert "missing  key               demo-deployer" in said
    assert "missing or wrong; what is missing: uv run cd4ml cloud bootstrap" in said
    assert not site.google.writes
    for arguments in (("--credentials", "keys"), ("--credentials",), ("--force",)):
        assert len(site.run("bootstrap", *arguments, fails=True).splitlines()) == 1


@pytest.mark.drill
def test_where_the_organisation_forbids_keys_oidc_is_offered_before_anything_is_made(site: Site) -> None:
    site.google.resources.forbids_keys = True
    said = site.run("bootstrap", fails=True)
    assert len(said.splitlines()) == 1
    assert "bootstrap --credentials oidc" in said
    assert not site.google.writes


@pytest.mark.drill
def test_api_keys_rotate_in_two_steps_and_none_is_printed(site: Site) -> None:
    site.google.resources.add_secret("demo-api-keys", "the-old-key")

    said = site.run("rotate", "api-keys")
    new, old = site.google.resources.secret_values()["demo-api-keys"].split(",")
    assert old == "the-old-key"
    said += site.run("rotate", "api-keys", "--finish")

    assert site.google.resources.secret_values()["demo-api-keys"] == new
    kept = site.google.resources.resources["/v1/projects/demo-project/secrets/demo-api-keys"]["versions"]
    assert kept == ["", "", new]
    assert new not in said
    assert "the-old-key" not in said
    assert "nothing to finish" in site.run("rotate", "api-keys", "--finish", fails=True)


@pytest.mark.drill
def test_keys_of_accounts_rotate_in_two_steps(site: Site) -> None:
    site.run("bootstrap", "--set-secrets")
    old = github_keys(site)

    site.run("rotate", "credentials", "--set-secrets")
    new = github_keys(site)
    assert not set(old.values()) & set(new.values())
    assert google_keys(site) == set(old.values()) | set(new.values())
    assert "has two keys already" in site.run("rotate", "credentials", fails=True)

    said = site.run("rotate", "credentials", "--finish")
    assert google_keys(site) == set(new.values())
    assert github_keys(site) == new
    assert "secret of" not in said


@pytest.mark.drill
def test_a_rotation_that_stopped_half_way_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run("bootstrap", "--set-secrets")
    old, handle = github_keys(site), site.google.handle

    def no_key_for_the_trainer(method: str, address: str, token: str | None, body: Any) -> tuple[int, Any]:
        if method == "POST" and re.search("/demo-trainer@[^/]+/keys", address):
            return 403, {"error": {"code": 403, "message": "no more keys", "status": "PERMISSION_DENIED"}}
        return handle(method, address, token, body)

    monkeypatch.setattr(site.google, "handle", no_key_for_the_trainer)
    assert "no new key for trainer" in site.run("rotate", "credentials", "--set-secrets", fails=True)
    assert github_keys(site) == old
    monkeypatch.undo()

    assert "GitHub may not know the new keys" in site.run("rotate", "credentials", "--finish", fails=True)
    site.run("rotate", "credentials", "--set-secrets")
    assert not set(old.values()) & set(github_keys(site).values())
    site.run("rotate", "credentials", "--finish")
    assert google_keys(site) == set(github_keys(site).values())


def github_keys(site: Site) -> dict[str, str]:
    """By environment, the number of the key that GitHub was given."""
    held = {place: json.loads(secrets["GCP_CREDENTIALS"]) for place, secrets in site.github["secret"].items()}
    return {place: key["private_key_id"] for place, key in held.items()}


def google_keys(site: Site) -> set[str]:
    """The numbers of the keys that Google takes."""
    return {path.rpartition("/keys/")[2] for path in site.google.resources.resources if "/keys/" in path}
