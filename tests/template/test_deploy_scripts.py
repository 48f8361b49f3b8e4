"""The verbs of every platform: they are listed, and name what is missing; those that are scripts are well formed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.template.conftest import DEPLOY, PLAINEST, PLATFORMS, TOOLS

SCRIPTS = sorted(DEPLOY.rglob("*.sh"))
VERBS = "bootstrap doctor rotate destroy deploy smoke promote canary restore rollback status url".split()
MISSING = {
    "cloud-run": "gcloud is not here|GCP_PROJECT is not set",
    "fargate": "aws is not here|AWS_REGION is not set",
    "aci": "az is not here|AZURE_LOCATION is not set",
    "docker-host": "docker is not here|DOCKER_HOST_SSH names the host",
}
LONGEST_SCRIPT = 250  # lines


def named(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


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


def test_shellcheck_finds_nothing() -> None:
    assert {path.name for path in SCRIPTS} == {"check.sh", "image.sh", "smoke.sh", "tool.sh"}
    done = subprocess.run(
        [TOOLS / "shellcheck", "--external-sources", *SCRIPTS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_bash_reads_every_script_and_a_person_can_too(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert len(script.read_text(encoding="utf-8").splitlines()) < LONGEST_SCRIPT


@pytest.mark.parametrize("platform", PLATFORMS)
def test_cloud_alone_lists_every_verb_of_the_platform(
    cloud: Callable[..., subprocess.CompletedProcess[str]], platform: str
) -> None:
    done = cloud(platform)

    assert done.returncode == 0, done.stderr
    assert re.findall(r"^  ([a-z]+)", done.stdout, re.MULTILINE) == VERBS


@pytest.mark.parametrize("platform", PLATFORMS)
def test_cloud_names_what_is_missing_in_one_line(
    cloud: Callable[..., subprocess.CompletedProcess[str]], platform: str
) -> None:
    for verb, reason in (("promotr", "no verb"), ("deploy", MISSING[platform])):
        rejected = cloud(platform, verb)

        assert rejected.returncode == 1
        assert re.fullmatch(f"{platform}: [^\n]*({reason})[^\n]*\n", rejected.stderr)
