"""Cloud Run with the roles that `bootstrap` gives: each identity may do what its jobs do, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.delivery.google.shop import Shop


@pytest.fixture
def deployer(live: Shop) -> Iterator[Shop]:
    """The same as `live`, for whoever has the deployer's roles; none of its calls may be refused."""
    live.sign_in("deployer")
    yield live
    assert not refused(live)
    assert not live.google.unknown


def test_the_deployer_may_do_all_that_a_release_and_a_rollback_do(deployer: Shop) -> None:
    said = deployer.run("deploy", deployer.images("two"), "production")
    assert deployer.answers() == {"one"}
    said += deployer.run("promote", "production", "50")
    said += deployer.run("canary", "production", "0", CANARY_MINIMUM="1")
    said += deployer.run("promote", "production")
    assert deployer.answers() == {"two"}
    said += deployer.run("status", "production")
    said += deployer.run("rollback", "production", deployer.images("one").partition("@")[2])
    assert deployer.answers() == {"one"}

    assert "denied" not in said
    assert "IAM policy" not in said, "gcloud warns at each deploy that it could not write the policy"
    assert not [path for _, path in deployer.google.writes if path.endswith(":setIamPolicy")]


@pytest.mark.drill
def test_a_first_release_is_the_deployers_too(shop: Shop) -> None:
    shop.sign_in("deployer")
    shop.run("deploy", shop.images("one"), "staging")
    shop.run("promote", "staging")
    assert not refused(shop)


def refused(shop: Shop) -> set[str]:
    """The permissions that were asked for in vain; whether an API is enabled gcloud goes on without knowing."""
    return {permission for _, permission, _ in shop.google.rights.refused} - {"serviceusage.services.get"}


@pytest.mark.drill
@pytest.mark.drill
@pytest.mark.parametrize("who", ["reader", "trainer", "runtime"])
def test_no_other_identity_may_look_at_a_service_or_deploy(live: Shop, who: str) -> None:
    live.sign_in(who)

    said = live.run("deploy", live.images("two"), "production", fails=True)

    assert "Permission 'run.services.get' denied on resource" in said
    assert "nothing was changed" in said
    assert not live.google.writes
    assert live.answers() == {"one"}


@pytest.mark.parametrize(
    ("place", "role", "permission"),
    [
        ("serviceAccounts/demo-runtime@", "roles/iam.serviceAccountUser", "iam.serviceAccounts.actAs"),
        ("repositories/demo", "roles/artifactregistry.writer", "artifactregistry.repositories.downloadArtifacts"),
    ],
)
def test_a_role_that_is_missing_is_named(live: Shop, place: str, role: str, permission: str) -> None:
    for address, policy in live.google.resources.policies.items():
        if place in address:
            policy["bindings"] = [known for known in policy["bindings"] if known["role"] != role]
    live.sign_in("deployer")

    said = live.run("deploy", live.images("two"), "production", fails=True)

    assert f"Permission '{permission}' denied on resource" in said
    assert live.answers() == {"one"}
    assert live.tags() == {}


@pytest.mark.drill
def test_a_service_that_may_not_read_its_keys_does_not_come_up(live: Shop) -> None:
    live.google.resources.policies["/v1/projects/demo-project/secrets/demo-api-keys"]["bindings"].clear()
    live.sign_in("deployer")

    said = live.run("deploy", live.images("two"), "production", fails=True)

    assert re.search("Permission denied on secret: demo-api-keys for Revision service account demo-runtime@", said)
    assert live.answers() == {"one"}
