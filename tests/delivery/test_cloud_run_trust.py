"""GitHub's workflows sign in to Google Cloud without a key: what `bootstrap` trusts, also after a `destroy`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.delivery.clouds import Need
from tests.delivery.google.services import RefusedError
from tests.delivery.google.site import SLUG, Site, site_on_google

POOL = "/v1/projects/demo-project/locations/global/workloadIdentityPools/demo-github"
PROVIDER = f"{POOL}/providers/github"
READER = "demo-reader@demo-project.iam.gserviceaccount.com"
TOKEN = {
    "iss": "https://token.actions.githubusercontent.com",
    "sub": "repo:acme@815/flight-delays@4711:environment:reader",
    "environment": "reader",
    "ref": "refs/heads/main",
    "repository_id": "4711",
    "repository_owner_id": "815",
}


@pytest.fixture
def site(bake: Bake, need: Need, tmp_path: Path) -> Iterator[Site]:
    with site_on_google(bake, need, tmp_path) as site:
        yield site


def test_oidc_trusts_numbers_and_environments_and_destroy_removes_it_all(site: Site) -> None:
    others = dict(site.google.resources.resources)

    site.run("bootstrap", "--credentials", "oidc", "--set-secrets")

    kept = site.google.resources.resources
    condition = kept[PROVIDER]["attributeCondition"]
    assert condition == "assertion.repository_id == '4711' && assertion.repository_owner_id == '815'"
    trusted = {
        (address.rsplit("/", 1)[1].split("@")[0], member.rpartition("/subject/")[2])
        for address, policy in site.google.resources.policies.items()
        for binding in policy.get("bindings", []) if binding["role"] == "roles/iam.workloadIdentityUser"
        for member in binding["members"]
    }  # fmt: skip
    subject = "4711:environment"
    assert trusted == {
        ("demo-reader", f"{subject}:reader"), ("demo-trainer", f"{subject}:trainer"),
        ("demo-deployer", f"{subject}:staging"), ("demo-deployer", f"{subject}:production"),
    }  # fmt: skip
    assert not any("GCP_CREDENTIALS" in held for held in site.github["secret"].values())
    assert site.github["variable"]["repository"]["GCP_WORKLOAD_IDENTITY_PROVIDER"].endswith(
        "/demo-github/providers/github"
    )
    assert site.github["variable"]["trainer"] == {
        "GCP_SERVICE_ACCOUNT": "demo-trainer@demo-project.iam.gserviceaccount.com"
    }

    assert "nothing was removed" in site.run("destroy", "--yes", "another", fails=True)
    site.run("destroy", "--yes", SLUG)
    left = {name: kept[name]["state"] for name in kept if name not in others}
    assert left == {POOL: "DELETED", PROVIDER: "DELETED"}  # for 30 days
    assert not {role for role in site.roles() if role[2] == "demo-project"}


def in_environment(name: str) -> dict[str, str]:
    """What GitHub says of a job in another environment."""
    return TOKEN | {"environment": name, "sub": f"repo:acme@815/flight-delays@4711:environment:{name}"}


def may_sign_in(site: Site, account: str, claims: dict[str, str]) -> bool:
    """Whether who has this token of GitHub's may become the service account."""
    subject = site.google.resources.pools.principal(PROVIDER, claims)
    policy = site.google.resources.policies[f"/v1/projects/demo-project/serviceAccounts/{account}"]
    pool = POOL.removeprefix("/v1/").replace("demo-project", "123456789012")
    member = f"principal://iam.googleapis.com/{pool}/subject/{subject}"
    return {"role": "roles/iam.workloadIdentityUser", "members": [member]} in policy["bindings"]


@pytest.mark.drill
@pytest.mark.parametrize("deleted", [True, False], ids=["deleted-with-its-pool", "back-with-it"])
def test_what_was_destroyed_is_set_up_again_and_trusts_this_repository_alone(site: Site, deleted: bool) -> None:
    """For 30 days Google keeps a pool and its provider, and their ids are taken."""
    settings = site.project / "pyproject.toml"
    settings.write_text(re.sub('credentials = "[^"]*"', 'credentials = "oidc"', settings.read_text()))
    site.run("bootstrap")
    first = site.roles()
    site.run("destroy", "--yes", SLUG)
    earlier = {"attributeCondition": "assertion.repository_id == '7'", "attributeMapping": {"google.subject": "x"}}
    site.google.resources.resources[PROVIDER] |= earlier | {"state": "DELETED" if deleted else "ACTIVE"}
    assert "wrong    identity pool     demo-github was deleted" in site.run("doctor", fails=True)
    said = site.run("bootstrap", "--dry-run")
    assert "gcloud iam workload-identity-pools undelete demo-github" in said
    assert "gcloud iam workload-identity-pools providers update-oidc github" in said
    with pytest.raises(RefusedError):
        may_sign_in(site, READER, TOKEN)

    said = site.run("bootstrap")

    assert "made     identity pool     demo-github, restored" in said
    assert "made     identity provider github: this repository's tokens alone" in said
    assert site.roles() == first
    assert may_sign_in(site, READER, TOKEN)
    assert not may_sign_in(site, READER, in_environment("staging"))
    for other in ({"repository_id": "7"}, {"iss": "https://example.com"}):
        with pytest.raises(RefusedError):
            may_sign_in(site, READER, TOKEN | other)
    assert "nothing was changed" in site.run("bootstrap")


LONGEST = f"{'o' * 39}/{'r' * 100}"  # what GitHub allows at most


def test_the_longest_names_that_github_allows_sign_in(site: Site) -> None:
    """Google takes at most 127 bytes of who somebody is, and refuses a longer token at each sign-in."""
    Path(site.settings["GH_STATE"]).write_text(json.dumps({"repository": LONGEST}))
    owner, name = LONGEST.split("/")
    subject = f"repo:{owner}@815/{name}@4711:environment:reader"

    site.run("bootstrap", "--credentials", "oidc")

    assert may_sign_in(site, READER, TOKEN | {"sub": subject})
    site.google.resources.resources[PROVIDER]["attributeMapping"] = {"google.subject": "assertion.sub"}
    with pytest.raises(RefusedError, match="exceeds the 127 bytes limit"):
        may_sign_in(site, READER, TOKEN | {"sub": subject})


@pytest.mark.drill
def test_a_mapping_of_an_earlier_version_is_put_right_and_a_teams_own_attributes_stay(site: Site) -> None:
    site.run("bootstrap", "--credentials", "oidc")
    provider = site.google.resources.resources[PROVIDER]
    ours = provider["attributeMapping"]["google.subject"]
    added = {"attribute.actor": "assertion.actor", "attribute.team": "assertion.sub.extract('{a},')"}

    provider["attributeMapping"] |= added
    assert "nothing was changed" in site.run("bootstrap", "--credentials", "oidc")

    provider["attributeMapping"]["google.subject"] = "assertion.sub"
    site.run("bootstrap", "--credentials", "oidc")
    assert provider["attributeMapping"] == {"google.subject": ours} | added
    assert may_sign_in(site, READER, TOKEN)


@pytest.mark.drill
def test_a_provider_of_another_repository_is_left_until_somebody_deletes_it(site: Site) -> None:
    site.run("bootstrap", "--credentials", "oidc")
    provider = site.google.resources.resources[PROVIDER]
    provider["attributeCondition"] = "assertion.repository_id == '7' && assertion.repository_owner_id == '815'"
    said = site.run("bootstrap", "--credentials", "oidc")
    assert "wrong    identity provider github trusts another repository" in said
    assert "repository_id == '7'" in provider["attributeCondition"]

    provider["state"] = "DELETED"  # as what that row says leaves it
    site.run("bootstrap", "--credentials", "oidc")
    assert may_sign_in(site, READER, TOKEN)
