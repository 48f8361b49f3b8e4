"""What GitHub reads besides workflows: forms for issues, and who owns which files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cd4ml.delivery.move_workflows import owners_in_folder

from tests.template.conftest import DEFAULT, findings
from tests.template.test_runbook import SECTIONS

FORMS = ("incident", "model-change")


@pytest.fixture
def project(combination: Callable[[str], Path]) -> Path:
    return combination(DEFAULT)


def form(project: Path, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load(path_of(project, name).read_text(encoding="utf-8")))


def path_of(project: Path, name: str) -> Path:
    return project / f".github/ISSUE_TEMPLATE/{name}.yml"


@pytest.mark.parametrize("name", FORMS)
def test_forms_keep_githubs_schema(project: Path, name: str) -> None:
    assert findings("check-jsonschema", "--builtin-schema", "vendor.github-issue-forms", path_of(project, name)) == ""


@pytest.mark.parametrize("name", FORMS)
def test_forms_keep_the_rules_that_are_not_in_the_schema(project: Path, name: str) -> None:
    """Of docs.github.com: ids and labels are unique, options are texts and unique, something can be filled in."""
    content = form(project, name)
    fields = [entry for entry in content["body"] if entry["type"] != "markdown"]

    ids = [entry["id"] for entry in fields]
    labels = [entry["attributes"]["label"] for entry in fields]
    assert len(set(ids)) == len(ids) == len(set(labels)) > 2
    assert any(entry.get("validations", {}).get("required") for entry in fields)
    for entry in fields:
        options = entry["attributes"].get("options", [])
        texts = [option["label"] if isinstance(option, dict) else option for option in options]
        assert all(isinstance(text, str) for text in texts)
        assert len(set(texts)) == len(texts)
    assert content["title"].startswith(content["name"])


def test_forms_name_files_that_exist(project: Path) -> None:
    text = "".join(path_of(project, name).read_text(encoding="utf-8") for name in FORMS)

    for name in ("docs/runbook.md", "docs/canvas.md", "contract.yaml", "params.yaml"):
        assert name in text
        assert (project / name).exists()


def test_an_incident_is_one_of_the_runbook(project: Path) -> None:
    (kind,) = (entry for entry in form(project, "incident")["body"] if entry.get("id") == "kind")

    assert kind["attributes"]["options"] == [*SECTIONS, "Another one"]


def test_owners_of_a_project_in_a_folder_own_nothing_else(project: Path) -> None:
    text = (project / ".github/CODEOWNERS").read_text(encoding="utf-8")

    moved = owners_in_folder(text, "services/my delays")

    patterns = [line.rpartition(" ")[0] for line in moved.splitlines() if line and not line.startswith("#")]
    own = [line.split()[0] for line in text.splitlines() if line and not line.startswith("#")]
    folder = "/services/my\\ delays/"
    expected = {"*": folder, "/.github/": "/.github/"}
    assert patterns == [expected.get(name, folder + name.removeprefix("/")) for name in own]
    assert [line for line in moved.splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith("#")
    ]
