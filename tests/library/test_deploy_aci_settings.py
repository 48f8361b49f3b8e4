"""Names on Container Instances: what is there already has those that the set-up's bash gives."""

import subprocess
from pathlib import Path

import pytest
from cd4ml.deploy import aci
from cd4ml.deploy.aci.settings import Place, Size, place_in, read_patience, read_settings, read_size
from cd4ml.deploy.commands import CloudError

SUBSCRIPTION = "1f0e2d3c-0000-4000-8000-0123456789ab"
SLUGS = ["demo", "flight-delays", ("flight-delays-" * 3)[:40], "a-very-long-name-of-forty-characters-abc"]
LOCATION = {"AZURE_LOCATION": "westeurope"}
BASH = """
registry_name; echo; storage_name data; echo; storage_name cert; echo; account_id runtime; echo; runtime_id; echo
for e in production staging; do service_name $e; echo; candidate_name $e; echo; done
"""


@pytest.mark.parametrize(("slug", "group"), [(SLUGS[0], "their-group"), *((slug, "") for slug in SLUGS[1:])])
def test_names_are_those_of_the_set_up(slug: str, group: str) -> None:
    place = place_in(read_settings(slug, LOCATION | {"AZURE_RESOURCE_GROUP": group}), SUBSCRIPTION)
    names = [place.registry_host.removesuffix(".azurecr.io"), place.storage("data"), place.storage("cert"),
             place.runtime, place.runtime_id]  # fmt: skip
    for environment in ("production", "staging"):
        names += [place.service(environment), place.candidate(environment)]

    assert names == bash_names(slug, group)


def bash_names(slug: str, group: str) -> list[str]:
    folder = Path(aci.__file__).parent
    parts = f". '{folder.parent}/any-cloud/names.sh'; . '{folder}/names.sh'"
    az = f"az() {{ printf '%s the-tenant' {SUBSCRIPTION}; }}; die() {{ echo \"$*\" >&2; exit 1; }}; WORK=$(mktemp -d)"
    given = f"SLUG={slug}; AZURE_LOCATION=westeurope; AZURE_RESOURCE_GROUP={group}"
    script = f"{parts}; {az}; {given}; check_settings; subscription; rm -r $WORK\n{BASH}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


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
