"""Container Instances with the roles that `bootstrap` assigns: identities may do what their jobs do, nothing else."""

from __future__ import annotations

import pytest

from tests.delivery.azure.rights import ASSIGN
from tests.delivery.azure.shop import Shop


def test_the_deployer_may_do_all_that_a_release_does(live_on_azure: Shop) -> None:
    shop = live_on_azure
    shop.sign_in("deployer")

    shop.run("deploy", shop.images("two"), "production")
    shop.run("smoke", "production")
    shop.run("promote", "production")

    shop.serves("two")
    assert shop.images("two").rpartition("@sha256:")[2][:12] in shop.run("status", "production")
    assert shop.azure.rights.refused == []
    assert not shop.azure.unknown


@pytest.mark.drill
@pytest.mark.parametrize("who", ["reader", "trainer"])
def test_no_other_identity_may_look_at_a_service_or_deploy(live_on_azure: Shop, who: str) -> None:
    shop = live_on_azure
    shop.sign_in(who)
    shop.azure.writes.clear()

    said = shop.run("deploy", shop.images("two"), "production", fails=True)

    assert "(AuthorizationFailed)" in said
    assert "perform action 'Microsoft.ContainerInstance/containerGroups/read' over scope" in said
    assert not shop.azure.writes
    shop.serves("one")


@pytest.mark.drill
def test_a_role_that_is_missing_is_named(live_on_azure: Shop) -> None:
    shop = live_on_azure
    shop.sign_in("deployer")
    kept = shop.azure.resources.kept
    operator = shop.azure.resources.role_named("Managed Identity Operator")
    for path in [path for path in kept if "/roleassignments/" in path]:
        if kept[path]["properties"]["roleDefinitionId"] == operator:
            del kept[path]

    said = shop.run("deploy", shop.images("two"), "production", fails=True)

    assert "(LinkedAuthorizationFailed)" in said
    assert ASSIGN in said
    shop.serves("one")
