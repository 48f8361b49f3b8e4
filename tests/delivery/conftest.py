"""A GitHub that runs the workflows, the clouds, and projects that are delivered to them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Once
from tests.delivery.aws.shop import authority as authority
from tests.delivery.aws.shop import live_on_aws as live_on_aws
from tests.delivery.aws.shop import moto_server as moto_server
from tests.delivery.aws.shop import shipped_to_aws as shipped_to_aws
from tests.delivery.aws.shop import shop_on_aws as shop_on_aws
from tests.delivery.azure.shop import live_on_azure as live_on_azure
from tests.delivery.azure.shop import shipped_to_azure as shipped_to_azure
from tests.delivery.azure.shop import shop_on_azure as shop_on_azure
from tests.delivery.docker_host.shop import host_with_caddy as host_with_caddy
from tests.delivery.docker_host.shop import live_on_host as live_on_host
from tests.delivery.docker_host.shop import plain_registry as plain_registry
from tests.delivery.docker_host.shop import server as server
from tests.delivery.docker_host.shop import shop_on_host as shop_on_host
from tests.delivery.github import GitHub
from tests.delivery.google.shop import live as live
from tests.delivery.google.shop import shipped as shipped
from tests.delivery.google.shop import shop as shop
from tests.project.conftest import uv as uv

HERE = Path(__file__).parent
LONGEST = (
    "test_delivery.py",
    "test_delivery_failures.py",
    "test_platforms.py",
    "test_first_day.py",
    "test_first_day_in_clouds.py",
)


def pytest_configure() -> None:
    """Let mypy remember what it has seen: else it looks anew at what is installed, in each job."""
    os.environ.setdefault("MYPY_CACHE_DIR", str(ROOT / "build/mypy-of-projects"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as slow, and let the files that take longest begin first."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def environments(once: Once) -> None:
    """Where environments are kept that jobs share, of this process and of those beside it: pooled/pool.py."""
    os.environ["STANDIN_ENVIRONMENTS"] = str(once("environments", Path.mkdir))


@pytest.fixture(scope="session")
def need_runner(need: Callable[[str, object, str], None]) -> None:
    """What runs generated workflows is installed."""
    installed = shutil.which("node") and (ROOT / "build/workflow-runner/node_modules").is_dir()
    need("workflow-runner", installed, "the workflow runner is not installed: make workflow-runner")


@pytest.fixture
def github(need_runner: None, tmp_path: Path) -> Iterator[GitHub]:
    """An empty private repository on a GitHub of its own, which runs the workflows that are pushed to it."""
    with GitHub(tmp_path / "github") as github:
        yield github
