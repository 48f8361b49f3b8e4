"""compose.yaml and what it includes: pinned, healthy, without root or default passwords, on loopback only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.template.conftest import findings

OURS, LIBRARYS = "compose.yaml", "cd4ml/ops/compose.yaml"
MADE_BY_UP = {"./stack.local/metrics-key", "./stack.local/alertmanager.yml"}
VARIABLE = re.compile(r"\$\{(\w+):\?[^}]+\}")


@pytest.fixture
def services(project: Path) -> dict[str, Any]:
    """The services of both files, by name."""
    ours, librarys = (yaml.safe_load((project / name).read_text(encoding="utf-8")) for name in (OURS, LIBRARYS))
    assert ours["include"] == [{"path": LIBRARYS, "project_directory": "."}]
    assert not ours["services"].keys() & librarys["services"].keys()
    return {**ours["services"], **librarys["services"]}


@pytest.mark.parametrize("name", [OURS, LIBRARYS])
def test_it_is_valid_by_the_compose_specification(project: Path, name: str) -> None:
    assert findings("check-jsonschema", "--builtin-schema", "vendor.compose-spec", project / name) == ""


def test_the_specification_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: b, read-only: true}}\n", encoding="utf-8")

    assert "read-only" in findings(
        "check-jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "compose.yaml"
    )


def test_hadolint_finds_nothing_in_the_image_of_mlflow(project: Path) -> None:
    assert findings("hadolint", project / "cd4ml/ops/mlflow.Dockerfile") == ""


def test_mlflow_has_the_bases_of_the_projects_image(project: Path) -> None:
    bases = re.compile(r"^FROM ([^\s@]+:[^\s@]+)", re.MULTILINE)
    found = [set(bases.findall((project / name).read_text())) for name in ("Dockerfile", "cd4ml/ops/mlflow.Dockerfile")]

    assert found[0] == found[1]


def test_every_service_is_pinned_healthy_and_has_next_to_no_rights(services: dict[str, Any], project: Path) -> None:
    assert set(services) == {"service", "mlflow", "postgres", "prometheus", "alertmanager", "pushgateway", "grafana"}
    for name, service in services.items():
        if name == "service":
            assert service["image"] == f"${{IMAGE:-{project.name}}}"  # with the image's own health check
        elif name == "mlflow":
            assert (project / service["build"]["dockerfile"]).is_file()
        else:
            assert re.search(r":v?\d+\.\d+(\.\d+)?$", service["image"]), name
        assert name == "service" or service["healthcheck"]["test"][0] == "CMD"
        assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["pids_limit"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert not {"privileged", "network_mode", "pid", "ipc"} & service.keys()


def test_no_password_is_in_the_files(services: dict[str, Any]) -> None:
    wanted = set()
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|_URI", name):
                assert VARIABLE.search(value), name
                wanted |= set(VARIABLE.findall(value))
    assert wanted == {"SERVICE_API_KEYS", "GRAFANA_PASSWORD", "POSTGRES_PASSWORD"}


def test_every_file_that_is_mounted_exists_and_is_read_only(services: dict[str, Any], project: Path) -> None:
    declared = set(yaml.safe_load((project / LIBRARYS).read_text(encoding="utf-8"))["volumes"])
    used = set()
    for service in services.values():
        for source, _, options in (f"{volume}:".split(":")[:3] for volume in service.get("volumes", [])):
            if source.startswith("."):
                assert options == "ro"
                assert source in MADE_BY_UP or (project / source).is_dir(), source
            else:
                used.add(source)
    assert used == declared


def test_git_ignores_what_up_makes(project: Path) -> None:
    ignored = (project / ".gitignore").read_text(encoding="utf-8").split()

    assert "*.local" in ignored
