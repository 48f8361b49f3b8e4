"""The commands of a release on Container Instances, and the description that one of them reads."""

import json
import subprocess

import pytest
import yaml
from cd4ml.deploy.aci import steps
from cd4ml.deploy.aci.description import Runtime, describe, show, write
from cd4ml.deploy.aci.settings import Place, Size
from cd4ml.deploy.commands import Command

PLACE = Place("demo", "westeurope", "group", "1f0e", "")
IMAGE = f"{PLACE.image}@sha256:{'0' * 64}"
RUNTIME = Runtime(Size(1, 1.5), "key-one,key-two", "key-of-the-share")


def described(runtime: Runtime = RUNTIME) -> dict:
    return describe(PLACE, "demo-candidate", IMAGE, {"revision": "demo-two", "step": "deploy"}, runtime)


def test_the_service_is_behind_caddy_and_its_own_port_is_not_open() -> None:
    properties = described()["properties"]
    service, front = (container["properties"] for container in properties["containers"])
    assert [port["port"] for port in properties["ipAddress"]["ports"]] == [443, 80]
    assert "ports" not in service
    assert front["command"][2:4] == ["--from", PLACE.host("demo-candidate")]
    assert front["command"][-1].startswith("127.0.0.1:")
    assert f"{properties['ipAddress']['dnsNameLabel']}.westeurope.azurecontainer.io" == front["command"][3]
    assert service["resources"] == {"requests": {"cpu": 1, "memoryInGB": 1.5}}


def test_a_group_says_what_it_runs_and_whose_it_is() -> None:
    assert described()["tags"] == {"made-by": "cd4ml", "revision": "demo-two", "step": "deploy"}
    assert described()["identity"]["userAssignedIdentities"] == {PLACE.runtime_id: {}}


def test_keys_are_secure_values_and_not_shown() -> None:
    service = described()["properties"]["containers"][0]["properties"]
    assert {"name": "SERVICE_API_KEYS", "secureValue": "key-one,key-two"} in service["environmentVariables"]
    assert "key-" not in repr(RUNTIME)


@pytest.mark.parametrize(
    ("log", "names"),
    [
        ("", []),
        ("stdout", ["PREDICTION_LOG"]),
        ("az://predictions/staging", ["PREDICTION_LOG", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_CLIENT_ID"]),
    ],
)
def test_a_log_in_a_bucket_comes_with_its_account_and_identity(log: str, names: list[str]) -> None:
    runtime = Runtime(Size(1, 1.5), "k", "s", log, "the-identity" if log.startswith("az") else "")
    given = described(runtime)["properties"]["containers"][0]["properties"]["environmentVariables"]
    assert [one["name"] for one in given[2:]] == names


HOSTILE = ["it's", "a: b", "#", "{x}", '"', "\\n", "yes", "0123", "- a", "${HOME}", "ключ", "\U0001f511", "a\tb"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_what_it_is_in_the_description_of_a_group(value: str) -> None:
    text = write(described(Runtime(Size(1, 1.5), value, value)))
    for read in (yaml.safe_load(text), json.loads(text)):
        assert read == described(Runtime(Size(1, 1.5), value, value))


def test_what_is_shown_is_the_same_description_with_a_line_for_each_setting() -> None:
    runtime = Runtime(Size(1, 1.5), "left-out", "left-out", "az://predictions/production", "the-identity")
    text = show(described(runtime))
    assert yaml.safe_load(text) == described(runtime)
    assert "{name: PREDICTION_LOG, value: 'az://predictions/production'}" in text
    assert "{name: SERVICE_API_KEYS, secureValue: 'left-out'}" in text
    assert "{name: PORT, value: '8000'}" in text


def test_no_key_is_an_argument_or_printed() -> None:
    command = steps.create(PLACE, "demo-candidate", write(described()))
    assert "key-" not in " ".join(command.argv)
    assert "key-" not in repr(command) + command.pasted()
    assert command.stdin is not None
    assert "key-one,key-two" in command.stdin


def test_a_tag_is_merged_and_never_replaces_the_others() -> None:
    argv = steps.tag(PLACE, "demo", {"candidate": "demo-two", "step": "deploy"}).argv
    assert argv[argv.index("--operation") + 1] == "Merge"
    assert argv[argv.index("--tags") + 1 : -2] == ("candidate=demo-two", "step=deploy")


COMMANDS = [
    steps.show_account("1f0e"), steps.list_groups(PLACE), steps.show_group(PLACE, "demo"), steps.show_identity(PLACE),
    steps.read_logs(PLACE, "demo", "https"), steps.list_share_keys(PLACE), steps.create(PLACE, "demo", "{}"),
    steps.tag(PLACE, "demo", {"step": "served"}), steps.remove(PLACE, "demo"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.argv[1:4]))
def test_every_command_names_the_subscription_and_can_be_pasted(command: Command) -> None:
    assert any("1f0e" in word for word in command.argv)
    assert subprocess.run(["bash", "-nc", command.pasted()], check=False).returncode == 0


def test_an_error_is_told_by_its_code() -> None:
    said = "ERROR: (ResourceGroupNotFound) Resource group 'demo' could not be found."
    assert steps.error_code(said) == "ResourceGroupNotFound"
    assert steps.error_code("(AuthorizationFailed) The client has no authorization.") == "AuthorizationFailed"
    assert steps.error_code("ERROR: AADSTS7000222: ResourceGroupNotFound is in this text") == ""
