"""A registry in place of a DVC remote: data and models go there and come back, and nothing else passes for them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.project.baked import Project
from tests.project.linked_environment import link
from tests.project.registry import Registry, registry

NAME = "ada/houses-objects"


@pytest.fixture(scope="module")
def hub(need: Callable[[str, object, str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that wants a password."""
    need("registry", shutil.which("docker-registry") and shutil.which("skopeo"), "docker-registry or skopeo is missing")
    with registry(tmp_path_factory.mktemp("objects")) as running:
        yield running


@pytest.fixture(scope="module")
def kept(hub: Registry, quick: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project that is live, and whose data and models are in the registry. Not to be changed."""
    project = quick.copy(tmp_path_factory.mktemp("kept"))
    project.make("push", settings=signed_in(hub))
    project.run("git", "branch", "production")
    return project


@pytest.fixture
def fresh(kept: Project, environment: Path, tmp_path: Path) -> Project:
    """A clone that has none of DVC's files."""
    project = Project(tmp_path / kept.folder.name)
    kept.run("git", "clone", "--quiet", str(kept.folder), str(project.folder))
    link(environment, project.folder)
    return project


def signed_in(hub: Registry, **more: str) -> dict[str, str]:
    """Settings with which the registry lets us in."""
    return {"OBJECTS": f"{hub.address}/{NAME}", "DOCKER_CONFIG": str(hub.login)} | more


def test_a_fresh_clone_gets_all_of_it_and_is_judged_against_the_champion(hub: Registry, fresh: Project) -> None:
    assert "holds every file that it names" in fresh.cd4ml("check-lock", settings=signed_in(hub)).stdout
    fresh.make("pull", settings=signed_in(hub))
    assert "has dvc-" in fresh.make("push", settings=signed_in(hub)).stdout

    champion = fresh.digest
    fresh.replace("params.yaml", "iterations: 10", "iterations: 12")
    fresh.make("train")
    shutil.rmtree(fresh.folder / ".dvc/cache")
    fresh.make("gate", settings=signed_in(hub), check=False)  # whatever it says of such a small model

    decision = fresh.read_json("reports/gate.json")
    assert (decision["champion"]["branch"], decision["champion"]["digest"]) == ("production", champion)
    assert fresh.digest != champion


def test_what_is_missing_is_an_error_that_says_what_fixes_it(hub: Registry, fresh: Project, kept: Project) -> None:
    elsewhere = signed_in(hub) | {"OBJECTS": f"{hub.address}/{NAME}-of-nobody"}

    missing = fresh.cd4ml("check-lock", settings=elsewhere, check=False)
    assert missing.returncode != 0
    assert "lacks what dvc.lock names" in missing.stdout
    pulled = fresh.make("pull", settings=elsewhere, check=False)
    assert pulled.returncode != 0
    assert "run make push on a machine that has them" in pulled.stdout
    pushed = fresh.make("push", settings=elsewhere, check=False)
    assert pushed.returncode != 0
    assert "DVC's cache lacks" in pushed.stdout


def test_a_wrong_password_and_an_invalid_name_are_errors(hub: Registry, kept: Project, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {hub.address: {"auth": "YWRhOndyb25n"}}}))
    for settings, message in (
        (signed_in(hub) | {"DOCKER_CONFIG": str(tmp_path)}, "cannot read whether"),
        (signed_in(hub) | {"OBJECTS": "--help"}, "OBJECTS is not a repository in a registry"),
    ):
        rejected = kept.cd4ml("check-lock", settings=settings, check=False)
        assert rejected.returncode != 0
        assert message in rejected.stdout
        assert "Traceback" not in rejected.stdout


def test_an_object_that_differs_from_its_digest_is_rejected(hub: Registry, fresh: Project, kept: Project) -> None:
    tag = kept.make("push", settings=signed_in(hub)).stdout.split("has ")[1].split()[0]
    forged = signed_in(hub) | {"OBJECTS": f"{hub.address}/{NAME}-forged"}
    kept.run(kept.python, "-c", FORGE.format(tag=tag), settings=forged)

    rejected = fresh.make("pull", settings=forged, check=False)

    assert rejected.returncode != 0
    assert "does not match the digest in its name" in rejected.stdout
    assert not (fresh.folder / "models/bundle").exists()


FORGE = """
import pathlib, shutil, tempfile
from cd4ml.files import dvc_lock
from cd4ml.storage import oci_layout, registry
named, cache = dvc_lock.cached_outputs(), registry.cache_folder()
with tempfile.TemporaryDirectory() as scratch:
    altered = pathlib.Path(scratch) / "cache"
    shutil.copytree(cache, altered)
    threshold = oci_layout.object_path(altered, named["models/threshold.json"])
    threshold.chmod(0o644)
    threshold.write_text("0.9")
    oci_layout.pack(altered, named, pathlib.Path(scratch) / "image")
    registry.Registry.from_environment().push("{tag}", pathlib.Path(scratch) / "image")
"""
