"""Names on Container Instances: what is there already has those that earlier versions gave."""

import pytest
from cd4ml.deploy.aci.settings import Place, Size, check_names, place_in, read_patience, read_settings, read_size
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.set_up.identities import IDENTITIES

SUBSCRIPTION = "1f0e2d3c-0000-4000-8000-0123456789ab"
NAMED = [  # slug, resource group, sum; letters of the registry's name and of a storage account's; staging's service
    ("demo", "their-group", "ead1e88c", "demo", "demo", "demo-staging"),
    ("flight-delays", "", "02eb5f61", "flightdelays", "flightdelays", "flight-delays-staging"),
    (("flight-delays-" * 3)[:40], "", "f1a80925", "flightdelaysflightdelaysflightdelay", "flightdelays",
     "flight-delays-flight-delays-flight-de-2f4831"),
    ("a-very-long-name-of-forty-characters-abc", "", "bfb8afa7", "averylongnameoffortycharactersabc", "averylongnam",
     "a-very-long-name-of-forty-characters-e589fa"),
]  # fmt: skip
LOCATION = {"AZURE_LOCATION": "westeurope"}


@pytest.mark.parametrize("slug", ["windows-prices", "win-dows", "a-microsoft-model", "login-rates"])
def test_a_name_that_azure_keeps_for_itself_is_refused(slug: str) -> None:
    with pytest.raises(CloudError, match=rf'called {slug} cannot be here: Azure has no "windows" or "microsoft"'):
        check_names(slug)
    check_names(slug.replace("o", "0"))


@pytest.mark.parametrize(("slug", "group", "total", "letters", "short", "staging"), NAMED)
def test_names_are_those_of_projects_that_were_set_up_before(
    slug: str, group: str, total: str, letters: str, short: str, staging: str
) -> None:
    place = place_in(read_settings(slug, LOCATION | {"AZURE_RESOURCE_GROUP": group}), SUBSCRIPTION)

    assert place.registry_name == f"{letters}{total}"
    assert [place.storage(kind) for kind in ("data", "cert")] == [f"{short}data{total}", f"{short}cert{total}"]
    assert [place.account_id(who) for who in IDENTITIES] == [f"{slug}-{who}-{total}" for who in IDENTITIES]
    assert place.role("deploys") == f"{slug} deploys {total}"
    resources = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group or slug}"
    identities = f"{resources}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    assert (place.address_of_all, place.runtime_id) == (resources, f"{identities}/{slug}-runtime-{total}")
    assert [place.service("production"), place.candidate("production")] == [slug, f"{slug}-candidate"]
    assert [place.service("staging"), place.candidate("staging")] == [staging, f"{staging}-candidate"]


def test_addresses_are_those_that_clients_know() -> None:
    known = place(LOCATION)
    assert known.sum == "a7e5a415", "printf SUBSCRIPTION/demo/demo | cksum"
    assert known.host("demo") == "demo-a7e5a415.westeurope.azurecontainer.io"
    assert known.address("demo-candidate") == "https://demo-a7e5a415-candidate.westeurope.azurecontainer.io"
    assert known.image == "demoa7e5a415.azurecr.io/demo"
    group = "Microsoft.ContainerInstance/containerGroups/demo-staging"
    assert known.group_id("demo-staging") == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/demo/providers/{group}"


def test_a_registry_that_is_given_is_taken() -> None:
    given = LOCATION | {"AZURE_REGISTRY": "theirs.azurecr.io"}
    assert place(given).image == "theirs.azurecr.io/demo"
    assert place(given | {"CLOUD_REGISTRY": "localhost:5000"}).image == "localhost:5000/demo"


def place(environment: dict[str, str]) -> Place:
    return place_in(read_settings("demo", environment), SUBSCRIPTION)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AZURE_LOCATION", ""), ("AZURE_LOCATION", "West Europe"), ("AZURE_LOCATION", "west\n"),
        ("AZURE_RESOURCE_GROUP", "-group"), ("AZURE_RESOURCE_GROUP", "g" * 91),
        ("AZURE_SUBSCRIPTION_ID", "$(id)"), ("AZURE_REGISTRY", "a/b"), ("CLOUD_REGISTRY", "a b"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_plain_is_rejected(name: str, value: str) -> None:
    with pytest.raises(CloudError, match=name.replace("CLOUD", "AZURE")):
        read_settings("demo", LOCATION | {name: value})


def test_a_size_is_a_plain_number() -> None:
    assert read_size({}) == Size(1, 1.5)
    assert read_size({"SERVICE_CPU": "2", "SERVICE_MEMORY": ""}) == Size(2, 1.5)
    assert str(Size(2.0, 1.5)) == "2 1.5"
    for value in ("1.25", "-1", "2 ", "100", "1\n"):
        with pytest.raises(CloudError, match="SERVICE_MEMORY is a number"):
            read_size({"SERVICE_MEMORY": value})


def test_seconds_are_whole() -> None:
    assert read_patience({"SERVICE_ROUND_SECONDS": "0"}).round == 0
    assert read_patience({}).start == 300
    with pytest.raises(CloudError, match="SERVICE_START_SECONDS is a whole number"):
        read_patience({"SERVICE_START_SECONDS": "1.5"})
