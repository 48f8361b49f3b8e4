"""`rotate` and `destroy` on Container Instances, without a process: what was stopped goes on, and no key is seen."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

from azure_in_memory import Azure
from cd4ml.deploy.set_up.identities import Jobs
from setting_up import killed_at, run

KEYS = Path("config/demo-keys")
FILE = KEYS / "service/SERVICE_API_KEYS"
CREDENTIALS = ("rotate", "credentials", "--set-secrets")


def keys_of(azure: Azure) -> dict[str, list[str]]:
    """The numbers of the keys of each app, by its identity."""
    return {app["displayName"].split("-")[1]: [*app["keys"]] for app in azure.state["apps"].values()}


def test_no_key_is_printed_or_passed_as_an_argument() -> None:
    azure, everything, known = Azure(), "", set()
    for words in (
        *(("bootstrap", "--set-secrets"), ("rotate", "api-keys"), ("rotate", "api-keys", "--finish")),
        *(CREDENTIALS, ("rotate", "credentials", "--finish"), ("rotate", "credentials"), ("doctor",)),
    ):
        everything += run(azure, *words) + json.dumps(azure.calls)
        known |= {*FILE.read_text().strip().split(",")}

    assert "failed" not in everything
    assert "s3cret" not in everything
    assert len(known) == 2
    assert not [key for key in known if key in everything]
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    kept = KEYS / "reader/AZURE_CLIENT_SECRET"
    assert kept.read_text() == f"s3cret of {keys_of(azure)['reader'][-1]}\n"
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(kept.parent.stat().st_mode)) == (0o600, 0o700)
    assert f"tr -d '\\n' < {kept} | gh secret set AZURE_CLIENT_SECRET --env reader\n" in everything


def test_api_keys_rotate_in_two_steps() -> None:
    run(azure := Azure(), "bootstrap")
    old = FILE.read_text().strip()

    run(azure, "rotate", "api-keys")
    new, *others = FILE.read_text().strip().split(",")
    assert others == [old]
    assert run(Azure(azure.state, dry_run=True), "rotate", "api-keys", "--finish").startswith(f"# a new {FILE}\n")
    run(azure, "rotate", "api-keys", "--finish")

    assert FILE.read_text() == f"{new}\n"
    nothing = "failed: there is one key alone: nothing to finish\n"
    assert run(azure, "rotate", "api-keys", "--finish") == nothing
    given = Azure(azure.state, SERVICE_API_KEYS="a,b")
    unset = f"failed: unset SERVICE_API_KEYS first: keys rotate in {FILE}\n"
    assert run(given, "rotate", "api-keys") == unset
    FILE.unlink()
    assert run(azure, "rotate", "api-keys") == "failed: the API keys cannot be read: uv run cd4ml cloud bootstrap\n"


def test_an_api_key_beside_no_key_of_an_app_is_no_untold_key() -> None:
    run(azure := Azure(), "bootstrap", "--set-secrets")
    assert [path for path in KEYS.rglob("*") if path.is_file()] == [FILE]

    assert "failed" not in run(azure, *CREDENTIALS)
    assert f"has two keys already: uv run cd4ml cloud {CREDENTIALS[0]} credentials --finish first" in run(
        azure, *CREDENTIALS
    )


def test_a_rotation_of_credentials_that_was_stopped_is_finished_by_the_next() -> None:
    for moment in ("before", "after"):
        for number in range(1, 8):
            shutil.rmtree("config", ignore_errors=True)
            run(azure := Azure(), "bootstrap", "--set-secrets")
            first = keys_of(azure)
            if killed_at(azure, (len(azure.writes) + number, moment), *CREDENTIALS):
                azure = Azure(azure.state)
                said = run(azure, *CREDENTIALS)
                assert "failed" not in said or "has two keys already" in said, (moment, number, said)
            assert "failed" not in run(azure, "rotate", "credentials", "--finish"), (moment, number)
            assert {who: len(keys) for who, keys in keys_of(azure).items()} == dict.fromkeys(Jobs().signing_in, 1)
            assert not [who for who, keys in keys_of(azure).items() if keys == first[who][:1]]


def test_without_environments_one_key_rotates() -> None:
    azure = Azure()
    azure.state["plan"] = "free"
    run(azure, "bootstrap", "--set-secrets")
    (old,) = keys_of(azure)["deployer"]

    run(azure, *CREDENTIALS)
    run(azure, "rotate", "credentials", "--finish")

    (new,) = keys_of(azure)["deployer"]
    assert new != old
    assert azure.state["github"]["repository"]["AZURE_CLIENT_SECRET"] == f"s3cret of {new}"


def test_destroy_removes_it_all_wherever_an_earlier_one_was_stopped() -> None:
    for number in range(1, 40):
        run(azure := Azure(), "bootstrap", "--credentials", "oidc")
        was_stopped = killed_at(azure, (len(azure.writes) + number, "after"), "destroy", "--yes", "demo")

        said = run(azure := Azure(azure.state), "destroy", "--yes", "demo")

        assert said.endswith(
            "removed; GitHub keeps its environments, variables and secrets: gh secret delete, gh variable delete\n"
        ), said
        kept = {kind: azure.state[kind] for kind in ("made", "apps", "principals", "roles")}
        assert not any(kept.values()), kept
        if not was_stopped:
            break
    assert number > 10


def test_destroy_at_once_finds_apps_that_lists_lack() -> None:
    run(azure := Azure(), "bootstrap")
    azure = Azure(azure.state)
    azure.lists_lag = True

    assert "failed" not in run(azure, "destroy", "--yes", "demo")
    assert not azure.state["apps"]
    assert not azure.state["roles"]


def test_destroy_lists_it_all_and_removes_nothing_for_another_name() -> None:
    run(azure := Azure(), "bootstrap")
    writes = len(azure.writes)

    said = run(azure, "destroy", "--yes", "another")

    assert said.startswith(
        "This removes from resource group demo of subscription 1f0e, and nothing here brings it back:\n"
    )
    assert "  services    demo-staging, demo, and their candidates\n" in said
    assert "  group       demo, if bootstrap made it and nothing else is in it\n" in said
    assert said.endswith("failed: nothing was removed\n")
    assert len(azure.writes) == writes


def test_a_group_that_was_there_or_holds_something_of_others_stays() -> None:
    run(azure := Azure(), "bootstrap")
    azure.state["made"]["vault of others"] = {}
    assert "failed" not in run(azure, "destroy", "--yes", "demo")
    assert set(azure.state["made"]) == {"group demo", "vault of others"}

    azure = Azure()
    azure.state["made"]["group demo"] = {"tags": None}
    run(azure, "bootstrap")
    run(azure, "destroy", "--yes", "demo")
    assert set(azure.state["made"]) == {"group demo"}


def test_what_cannot_be_looked_at_is_not_taken_for_gone() -> None:
    run(azure := Azure(), "bootstrap")
    writes = len(azure.writes)
    azure.refuses = lambda argv: (
        "Insufficient privileges, or no such app was found" if argv[1:4] == ("ad", "app", "list") else ""
    )
    assert "failed: Azure cannot be asked" in run(azure, "destroy", "--yes", "demo")
    assert len(azure.writes) == writes

    azure.refuses = lambda argv: "(AuthorizationFailed) held" if argv[1:3] == ("acr", "delete") else ""
    said = run(azure, "destroy", "--yes", "demo")
    assert "(AuthorizationFailed) held" in said
    assert said.endswith("failed: some could not be removed (above is why): run this again\n")
    assert {name.split()[0] for name in azure.state["made"]} == {"group", "registry"}


def test_a_dry_run_of_destroy_names_everything() -> None:
    run(azure := Azure(), "bootstrap")
    before = json.dumps(azure.state)

    would = run(Azure(azure.state, dry_run=True), "destroy")

    assert json.dumps(azure.state) == before
    assert len([line for line in would.splitlines() if line.startswith("az ")]) == 4 + 4 + 3 + 4 + 1
    assert f"\nrm -rf {KEYS}\n" in would
