"""What `cd4ml cloud bootstrap` makes in Azure and on GitHub, with the real az against a stand-in."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.azure import cloud
from tests.delivery.azure.rights import OUR_ROLES, granted
from tests.delivery.azure.shop import described
from tests.delivery.azure.site import SLUG, Site, site_on_azure
from tests.delivery.clouds import Need


@pytest.fixture
def site(bake: Bake, need: Need, tmp_path: Path) -> Iterator[Site]:
    with site_on_azure(bake, need, tmp_path) as site:
        yield site


@pytest.mark.drill
def test_keys_go_to_github_and_a_second_run_changes_nothing(site: Site) -> None:
    said = site.run("bootstrap", "--set-secrets")
    assert not site.azure.unknown

    assert site.roles() == {
        ("deployer", "demo deploys SUM", "demo"),
        ("deployer", "AcrPush", "demoSUM"),
        ("runtime", "AcrPull", "demoSUM"),
        ("deployer", "Managed Identity Operator", "demo-runtime-SUM"),
        ("deployer", "Reader and Data Access", "democertSUM"),
        ("reader", "Storage Blob Data Reader", "dvc"),
        ("trainer", "Storage Blob Data Contributor", "dvc"),
        ("runtime", "demo adds SUM", "predictions"),
        ("trainer", "Storage Blob Data Reader", "predictions"),
    }
    named = {
        (who, role, scope.rsplit("/", 1)[1])
        for who, role, scope in granted(cloud.group_address(site.azure), SLUG, site.total)
    }
    assert site.roles() == {tuple(word.replace(site.total, "SUM") for word in one) for one in named}
    ours = {
        kept["properties"]["roleName"]: kept["properties"]["permissions"][0]
        for path, kept in site.azure.resources.kept.items()
        if "/roledefinitions/" in path and SLUG in kept["properties"]["roleName"]
    }
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    adds = ours[f"demo adds {site.total}"]
    assert (adds["actions"], adds["dataActions"]) == ([], [f"{blobs}/add/action"])
    assert not [action for action in ours[f"demo deploys {site.total}"]["actions"] if "exec" in action or "*" in action]
    for kind, (actions, data) in OUR_ROLES.items():
        role = ours[f"demo {kind} {site.total}"]
        assert (set(role["actions"]), role["dataActions"]) == (set(actions), data), "what the other tests release with"

    for kind, by_key in (("data", False), ("cert", True)):
        account = site.kept("Microsoft.Storage/storageAccounts", f"demo{kind}{site.total}")
        assert account["allowBlobPublicAccess"] is False
        assert account["allowSharedKeyAccess"] is by_key
        assert account["minimumTlsVersion"] == "TLS1_2"
        assert account["supportsHttpsTrafficOnly"] is True
    assert site.days_kept() == 90
    assert site.kept("Microsoft.ContainerRegistry/registries", f"demo{site.total}")["adminUserEnabled"] is False
    assert re.fullmatch(r"library/caddy@sha256:[0-9a-f]{64}", site.azure.resources.imported[0]["source"]["sourceImage"])

    secrets = site.github["secret"]
    assert set(secrets) == {"reader", "trainer", "staging", "production"}
    keys = {place: held["AZURE_CLIENT_SECRET"] for place, held in secrets.items()}
    assert len(set(keys.values())) == 3
    assert keys["staging"] == keys["production"]
    assert "secret of" not in said
    api_key = (site.keys / "service/SERVICE_API_KEYS").read_text().strip()
    assert secrets["production"]["SERVICE_API_KEYS"] == api_key
    assert len(api_key) >= 32
    assert api_key not in said
    files = [path for path in site.keys.rglob("*") if path.is_file()]
    assert files == [site.keys / "service/SERVICE_API_KEYS"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert site.github["variable"]["repository"] == {
        "AZURE_TENANT_ID": site.azure.tenant, "AZURE_SUBSCRIPTION_ID": site.azure.subscription,
        "AZURE_LOCATION": "westeurope", "AZURE_RESOURCE_GROUP": "demo",
        "AZURE_REGISTRY": f"demo{site.total}.azurecr.io",
    }  # fmt: skip
    assert site.github["variable"]["trainer"] == {"AZURE_CLIENT_ID": site.app("trainer")["appId"]}
    assert site.github["variable"]["production"] == {"AZURE_CLIENT_ID": site.app("deployer")["appId"]}

    before = site.state()
    site.azure.writes.clear()
    said = site.run("bootstrap", "--set-secrets")
    assert "nothing was changed" in said
    assert not site.azure.writes
    assert site.state() == before

    assert "for 30 days" in site.run("bootstrap", PREDICTION_LOG_DAYS="30")
    assert "for 30 days" in site.run("bootstrap")  # what was set stays
    assert site.days_kept() == 30


@pytest.mark.drill
def test_a_run_at_once_makes_nothing_twice_though_graph_lists_nothing_yet(site: Site) -> None:
    entra = site.azure.entra
    older = entra.graph("POST", "/applications", {}, {"displayName": f"demo-trainer-{site.total}"})
    assert older is not None, "as earlier versions have made it, by its name alone"
    site.run("bootstrap")
    entra.delays.calls = 2
    for number in {*entra.apps, *entra.principals} - {older["id"]}:
        entra.delays.made(number)
        entra.delays.made(f"{number} in lists", 99)
    before = site.state()
    site.azure.writes.clear()

    said = site.run("bootstrap")

    assert f"there    identity          demo-reader-{site.total}" in said
    assert f"there    its principal     demo-reader-{site.total}" in said
    assert "everything was there; nothing was changed" in said
    assert site.state() == before
    assert len(entra.apps) == 3
    assert "uniqueName" not in older
    asked = [path for method, path in site.azure.writes if method == "PATCH"]
    assert len(asked) == 2, "Graph was asked to make what its lists do not have"

    site.azure.entra.delays.reset()
    site.run("destroy", "--yes", SLUG)
    site.run("bootstrap")  # though Graph keeps the names of what was deleted
    assert len(entra.apps) == 3


@pytest.mark.drill
@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("off", []),
        ("stdout", ["PREDICTION_LOG, value: 'stdout'"]),
        ("bucket", ["PREDICTION_LOG, value: 'az://predictions/production'", "AZURE_STORAGE_ACCOUNT_NAME", "CLIENT_ID"]),
    ],
)
def test_a_deploy_says_where_the_predictions_go(site: Site, where: str, told: list[str]) -> None:
    site.run("bootstrap")
    site.log_to(where)

    said = site.run("deploy", f"host/demo@sha256:{'0' * 64}", "production", "--dry-run")

    settings = [line for line in said.splitlines() if "PREDICTION" in line or "AZURE_" in line]
    assert len(settings) == len(told)
    for line, expected in zip(settings, told, strict=True):
        assert expected in line

    site.run("bootstrap", "--set-secrets")  # the workflow monitor reads the same, and has to be told the account
    told_to_monitor = site.github["variable"]["repository"].get("PREDICTION_LOG", "")
    account = r"abfss://predictions@demo[a-z0-9]+\.dfs\.core\.windows\.net/production"
    assert re.fullmatch(account if where == "bucket" else "", told_to_monitor)


@pytest.mark.drill
def test_oidc_trusts_numbers_and_environments_and_destroy_removes_it_all(site: Site) -> None:
    others = set(site.azure.resources.kept)
    group = cloud.group_address(site.azure)
    registry = f"{group}/providers/Microsoft.ContainerRegistry/registries/demo{site.total}"
    site.azure.resources.put(group, {"tags": {"made-by": "cd4ml"}})
    site.azure.resources.put(registry, {"tags": {"paid-by": "4711"}, "sku": {"name": "Basic", "tier": "Basic"}})
    widened(site)

    said = site.run("bootstrap", "--credentials", "oidc", "--set-secrets")

    assert f"made     role of ours      demo deploys {site.total}, as it should be again" in said
    assert "*" not in site.azure.resources.kept[ROLE.format(group).lower()]["properties"]["permissions"][0]["actions"]
    assert set(site.azure.resources.kept[registry.lower()]["tags"]) == {"paid-by", "caddy"}
    assert f'--role "Storage Blob Data Contributor" --scope {group}/providers/Microsoft.Storage/' in said

    subject = "repo:acme@815/flight-delays@4711:environment"
    trusted = {
        (who, trust["issuer"], trust["subject"], *trust["audiences"])
        for who in ("reader", "trainer", "deployer")
        for trust in site.app(who)["trusts"]
    }
    issuer, audience = "https://token.actions.githubusercontent.com", "api://AzureADTokenExchange"
    assert trusted == {
        ("reader", issuer, f"{subject}:reader", audience), ("trainer", issuer, f"{subject}:trainer", audience),
        ("deployer", issuer, f"{subject}:staging", audience), ("deployer", issuer, f"{subject}:production", audience),
    }  # fmt: skip
    assert not any(app["passwordCredentials"] for app in site.azure.entra.apps.values())
    assert not any("AZURE_CLIENT_SECRET" in held for held in site.github["secret"].values())

    assert "nothing was removed" in site.run("destroy", "--yes", "another", fails=True)
    site.run("destroy", "--yes", SLUG)
    assert set(site.azure.resources.kept) == others
    gone = [path for method, path in site.azure.writes if method == "DELETE" and "/roleDefinitions/" in path]
    assert len(gone) == 2, "roles of ours do not wait for the resource group to go"
    assert not site.azure.entra.apps
    assert not site.keys.exists()
    assert not site.azure.resources.roles()


@pytest.mark.drill
def test_a_resource_group_that_was_there_before_stays(site: Site) -> None:
    site.azure.resources.put(cloud.group_address(site.azure))
    site.run("destroy", "--yes", SLUG)
    assert cloud.group_address(site.azure).lower() in site.azure.resources.kept


@pytest.mark.drill
@pytest.mark.parametrize(
    ("verb", "address"), [("doctor", "/applications"), ("destroy", "/applications"), ("destroy", "/resources")]
)
def test_what_cannot_be_looked_at_is_not_taken_for_gone(site: Site, verb: str, address: str) -> None:
    group = cloud.group_address(site.azure)
    site.azure.resources.put(group, {"tags": {"made-by": "cd4ml"}})
    site.azure.unreadable = address
    said = site.run(verb, *(("--yes", SLUG) if verb == "destroy" else ()), fails=True)
    if verb == "doctor":  # which goes on where something cannot be read
        assert re.search(r"^  wrong    identity +Azure cannot be asked", said, re.MULTILINE)
        assert "missing or wrong" in said.splitlines()[-1]
    else:
        assert "Azure cannot be asked" in said.splitlines()[-1]
    assert "missing  identity          demo-reader" not in said
    assert group.lower() in site.azure.resources.kept


@pytest.mark.drill
def test_a_dry_run_and_doctor_make_nothing_and_tell_everything(site: Site) -> None:
    said = site.run("bootstrap", "--dry-run", "--set-secrets", "--credentials", "oidc")
    assert not site.azure.writes
    assert "/federatedIdentityCredentials" in said
    lines = [line for line in said.splitlines() if line.startswith(("az ", "gh "))]
    assert len(lines) > 30
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0, line
    assert not site.keys.exists()
    assert "demo-staging: not there yet" in site.run("status"), "nor is the resource group"

    site.azure.resources.put(cloud.group_address(site.azure))
    widened(site)
    account = f"demodata{site.total}"
    site.azure.resources.put(f"{cloud.group_address(site.azure)}/providers/Microsoft.Storage/storageAccounts/{account}")
    opened = described(site.azure, "demo", f"127.0.0.1:1/none@sha256:{'0' * 64}")
    opened["properties"]["ipAddress"]["ports"].append({"protocol": "TCP", "port": 8000})
    keyless = described(site.azure, "demo-staging", f"127.0.0.1:1/none@sha256:{'0' * 64}")
    keyless["properties"]["containers"][0]["properties"]["environmentVariables"] = []
    site.azure.show_only("demo", opened | {"tags": {"step": "served", "revision": "demo-one"}})
    site.azure.show_only("demo-staging", keyless | {"tags": {"step": "served", "revision": "demo-one"}})
    said = site.run("doctor", fails=True)
    assert "wrong    service           demo answers on port 443, 80, 8000" in said
    assert "wrong    service           demo-staging is open to anybody" in said
    assert f"wrong    storage           {account} is not closed to the public" in said
    assert f"wrong    role of ours      demo deploys {site.total} allows other actions than it should" in said
    assert f"missing  role of ours      demo adds {site.total}" in said
    assert "missing  container         dvc in demodata" in said
    assert f"missing  key               demo-deployer-{site.total}" in said
    assert "missing or wrong; what is missing: uv run cd4ml cloud bootstrap" in said
    assert not site.azure.writes
    for arguments in (("--credentials", "keys"), ("--credentials",), ("--force",)):
        assert len(site.run("bootstrap", *arguments, fails=True).splitlines()) == 1

    said = site.run("bootstrap", "--dry-run")
    assert "\n# wrong    API keys          are not on this machine, though demo has some: " in said


@pytest.mark.drill
def test_where_the_organisation_forbids_keys_oidc_is_offered_before_anything_is_made(site: Site) -> None:
    site.azure.entra.forbids_keys = True
    said = site.run("bootstrap", fails=True)
    assert len(said.splitlines()) == 1
    assert "bootstrap --credentials oidc" in said
    assert not site.azure.writes


@pytest.mark.drill
def test_api_keys_rotate_in_two_steps_and_none_is_printed(site: Site) -> None:
    file = site.keys / "service/SERVICE_API_KEYS"
    file.parent.mkdir(parents=True)
    file.write_text("the-old-key\n")

    said = site.run("rotate", "api-keys")
    new, old = file.read_text().strip().split(",")
    assert old == "the-old-key"
    said += site.run("rotate", "api-keys", "--finish")

    assert file.read_text() == f"{new}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert new not in said
    assert "the-old-key" not in said
    assert "nothing to finish" in site.run("rotate", "api-keys", "--finish", fails=True)
    assert "unset SERVICE_API_KEYS first" in site.run("rotate", "api-keys", fails=True, SERVICE_API_KEYS="a,b")
    assert file.read_text() == f"{new}\n"


@pytest.mark.drill
def test_keys_of_accounts_rotate_in_two_steps(site: Site) -> None:
    site.run("bootstrap", "--set-secrets")
    old = github_keys(site)

    site.run("rotate", "credentials", "--set-secrets")
    new = github_keys(site)
    assert not set(old.values()) & set(new.values())
    assert azure_keys(site) == set(old.values()) | set(new.values())
    assert "has two keys already" in site.run("rotate", "credentials", fails=True)

    said = site.run("rotate", "credentials", "--finish")
    assert azure_keys(site) == set(new.values())
    assert github_keys(site) == new
    assert "secret of" not in said
    app = site.app("reader")
    app["passwordCredentials"][0]["startDateTime"] = "2020-01-01T00:00:00Z"
    assert f"old      key               demo-reader-{site.total} is older than 90 days" in site.run("doctor")


ROLE = "{}/providers/Microsoft.Authorization/roleDefinitions/00004711-0000-0000-0000-000000000000"


def widened(site: Site) -> None:
    """Let the role of whoever deploys be there, with rights to everything."""
    body = {"roleName": f"demo deploys {site.total}", "permissions": [{"actions": ["*"], "dataActions": []}]}
    site.azure.resources.put(ROLE.format(cloud.group_address(site.azure)), {"properties": body})


def github_keys(site: Site) -> dict[str, str]:
    """By environment, the number of the key that GitHub was given."""
    secrets = site.github["secret"]
    return {place: site.azure.entra.number_of(held["AZURE_CLIENT_SECRET"]) for place, held in secrets.items()}


def azure_keys(site: Site) -> set[str]:
    """The numbers of the keys that Azure takes."""
    return {key["keyId"] for app in site.azure.entra.apps.values() for key in app["passwordCredentials"]}
