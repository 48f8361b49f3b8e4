"""Reads of the three clouds: a connection that fails is tried again, and an answer, also "not there", never is."""

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cd4ml.deploy import commands
from cd4ml.deploy.aci import steps as aci
from cd4ml.deploy.cloud_run import steps as cloud_run
from cd4ml.deploy.cloud_run.platform import CloudRun
from cd4ml.deploy.commands import Effects, UnreadError
from cd4ml.deploy.fargate import steps as fargate
from cd4ml.deploy.fargate.settings import Place
from cd4ml.deploy.set_up.patience import Codes, Patience
from cd4ml.settings.project import Project

UNREACHED = {
    "gcloud": "ERROR: gcloud crashed (ConnectionError): HTTPSConnectionPool(host='run.googleapis.com', port=443)",
    "aws": 'Could not connect to the endpoint URL: "https://ecs.eu-west-1.amazonaws.com/"',
    "az": "ERROR: ('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
}
BUSY = {
    "gcloud": "ERROR: (gcloud.run.services.describe) UNAVAILABLE: The service is currently unavailable.",
    "aws": "An error occurred (ServerException) when calling the DescribeServiceDeployments operation: whatever",
    "az": "ERROR: (TooManyRequests) The request was throttled.",
}
ANSWERS = {
    "gcloud": "ERROR: (gcloud.secrets.describe) NOT_FOUND: Secret [demo] not found.",
    "aws": "An error occurred (ResourceNotFoundException) when calling the DescribeExpress operation: whatever",
    "az": "ERROR: (ResourceGroupNotFound) Resource group 'demo' could not be found.",
}
READS = {"gcloud": cloud_run.read("gcloud", "get"), "aws": fargate.read("get"), "az": aci.read("get")}
_TOOL = """
import pathlib, sys
tried = pathlib.Path("tried")
with tried.open("a") as file:
    print(*sys.argv[1:], file=file)
replies = {replies!r}
reply = replies[min(len(tried.read_text().splitlines()), len(replies)) - 1]
print(reply, file=sys.stderr) if reply[0] not in "[{{" else print(reply)
sys.exit(reply[0] not in "[{{")
"""


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Sequence[str]], None]:
    """Put a tool first on the PATH that gives these replies in turn, JSON or errors, and the last one for ever."""
    monkeypatch.setattr(commands, "_PAUSE_SECONDS", 0.0)

    def install(tool: str, replies: Sequence[str]) -> None:
        path = Path("bin", tool)
        path.parent.mkdir()
        path.write_text(f"#!{sys.executable}{_TOOL.format(replies=[*replies])}", encoding="utf-8")
        path.chmod(0o700)
        monkeypatch.setenv("PATH", f"{path.parent.absolute()}{os.pathsep}{os.environ['PATH']}")

    return install


def tried() -> list[str]:
    return Path("tried").read_text(encoding="utf-8").splitlines()


def find(tool: str) -> Any:
    effects = Effects("cloud", environment={"INSIST_PAUSE": "0", "INSIST_PATIENCE": "9"})
    return Patience(effects, {tool: Codes(absent="NotFound|NOT_FOUND")}, "bootstrap").find(READS[tool])


@pytest.mark.parametrize("why", [UNREACHED, BUSY])
@pytest.mark.parametrize("tool", READS)
def test_a_read_that_does_not_reach_the_cloud_is_tried_three_times(
    tool: str, why: dict[str, str], install: Callable[[str, Sequence[str]], None]
) -> None:
    install(tool, [why[tool], why[tool], '{"a": 1}'])
    assert Effects("cloud").read(READS[tool]) == {"a": 1}
    Path("tried").unlink()
    assert find(tool) == {"a": 1}


@pytest.mark.parametrize("tool", READS)
def test_it_is_given_up_after_that(tool: str, install: Callable[[str, Sequence[str]], None]) -> None:
    install(tool, [UNREACHED[tool]])
    with pytest.raises(UnreadError, match=re.escape(UNREACHED[tool])):
        Effects("cloud").read(READS[tool])
    assert len(tried()) == 3


@pytest.mark.parametrize("tool", READS)
def test_that_there_is_no_such_thing_is_asked_once(tool: str, install: Callable[[str, Sequence[str]], None]) -> None:
    install(tool, [ANSWERS[tool]])
    with pytest.raises(UnreadError):
        Effects("cloud").read(READS[tool])
    assert len(tried()) == 1
    assert find(tool) is None
    assert len(tried()) == 2


def cloud_run_at_rest() -> CloudRun:
    project = Project("demo", "", "demo", "cloud-run", "oidc", "cloud")
    return CloudRun(project, Effects("cloud-run", environment={"GCP_PROJECT": "acme", "GCP_REGION": "europe-west1"}))


def test_a_service_that_gcloud_does_not_find_is_looked_for_in_the_list_at_once(
    install: Callable[[str, Sequence[str]], None],
) -> None:
    install("gcloud", ["ERROR: (gcloud.run.services.describe) Cannot find service [demo]", "[]"])
    assert not cloud_run_at_rest().look("production").exists
    assert [line.split()[2] for line in tried()] == ["describe", "list"]


def test_a_service_that_is_in_the_list_is_read_again(install: Callable[[str, Sequence[str]], None]) -> None:
    service = json.dumps({"status": {"url": "https://demo"}})
    install("gcloud", [UNREACHED["gcloud"], '[{"metadata": {}}]', UNREACHED["gcloud"], service])
    assert cloud_run_at_rest().look("production").url == "https://demo"


def test_a_person_who_has_no_token_for_an_audience_gets_another_at_once(
    install: Callable[[str, Sequence[str]], None],
) -> None:
    install("gcloud", ["ERROR: (gcloud.auth.print-identity-token) Invalid account Type for `--audiences`."])
    with pytest.raises(UnreadError):
        Effects("cloud").read_text(cloud_run.token("--audiences=https://demo"))
    assert len(tried()) == 1


_CREATE = "An error occurred ({}) when calling the CreateExpressGatewayService operation: {}"


def created() -> Any:
    place = Place("demo", "eu-west-1", "123456789012", "")
    return Effects("fargate").change_and_read(fargate.create(place, "demo", "{}", (), "sha256:1"))


@pytest.mark.parametrize(
    "said",
    [
        _CREATE.format("AccessDeniedException", "Cannot assume role: arn:aws:iam::1:role/demo-infrastructure"),
        _CREATE.format("AccessDeniedException", "ecs is not authorized to perform: sts:AssumeRole on resource: demo"),
        _CREATE.format("ClientException", "AWS was not able to validate the provided access credentials"),
    ],
)
def test_a_service_is_made_once_ecs_knows_the_roles_that_were_just_made(
    said: str, install: Callable[[str, Sequence[str]], None], capfd: pytest.CaptureFixture[str]
) -> None:
    install("aws", [said, said, '{"service": {}}'])
    assert created() == {"service": {}}
    assert capfd.readouterr().err == f"waiting, as this passes: {said}\n"


@pytest.mark.parametrize(
    ("said", "tries"),
    [
        (_CREATE.format("AccessDeniedException", "Cannot assume role: demo-infrastructure"), 40),
        (_CREATE.format("AccessDeniedException", "user is not authorized to perform: iam:PassRole on resource: a"), 1),
        (BUSY["aws"], 1),  # whether it changed something is not known
    ],
)
def test_no_other_error_of_a_create_is_tried_again_and_none_for_ever(
    said: str, tries: int, install: Callable[[str, Sequence[str]], None]
) -> None:
    install("aws", [said])
    with pytest.raises(UnreadError):
        created()
    assert len(tried()) == tries


def test_what_changes_something_runs_once() -> None:
    place = cloud_run_at_rest().place
    assert cloud_run.route(place, "demo", {"one": 100}).tries == 1
    assert cloud_run.deploy(place, "demo", "image", "demo-1", (), exists=True, beside=True).tries == 1
