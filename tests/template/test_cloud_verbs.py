"""The verbs of every platform: they are listed, and name what is missing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.template.conftest import CLOUDS, DEPLOY, PLAINEST, PLATFORMS, TOOLS, verbs_of

VERBS = "bootstrap doctor rotate destroy deploy smoke promote canary restore rollback status url".split()
MISSING = {
    "cloud-run": "gcloud is not here|GCP_PROJECT is not set",
    "fargate": "aws is not here|AWS_REGION is not set",
    "aci": "az is not here|AZURE_LOCATION is not set",
    "docker-host": "docker is not here|DOCKER_HOST_SSH names the host",
}


@pytest.fixture
def cloud(combination: Callable[[str], Path]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`cloud(platform, *arguments)`: `cd4ml cloud` in a project of that platform, with no setting of a cloud."""

    def run(platform: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        project = combination(PLAINEST[platform])
        own = {"PYTHONPATH": str(project / "cd4ml/src"), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [TOOLS / "cd4ml", "cloud", *arguments],
            cwd=project, env={"PATH": os.environ["PATH"]} | own, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("platform", PLATFORMS)
def test_cloud_alone_lists_every_verb_of_the_platform(
    cloud: Callable[..., subprocess.CompletedProcess[str]], platform: str
) -> None:
    done = cloud(platform)

    assert done.returncode == 0, done.stderr
    assert re.findall(r"^  ([a-z]+)", done.stdout, re.MULTILINE) == VERBS


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_flag_that_messages_tell_people_to_use_is_listed(platform: str) -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in (DEPLOY / "set_up").glob("*.py"))
    rotations = set(re.findall(r"rotate credentials --[a-z-]+", said))
    assert rotations == {"rotate credentials --finish", "rotate credentials --set-secrets"}
    listed = verbs_of(platform)

    assert "[--finish]" in listed
    assert ("rotate credentials --set-secrets" in listed) is (platform in CLOUDS)


def test_a_canary_on_a_host_is_said_to_count_requests() -> None:
    assert "by the requests that it counted" in verbs_of("docker-host")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_cloud_names_what_is_missing_in_one_line(
    cloud: Callable[..., subprocess.CompletedProcess[str]], platform: str
) -> None:
    for verb, reason in (("promotr", "no verb"), ("deploy", MISSING[platform])):
        rejected = cloud(platform, verb)

        assert rejected.returncode == 1
        assert re.fullmatch(f"{platform}: [^\n]*({reason})[^\n]*\n", rejected.stderr)
