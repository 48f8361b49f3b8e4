"""`bootstrap` and `doctor` on Container Instances, without a process: nothing is made twice, a stopped run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import pytest
from azure_in_memory import GROUP, Azure
from cd4ml.deploy.aci.apps import forbids_keys
from github_in_memory import Json
from setting_up import killed_at, run

KEYS = Path("config/demo-keys/service/SERVICE_API_KEYS")
TABLE = [
    "subscription", *["provider"] * 4, "resource group", "registry", "image", "storage", "storage", "container",
    "container", "retention", "share", "identity", *["identity", "its principal"] * 3, *["role of ours"] * 2,
    *["role"] * 9, "API keys",
]  # fmt: skip
SUM = "ec2f81b0"


def settled(state: Json) -> Json:
    """What is kept, without the numbers and secrets that differ from run to run."""
    kept = deepcopy(state)
    apps = {app["displayName"]: [len(app["keys"]), sorted(one["subject"] for one in app["trusts"])]
            for app in kept["apps"].values()}  # fmt: skip
    for name in ("number", "apps", "principals", "assigned", "made", "variables"):
        kept[name] = {} if name != "made" else sorted(kept[name])
    roles = sorted([one["scope"], one["roleDefinitionName"]] for one in state["assigned"])
    secrets = {place: sorted(held) for place, held in kept.pop("github").items()}
    return kept | {"apps": apps, "roles assigned": roles, "github": secrets, "principals": len(state["principals"])}


def key_of(azure: Azure, who: str) -> str:
    """The alternate key of an app."""
    runtime = azure.state["made"][f"identity demo-runtime-{SUM}"]["principalId"]
    return f"demo-{who}-{SUM}-{runtime[:8]}"


def rows(said: str) -> list[tuple[str, str]]:
    """The states and kinds of a table's rows."""
    lines = [line for line in said.splitlines() if line.startswith("  ")]
    return [(line[2:11].strip(), line[11:29].strip()) for line in lines]


@pytest.mark.parametrize(
    "words", [("--set-secrets",), ("--credentials", "oidc", "--set-secrets")], ids=["keys", "oidc"]
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_bootstrap_that_was_stopped_at_any_write_is_completed_by_the_next(words: Sequence[str], moment: str) -> None:
    whole = Azure()
    assert "failed" not in run(whole, "bootstrap", *words)

    for number in range(1, len(whole.writes) + 1):
        shutil.rmtree("config", ignore_errors=True)
        stopped = Azure()
        assert killed_at(stopped, (number, moment), "bootstrap", *words)

        again = Azure(stopped.state)
        again.lists_lag = True  # it is run again at once
        said = run(again, "bootstrap", *words)

        write = whole.writes[number - 1]
        is_key = write[1] == "rest" and write[5].endswith("/addPassword") and moment == "after"
        assert "failed" not in said, (write, said)
        if not is_key:  # which nobody can read again
            assert settled(stopped.state) == settled(whole.state), write
            last = Azure(stopped.state)
            assert "everything was there; nothing was changed" in run(last, "bootstrap", *words)
            assert not last.writes


def test_the_table_is_in_the_order_in_which_one_needs_the_other() -> None:
    said = run(azure := Azure(), "bootstrap")

    made = [("there", "subscription"), *(("made", kind) for kind in TABLE[1:])]
    assert rows(said) == [*made, *[("made", "key")] * 3]
    app = azure.state["apps"][next(number for number, app in azure.state["apps"].items() if "reader" in str(app))]
    for line in (
        "gh variable set AZURE_LOCATION --body westeurope",
        f"gh variable set AZURE_CLIENT_ID --env reader --body {app['appId']}",
        f"cat {KEYS} | gh secret set SERVICE_API_KEYS --env staging",
        f"the key to ask the service with: cat {KEYS}",
    ):
        assert f"\n{line}\n" in said, line
    account = f"uv run dvc remote modify storage account_name demodata{SUM}"
    assert f"next: uv run dvc remote add --default storage azure://dvc, {account}, git commit" in said
    assert rows(run(Azure(azure.state), "doctor"))[: len(TABLE)] == [("there", kind) for kind in TABLE]


def test_what_lists_lack_is_not_made_twice_and_what_earlier_versions_made_is_kept() -> None:
    run(azure := Azure(), "bootstrap")
    (older,) = (app for app in azure.state["apps"].values() if "reader" in app["displayName"])
    del older["uniqueName"]  # earlier versions gave an app its display name alone
    before = deepcopy(azure.state)

    again = Azure(azure.state)
    assert "everything was there; nothing was changed" in run(again, "bootstrap")
    assert not again.writes
    assert azure.state == before

    older["uniqueName"] = key_of(azure, "reader")
    at_once = Azure(azure.state)
    at_once.lists_lag = True
    at_once.unknown = {app["uniqueName"]: 2 for app in azure.state["apps"].values()}
    at_once.unknown |= dict.fromkeys(azure.state["principals"], 2)
    said = run(at_once, "bootstrap")

    assert "failed" not in said
    assert said.count("waiting, as this passes: ERROR: Bad Request(") == 6
    assert f"  there    identity          demo-reader-{SUM}\n" in said
    assert f"  there    its principal     demo-reader-{SUM}\n" in said
    assert settled(azure.state) == settled(before)


def test_after_destroy_apps_have_other_keys_as_graph_keeps_those_of_the_deleted() -> None:
    run(azure := Azure(), "bootstrap")
    run(Azure(azure.state), "destroy", "--yes", "demo")
    assert len(azure.state["kept_names"]) == 3

    said = run(Azure(azure.state), "bootstrap")

    assert "failed" not in said, said
    assert len(azure.state["apps"]) == 3


def test_an_app_that_was_deleted_by_hand_is_named_where_its_key_is_kept() -> None:
    run(azure := Azure(), "bootstrap")
    azure.state["kept_names"] = [app["uniqueName"] for app in azure.state["apps"].values()]
    azure.state["apps"] = {}

    said = run(Azure(azure.state, INSIST_PATIENCE="0"), "bootstrap")

    assert f"failed: identity demo-reader-{SUM} cannot be read: for 0 s: ERROR: Bad Request(" in said
    assert "restore that first, or delete it for good" in said
    assert not azure.state["apps"]


def test_what_was_just_made_is_waited_for_and_no_longer_than_the_bound() -> None:
    run(whole := Azure(), "bootstrap")
    runtime = whole.state["made"][f"identity demo-runtime-{SUM}"]["principalId"]

    def delayed(**settings: str) -> Azure:
        azure = Azure(**settings)
        azure.unknown = {key_of(whole, "reader"): 3, runtime: 2}
        return azure

    said = run(delayed(), "bootstrap")
    assert "failed" not in said
    assert said.count("waiting, as this passes") == 2

    said = run(stopped := delayed(INSIST_PATIENCE="0"), "bootstrap")
    assert "that passes: run uv run cd4ml cloud bootstrap again in a few minutes" in said.splitlines()[-1]
    assert "failed" not in run(Azure(stopped.state), "bootstrap")


def test_docker_hubs_limit_passes() -> None:
    azure, refusals = Azure(), ["429 Too Many Requests: toomanyrequests: You have reached your pull rate limit."] * 2
    azure.refuses = lambda argv: refusals.pop() if refusals and argv[1:3] == ("acr", "import") else ""

    assert "failed" not in run(azure, "bootstrap")
    assert not refusals


def test_an_error_that_does_not_pass_ends_the_run_and_is_not_repeated() -> None:
    azure = Azure()
    azure.refuses = lambda argv: "(AuthorizationFailed) not yours" if argv[1:3] == ("acr", "create") else ""

    said = run(azure, "bootstrap")

    assert "(AuthorizationFailed) not yours" in said
    failure = f"registry demo{SUM} could not be made (above is why): fix that and run bootstrap again"
    assert said.endswith(f"failed: {failure}\n")
    assert len([argv for argv in azure.calls if argv[1:3] == ("acr", "create")]) == 1
    assert not azure.made_at("storage")


def test_what_cannot_be_read_is_not_taken_for_absent_and_doctor_goes_on() -> None:
    def no_access(argv: tuple[str, ...]) -> str:
        is_account = argv[1:4] == ("storage", "account", "show")
        return "(AuthorizationFailed) no subscription of that name was found" if is_account else ""

    (azure := Azure()).refuses = no_access
    assert "failed: Azure cannot be asked: ERROR: (AuthorizationFailed)" in run(azure, "bootstrap")
    assert not azure.made_at("storage")

    run(azure := Azure(), "bootstrap")
    (looking := Azure(azure.state)).refuses = no_access
    said = run(looking, "doctor")
    assert said.count("  wrong    storage           Azure cannot be asked, and nothing was changed: ERROR") == 2
    assert f"  there    container         dvc in demodata{SUM}\n" in said
    assert said.endswith("failed: 2 missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n")


def test_doctor_and_a_dry_run_make_nothing_and_name_everything() -> None:
    azure, dry = Azure(), Azure(dry_run=True)

    looked, would = run(azure, "doctor"), run(dry, "bootstrap", "--set-secrets")

    assert not azure.writes + dry.writes
    assert not KEYS.exists()
    assert rows(looked)[: len(TABLE)] == [("there", "subscription"), *(("missing", kind) for kind in TABLE[1:])]
    assert [row for row in rows(looked) if row[1] in ("key", "service")] == [("missing", "key")] * 3 + [
        ("not yet", "service")
    ] * 2
    for command in (
        f"az acr import --name demo{SUM} --resource-group demo --subscription 1f0e --source docker.io/library/caddy@",
        f"az rest --method patch --url 'https://graph.example/v1.0/applications(uniqueName='\"'\"'demo-reader-{SUM}-",
        f"az role assignment create --assignee-object-id PRINCIPAL-OF-demo-deployer-{SUM} ",
        f"# a new {KEYS}",
        f"az rest --method post --url https://graph.example/v1.0/applications/APP-OF-demo-reader-{SUM}/addPassword ",
        "gh secret set SERVICE_API_KEYS",
    ):
        assert f"\n{command}" in would, command
    assert f" --output tsv > {KEYS.parent.parent}/reader/AZURE_CLIENT_SECRET\n" in would


@pytest.mark.parametrize("cloud", ["AzureUSGovernment", "AzureChinaCloud"])
def test_a_cloud_that_is_not_supported_is_named_in_one_line_and_nothing_is_made(cloud: str) -> None:
    azure = Azure()
    azure.cloud = cloud
    failure = f"this subscription is in {cloud}, which is not supported: az cloud set --name AzureCloud"

    assert run(azure, "bootstrap", "--credentials", "oidc") == f"failed: {failure}\n"
    assert not azure.writes


def test_what_is_wrong_is_mended_and_what_a_team_added_stays() -> None:
    run(azure := Azure(), "bootstrap")
    made = azure.state["made"]
    made[f"registry demo{SUM}"]["adminUserEnabled"] = True
    made[f"registry demo{SUM}"]["tags"] = {"paid-by": "4711"}
    made[f"storage demodata{SUM}"]["allowBlobPublicAccess"] = True
    rules = made[f"account policy in demodata{SUM}"]["policy"]["rules"]
    rules.insert(0, own := {"name": "own", "definition": {"actions": {}}})
    (deploys,) = (role for role in azure.state["roles"].values() if "deploys" in role["roleName"])
    deploys["permissions"][0]["actions"] = ["*"]

    looked = run(Azure(azure.state), "doctor")
    assert f"  wrong    registry          demo{SUM} can be entered by password: bootstrap fixes it\n" in looked
    assert f"  wrong    storage           demodata{SUM} is not closed to the public: bootstrap fixes it\n" in looked
    assert f"  wrong    role of ours      demo deploys {SUM} allows other actions than it should: bootstrap" in looked

    said = run(Azure(azure.state, PREDICTION_LOG_DAYS="30"), "bootstrap")

    assert f"  made     registry          demo{SUM}, now without a password\n" in said
    assert f"  made     retention         predictions in demodata{SUM}, for 30 days\n" in said
    assert made[f"registry demo{SUM}"]["adminUserEnabled"] is False
    assert set(made[f"registry demo{SUM}"]["tags"]) == {"paid-by", "caddy"}
    assert made[f"storage demodata{SUM}"]["allowBlobPublicAccess"] is False
    first, kept = made[f"account policy in demodata{SUM}"]["policy"]["rules"]
    assert first == own
    assert kept["definition"]["actions"]["baseBlob"]["delete"] == {"daysAfterModificationGreaterThan": 30}
    (deploys,) = (role for role in azure.state["roles"].values() if "deploys" in role["roleName"])
    assert "*" not in deploys["permissions"][0]["actions"]
    assert "nothing was changed" in run(Azure(azure.state), "bootstrap")


def test_a_role_that_azure_chose_the_number_of_is_kept() -> None:
    run(azure := Azure(), "bootstrap")
    roles = azure.state["roles"]
    address = next(known for known, role in roles.items() if "deploys" in role["roleName"])
    beginning, _, number = address.rpartition("/")
    chosen = f"{beginning}/4711"
    roles[chosen] = roles.pop(address)
    for one in azure.state["assigned"]:
        one["roleDefinitionName"] = one["roleDefinitionName"].replace(number, f"demo deploys {SUM}")

    assert "nothing was changed" in run(Azure(azure.state), "bootstrap")
    assert set(roles) >= {chosen}
    assert address not in roles


def test_trust_is_by_environment_and_another_repositorys_is_left() -> None:
    oidc = ("bootstrap", "--credentials", "oidc")
    custom = Azure()
    custom.state["subjects"] = {"use_default": False, "include_claim_keys": ["environment"]}
    said = run(custom, *oidc)
    assert said.startswith("failed: the subjects of the tokens of acme/flights are made of environment; only repo, ")
    assert not custom.writes

    run(azure := Azure(), *oidc)
    (app,) = (app for app in azure.state["apps"].values() if "deployer" in app["displayName"])
    beginning = "repo:acme@815/flights@4711:environment"
    assert [one["subject"] for one in app["trusts"]] == [f"{beginning}:staging", f"{beginning}:production"]
    assert not app["keys"]

    app["trusts"][0]["subject"] = "repo:others/flights:environment:staging"
    said = run(again := Azure(azure.state), *oidc)

    delete = f"az ad app federated-credential delete --id {app['appId']} --federated-credential-id staging"
    assert f"  wrong    trust             staging is another repository's: {delete}\n" in said
    assert not again.writes


def test_a_private_repository_without_environments_has_one_identity_for_all_jobs() -> None:
    azure = Azure()
    azure.state["plan"] = "free"

    said = run(azure, "bootstrap", "--credentials", "oidc", "--set-secrets")

    assert "GitHub has no environments for this private repository (plan Free)" in said
    assert "failed" not in said
    (app,) = azure.state["apps"].values()
    assert [one["subject"] for one in app["trusts"]] == ["repo:acme@815/flights@4711:ref:refs/heads/main"]
    assert azure.state["variables"]["repository"]["AZURE_CLIENT_ID"] == app["appId"]
    assert set(azure.state["github"]) == {"repository"}
    (principal,) = azure.state["principals"].values()
    held = [one for one in azure.state["assigned"] if one["principalId"] == principal["id"]]
    assert len(held) == 7
    assert "nothing was changed" in run(Azure(azure.state), "bootstrap", "--credentials", "oidc", "--set-secrets")


def test_where_keys_are_forbidden_nothing_is_made_and_who_has_some_goes_on() -> None:
    azure = Azure()
    azure.state["forbids_keys"] = True

    said = run(azure, "bootstrap")

    forbidden = "the organisation forbids keys (passwordAddition): uv run cd4ml cloud bootstrap --credentials oidc"
    assert said == f"failed: {forbidden}\n"
    assert not azure.writes

    run(azure := Azure(), "bootstrap")
    azure.state["forbids_keys"] = True
    assert "nothing was changed" in run(Azure(azure.state), "bootstrap")


def test_a_restriction_of_keys_that_is_not_in_force_forbids_nothing() -> None:
    rule = {"restrictionType": "passwordAddition"}

    def policy(**state: str) -> Json:
        return {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": [rule | state]}}

    assert forbids_keys(policy())
    assert forbids_keys(policy(state="enabled"))
    assert not forbids_keys(policy(state="disabled"))


@pytest.mark.parametrize("credentials", ["service-account", "oidc"])
def test_an_app_that_not_all_of_graph_knows_is_waited_for(credentials: str) -> None:
    unknown = 'Not Found({"error":{"code":"Request_ResourceNotFound","message":"in any words"}})'
    azure, asked = Azure(), set[tuple[str, ...]]()

    def refuses(argv: tuple[str, ...]) -> str:
        is_first = argv[1] == "rest" and "/applications/" in argv[5] and argv[:6] not in asked
        asked.add(argv[:6])
        return unknown if is_first else ""

    azure.refuses = refuses
    said = run(azure, "bootstrap", "--credentials", credentials)

    assert "failed" not in said
    assert f"waiting, as this passes: ERROR: {unknown}\n" in said
    assert "everything was there; nothing was changed" in run(
        Azure(azure.state), "bootstrap", "--credentials", credentials
    )


def test_no_new_api_key_locks_out_those_who_have_one() -> None:
    run(azure := Azure(), "bootstrap")
    KEYS.unlink()
    azure.state["groups"] = [group(443, 80)]

    said = run(Azure(azure.state), "bootstrap")

    assert (
        f"  wrong    API keys          are not on this machine, though demo has some: bring {KEYS}, or export" in said
    )
    assert not KEYS.exists()
    assert f"  missing  API keys          {KEYS}\n" in run(Azure(azure.state), "doctor")
    assert f"  there    API keys          {KEYS}\n" in run(Azure(azure.state, SERVICE_API_KEYS="theirs"), "doctor")


@pytest.mark.parametrize(
    ("ports", "tags", "given", "row"),
    [
        ((443, 80), {"step": "served"}, ["SERVICE_API_KEYS"], "there    service           demo https://demo.example"),
        ((80, 8000, 443), {"step": "served"}, ["SERVICE_API_KEYS"],
         "wrong    service           demo answers on port 80, 8000, 443, and not on 443 and 80 alone: deploy it again"),
        ((443, 80), {"step": "served"}, [],
         "wrong    service           demo is open to anybody, it has no keys: deploy it again"),
        ((443, 80), {"step": "swap"}, ["SERVICE_API_KEYS"],
         "wrong    service           demo has a release that did not end: uv run cd4ml cloud restore production"),
    ],
)  # fmt: skip
def test_doctor_looks_at_services(ports: Sequence[int], tags: Json, given: Sequence[str], row: str) -> None:
    run(azure := Azure(), "bootstrap")
    azure.state["groups"] = [group(*ports, tags=tags, given=given)]

    said = run(Azure(azure.state), "doctor")

    assert f"  {row}\n" in said
    assert "  not yet  service           demo-staging: cd deploys it\n" in said


def group(*ports: int, tags: Json | None = None, given: Sequence[str] = ("SERVICE_API_KEYS",)) -> Json:
    """A container group as az lists it."""
    service = {"name": "service", "environmentVariables": [{"name": name} for name in given]}
    address = {"fqdn": "demo.example", "ports": [{"port": port} for port in ports]}
    return {"name": "demo", "tags": tags or {"step": "served"}, "ipAddress": address, "containers": [service]}


def test_a_subscription_that_cannot_be_read_is_named_in_one_line() -> None:
    azure = Azure()
    azure.refuses = lambda argv: "Please run 'az login' to setup account." if argv[1] == "account" else ""

    said = run(azure, "doctor")

    assert said.startswith("failed: no subscription of Azure's can be read, and nothing was changed: ERROR: Please run")
    assert len(said.splitlines()) == 1


def test_a_role_of_ours_is_told_of_in_the_group_and_assigned_by_its_number_whatever_address_azure_shows() -> None:
    run(azure := Azure(), "bootstrap")
    azure.shows_roles_in = "/subscriptions/1f0e"  # where an owner of the group has no right
    role = next(iter(azure.state["roles"].values()))
    role["permissions"][0]["actions"] = ["*"]

    for words in (("bootstrap",), ("destroy", "--yes", "demo")):
        azure.calls.clear()
        assert "failed" not in run(azure, *words)
        urls = [argv[argv.index("--url") + 1] for argv in azure.calls if "--url" in argv]
        assert {url.partition("/roleDefinitions/")[0] for url in urls if "/roleDefinitions/" in url} == {
            f"{GROUP}/providers/Microsoft.Authorization"
        }
        given = {argv[argv.index("--role") + 1] for argv in azure.calls if "--role" in argv}
        assert not [one for one in given if "/" in one]
    assert not azure.state["roles"]


def test_addresses_of_roles_do_not_change() -> None:
    run(azure := Azure(), "bootstrap")

    beginning = f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions"
    assert {address.rpartition("/")[0] for address in azure.state["roles"]} == {beginning}
    run(other := Azure(), "bootstrap")
    assert set(other.state["roles"]) == set(azure.state["roles"])
