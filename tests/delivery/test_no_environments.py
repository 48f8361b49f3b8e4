"""A private repository on GitHub Free has no environments: bootstrap works with one identity, and says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.aws.cloud import Moto
from tests.delivery.aws.site import SLUG, site_on_aws
from tests.delivery.aws.site import Site as AwsSite
from tests.delivery.azure.site import Site as AzureSite
from tests.delivery.azure.site import site_on_azure
from tests.delivery.clouds import Need
from tests.delivery.google.services import RefusedError
from tests.delivery.google.site import Site, site_on_google
from tests.delivery.stand_ins.script import SettingUp
from tests.delivery.test_cloud_run_trust import TOKEN, may_sign_in

ALOUD = (
    "GitHub has no environments for this private repository (plan Free). So one identity, the deployer, works for all"
)
DEPLOYER = "demo-deployer@demo-project.iam.gserviceaccount.com"


def on_free(site: SettingUp) -> None:
    Path(site.settings["GH_STATE"]).write_text(json.dumps({"plan": "free"}))


@pytest.fixture
def google(bake: Bake, need: Need, tmp_path: Path) -> Iterator[Site]:
    with site_on_google(bake, need, tmp_path) as site:
        on_free(site)
        yield site


@pytest.fixture
def azure(bake: Bake, need: Need, tmp_path: Path) -> Iterator[AzureSite]:
    with site_on_azure(bake, need, tmp_path) as site:
        on_free(site)
        yield site


@pytest.fixture
def amazon(bake: Bake, moto_server: Moto, tmp_path: Path) -> Iterator[AwsSite]:
    with site_on_aws(bake, moto_server, tmp_path) as site:
        on_free(site)
        yield site


def test_on_google_one_key_is_a_secret_of_the_repository(google: Site) -> None:
    said = google.run("bootstrap", "--set-secrets")

    assert ALOUD in said
    assert "who approves" not in said
    assert set(google.github["secret"]) == {"repository"}
    assert set(google.github["secret"]["repository"]) == {"GCP_CREDENTIALS", "SERVICE_API_KEYS"}
    assert not google.github.get("environments")
    assert {who for who, _, _ in google.roles()} == {"demo-deployer", "demo-runtime"}
    held = {(role, place) for who, role, place in google.roles() if who == "demo-deployer"}
    assert held >= {
        ("storage.objectUser", "demo-dvc-123456789012"),
        ("storage.objectViewer", "demo-predictions-123456789012"),
        ("run.developer", "demo-project"),
    }
    keys = [path for path in google.google.resources.resources if "/keys/" in path]
    assert len(keys) == 1
    assert "nothing was changed" in google.run("bootstrap", "--set-secrets")


@pytest.mark.drill
def test_on_google_without_a_key_only_the_default_branch_is_trusted(google: Site) -> None:
    google.run("bootstrap", "--credentials", "oidc", "--set-secrets")

    assert google.github["variable"]["repository"]["GCP_SERVICE_ACCOUNT"] == DEPLOYER
    assert may_sign_in(google, DEPLOYER, TOKEN)
    for ref in ("refs/heads/other", "refs/pull/7/merge"):
        assert not may_sign_in(google, DEPLOYER, TOKEN | {"ref": ref})
    with pytest.raises(RefusedError):
        may_sign_in(google, DEPLOYER, TOKEN | {"repository_id": "7"})


@pytest.mark.drill
def test_on_azure_one_key_is_a_secret_of_the_repository(azure: AzureSite) -> None:
    said = azure.run("bootstrap", "--set-secrets")

    assert ALOUD in said
    assert set(azure.github["secret"]) == {"repository"}
    assert set(azure.github["secret"]["repository"]) == {"AZURE_CLIENT_SECRET", "SERVICE_API_KEYS"}
    assert azure.github["variable"]["repository"]["AZURE_CLIENT_ID"] == azure.app("deployer")["appId"]
    assert len(azure.azure.entra.apps) == 1
    held = {(role, place) for who, role, place in azure.roles() if who == "deployer"}
    assert held >= {
        ("Storage Blob Data Contributor", "dvc"),
        ("Storage Blob Data Reader", "predictions"),
        ("demo deploys SUM", "demo"),
    }

    azure.run("bootstrap", "--credentials", "oidc", "--set-secrets")
    (trust,) = azure.app("deployer")["trusts"]
    assert trust["subject"] == "repo:acme@815/flight-delays@4711:ref:refs/heads/main"


@pytest.mark.drill
def test_on_aws_one_user_has_what_three_have_elsewhere_and_destroy_removes_it_all(amazon: AwsSite) -> None:
    nothing = amazon.everything()

    said = amazon.run("bootstrap", "--set-secrets")

    assert ALOUD in said
    assert amazon.names("users") == {"demo-deployer"}
    assert amazon.attached("demo-deployer") == {"demo-deployer", "demo-reader", "demo-trainer"}
    assert "AWS_ACCESS_KEY_ID" in amazon.github["secret"]["repository"]
    assert "nothing was changed" in amazon.run("bootstrap", "--set-secrets")

    amazon.run("destroy", "--yes", SLUG)
    assert amazon.everything() == nothing
