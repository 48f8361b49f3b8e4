"""The rows that a set-up prints, on every platform alike: in a dry run too, and while things are removed and made."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_in_memory import Amazon, refused
from azure_in_memory import Azure
from google_in_memory import Google
from host_in_memory import Host
from setting_up import run

CLOUDS: list[Callable[..., Any]] = [Google, Amazon, Azure, Host]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_doctor_says_the_same_in_a_dry_run(cloud: Callable[..., Any]) -> None:
    looked = run(cloud(), "doctor")
    assert "  missing  " in looked
    assert run(cloud(dry_run=True), "doctor") == looked


def test_a_dry_run_of_bootstrap_names_what_it_leaves_as_it_is_between_the_commands() -> None:
    amazon = Amazon()
    amazon.state["registry"]["demo"] = '{"rules": [{"rulePriority": 1}]}'

    said = run(Amazon(amazon.state, dry_run=True), "bootstrap")

    assert "\n# wrong    clean-up          the rules of the registry demo were left as they are: " in said
    assert "  there    " not in said


@pytest.mark.parametrize(
    ("cloud", "rows"),
    [
        (Google, ["removed  identity          demo-reader", "removed  registry          demo",
                  "removed  bucket            gs://demo-predictions-7", "gone     identity pool     demo"]),
        (Amazon, ["removed  cluster           demo", "removed  key               demo-deployer AK",
                  "removed  identity          demo-deployer", "removed  secret            demo-api-keys"]),
        (Azure, ["removed  identity          demo-reader", "removed  registry          demo",
                 "removed  resource group    demo", "removed  API keys          config/demo-keys",
                 "gone     service           demo-staging-candidate"]),
        (Host, ["removed  container         cd4ml-caddy", "removed  volume            cd4ml-caddy-sites"]),
    ],
)  # fmt: skip
def test_destroy_prints_a_row_for_each_thing_that_it_removes(cloud: Callable[..., Any], rows: list[str]) -> None:
    made = cloud()
    run(made, "bootstrap")

    said = run(cloud(made.state), "destroy", "--yes", "demo")

    for row in rows:
        assert f"\n  {row}" in said, said
    assert "failed" not in said


def test_destroy_says_what_it_could_not_remove_and_what_it_waits_for() -> None:
    amazon = Amazon()
    run(amazon, "bootstrap")
    amazon.state["services"]["demo"] = {"status": {"statusCode": "ACTIVE"}}
    amazon = Amazon(amazon.state)
    amazon.refuses = refused("delete-cluster")

    said = run(amazon, "destroy", "--yes", "demo")

    removed = "  gone     service           demo-staging\n  removed  service           demo\n"
    assert f"{removed}demo is being removed; waiting until it is gone, up to 9 s\n" in said
    assert "\n  failed   cluster           demo\n" in said


@pytest.mark.parametrize("cloud", [Google, Amazon, Azure])
def test_a_rotation_prints_a_row_for_each_key_that_it_makes_and_removes(cloud: Callable[..., Any]) -> None:
    made = cloud()
    run(made, "bootstrap", "--set-secrets")

    said = run(cloud(made.state), "rotate", "credentials", "--set-secrets")
    for who in ("reader", "trainer", "deployer"):
        assert f"  made     key               demo-{who}" in said
    said = run(cloud(made.state), "rotate", "credentials", "--finish")
    for who in ("reader", "trainer", "deployer"):
        assert f"  removed  key               demo-{who}" in said

    assert "  made     API keys          the first one in " in run(cloud(made.state), "rotate", "api-keys")
    said = run(cloud(made.state), "rotate", "api-keys", "--finish")
    assert "  removed  API keys          all but the first, 1, in " in said
