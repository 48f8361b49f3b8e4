"""The dev containers, here and in a generated project: built on the service's own base, for a user who is not root.

`tests/project/test_dev_container.py` builds and uses the project's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cd4ml.delivery.pin_image import base_images

from tests.conftest import ROOT
from tests.template.conftest import DEFAULT, TEMPLATE, findings

TYPES: dict[str, type] = {
    "build": dict,
    "customizations": dict,
    "features": dict,
    "forwardPorts": list,
    "mounts": list,
    "name": str,
    "portsAttributes": dict,
    "postCreateCommand": str,
    "remoteEnv": dict,
    "remoteUser": str,
}
"""The properties that we use, with the types that the specification at containers.dev gives them."""


@pytest.fixture(params=["template", "project"])
def folder(request: pytest.FixtureRequest, combination: Callable[[str], Path]) -> Path:
    """The folder whose dev container it is."""
    return ROOT if request.param == "template" else combination(DEFAULT)


@pytest.fixture
def settings(folder: Path) -> dict[str, Any]:
    """Its devcontainer.json, which has no comments: not every program that reads it allows them."""
    content = json.loads((folder / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_it_has_the_form_of_the_specification(settings: dict[str, Any], folder: Path) -> None:
    assert {name: type(value) for name, value in settings.items()} == {name: TYPES[name] for name in settings}
    assert (folder / ".devcontainer" / settings["build"]["dockerfile"]).is_file()
    for mount in settings["mounts"]:
        assert {part.partition("=")[0] for part in mount.split(",")} == {"source", "target", "type"}
    assert settings["customizations"].keys() == {"vscode"}


def test_its_base_is_that_of_the_image_and_nothing_is_pinned_twice(folder: Path) -> None:
    text = (folder / ".devcontainer/Dockerfile").read_text(encoding="utf-8")
    project = TEMPLATE / "Dockerfile" if folder == ROOT else folder / "Dockerfile"

    (base,) = base_images(text.replace("\nRUN", " \nRUN"))
    assert base.name in [image.name for image in base_images(project.read_text(encoding="utf-8"))]
    assert base.name.startswith("python:")
    assert "uv:" not in text  # make setup gets it, and where it is put is on the PATH


def test_nobody_works_in_it_as_root_and_the_cache_of_uv_stays(settings: dict[str, Any], folder: Path) -> None:
    text = (folder / ".devcontainer/Dockerfile").read_text(encoding="utf-8")

    (user,) = re.findall(r"useradd .* (\w+) &&", text)
    assert user == settings["remoteUser"] != "root"
    assert settings["mounts"] == [f"source=uv-cache,target=/home/{user}/.cache/uv,type=volume"]
    assert f"/home/{user}/.cache/uv" in text
    assert settings["remoteEnv"]["PATH"].endswith("/.uv/bin")


def test_what_it_runs_first_is_a_verb_that_exists(settings: dict[str, Any], folder: Path) -> None:
    verbs = re.findall(r"make ([\w./-]+)", settings["postCreateCommand"])

    assert verbs
    for verb in verbs:
        assert re.search(rf"^{re.escape(verb)}:", (folder / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_hadolint_finds_nothing(folder: Path) -> None:
    assert findings("hadolint", folder / ".devcontainer/Dockerfile") == ""
