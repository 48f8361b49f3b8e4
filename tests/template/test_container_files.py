"""The files that make the container: the linter has no finding, and dependabot can read what it has to renew."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from cd4ml.delivery.move_workflows import in_folder
from cd4ml.delivery.pin_image import base_images, pinned

from tests.template.conftest import LICENSES, findings

TEMPLATE = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>"
DEPENDABOTS = re.compile(r"^FROM ([a-z0-9./-]+):([\w.-]+)(@sha256:[0-9a-f]{64})? AS ([\w-]+)$", re.MULTILINE)
"""What dependabot takes as an image to renew: no variable, no argument, the tag beside the digest."""


def test_hadolint_finds_nothing(project: Path) -> None:
    assert findings("hadolint", project / "Dockerfile") == ""


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp\n", encoding="utf-8")

    assert "DL3006" in findings("hadolint", tmp_path / "Dockerfile")


def test_the_bases_are_written_as_dependabot_reads_them_with_their_digests_too(project: Path) -> None:
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    names = [f"{name}:{tag}" for name, tag, _, _ in DEPENDABOTS.findall(dockerfile)]
    assert [base.name for base in base_images(dockerfile)] == names
    assert {name.partition(":")[0] for name in names} == {"ghcr.io/astral-sh/uv", "python"}
    assert len(re.findall("^FROM ", dockerfile, re.MULTILINE)) == len(names) + 2  # build, and what is shipped

    digests = {name: f"sha256:{number:064x}" for number, name in enumerate(names)}
    for text in (pinned(dockerfile, digests), pinned(pinned(dockerfile, dict.fromkeys(names, "sha256:0")), digests)):
        assert [(base.name, base.digest) for base in base_images(text)] == list(digests.items())
        assert [f"{name}:{tag}{digest}" for name, tag, digest, _ in DEPENDABOTS.findall(text)] == [
            f"{name}@{digest}" for name, digest in digests.items()
        ]
        assert re.sub(r"@sha256:\w+", "", text) == dockerfile


@pytest.mark.parametrize(("path", "code"), [("/health/ready", 0), ("/elsewhere", 1)])
def test_the_health_check_asks_the_service_itself_whatever_proxy_the_platform_sets(path: str, code: int) -> None:
    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == path else 503)
            self.end_headers()

    text = (TEMPLATE / "Dockerfile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^HEALTHCHECK .*\\\n +CMD (.*)$", text, re.MULTILINE)
    with HTTPServer(("127.0.0.1", 0), Service) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
        environment = os.environ | proxy | {"PORT": str(service.server_port), "NO_PROXY": "", "no_proxy": ""}
        checked = subprocess.run([sys.executable, *json.loads(command)[1:]], env=environment, timeout=60, check=False)
        service.shutdown()

    assert checked.returncode == code


def test_dependabot_renews_images_packages_and_actions_each_in_one_pull_request_a_week(project: Path) -> None:
    file = project / ".github/dependabot.yml"
    assert findings("check-jsonschema", "--builtin-schema", "vendor.dependabot", file) == ""
    text = file.read_text(encoding="utf-8")

    updates = {update["package-ecosystem"]: update for update in yaml.safe_load(text)["updates"]}
    assert set(updates) == {"docker", "uv", "github-actions"}
    for update in updates.values():
        assert update["schedule"] == {"interval": "weekly"}
        assert [group["patterns"] for group in update["groups"].values()] == [["*"]]
    used = {f"/{path.parent.relative_to(project)}" for path in (project / ".github/actions").rglob("action.yml")}
    root, actions = updates["github-actions"]["directories"]  # of a folder of actions it sees nothing else
    assert root == "/"
    assert actions == "/.github/actions/*"
    assert used == {f"/{path.relative_to(project)}" for path in project.glob(actions.removeprefix("/"))}
    update = updates["docker"]
    assert update["directory"] == updates["uv"]["directory"] == "/"
    (ignored,) = update["ignore"]
    assert ignored["dependency-name"] == "python"
    assert not any(kind.endswith("-patch") for kind in ignored["update-types"])
    moved = {
        each["package-ecosystem"]: each for each in yaml.safe_load(in_folder(text, "services/my delays"))["updates"]
    }
    assert moved == {
        "docker": update | {"directory": "/services/my delays"},
        "uv": updates["uv"] | {"directory": "/services/my delays"},
        "github-actions": updates["github-actions"],  # whose files were moved to the root
    }


@pytest.mark.parametrize("chosen", LICENSES)
def test_the_label_names_the_license_as_spdx_does(combination: Callable[[str], Path], chosen: str) -> None:
    dockerfile = (combination(f"regression-{chosen}") / "Dockerfile").read_text(encoding="utf-8")

    expected = "LicenseRef-Proprietary" if chosen == "Proprietary" else chosen
    assert f'org.opencontainers.image.licenses="{expected}"' in dockerfile
