"""What goes into an image: no model that is missing or not accepted, no secret, and the bases that are pinned."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine import docker
from tests.project.baked import Project
from tests.project.registry import registry

BASE = "python:3.12-slim"
LIST = f"""
FROM {BASE}
COPY . /context
RUN cd /context && find . -type f | sort > /list
"""


@pytest.fixture
def accepted(engine: None, small: Project) -> Project:
    """A small project whose bundle the gate accepted."""
    small.accept()
    return small


def plain_build(project: Project, name: str, *more: str, check: bool = True) -> str:
    """`docker build`, without anything of this project; what it printed."""
    done = project.run(
        os.environ.get("DOCKER", "docker"), "build", "--tag", name, *more, ".",
        settings={"DOCKER_BUILDKIT": "1"}, check=check,
    )  # fmt: skip
    assert check or done.returncode != 0
    return done.stdout


@pytest.fixture
def name() -> Iterator[str]:
    """A name for an image, which is removed in the end."""
    image = f"built:slow-{os.getpid()}"
    yield image
    docker("image", "rm", "--force", image, check=False)


def test_without_an_accepted_model_there_is_no_image_and_the_command_is_named(accepted: Project, name: str) -> None:
    def rejected(message: str) -> None:
        made = accepted.make("image", f"IMAGE={name}", check=False)
        assert made.returncode != 0
        assert re.search(message, made.stdout), made.stdout
        assert len([line for line in made.stdout.splitlines() if not line.startswith("make")]) == 1, made.stdout
        printed = plain_build(accepted, name, check=False)
        assert re.search(f"check-bundle: .*{message.rpartition(': ')[2]}", printed), printed
        assert docker("image", "inspect", name, check=False).returncode != 0

    verdict, bundle = accepted.folder / "reports/gate.json", accepted.folder / "models/bundle"
    content = verdict.read_text(encoding="utf-8")
    verdict.write_text(content.replace('"passed": true', '"passed": false'), encoding="utf-8")
    rejected("build-image: the gate rejected .*; then run make gate")
    verdict.unlink()
    rejected("build-image: the gate has not judged .* yet: run make gate")
    (bundle / "features.py").write_text("", encoding="utf-8")
    rejected("build-image: models/bundle: features.py was altered or cut short: .*`make train`")
    shutil.rmtree(bundle)
    rejected("build-image: no bundle in models/bundle; run .?make train")
    shutil.rmtree(accepted.folder / "models")
    rejected("build-image: no bundle in models/bundle; run .?make train")


def test_nothing_but_what_serves_reaches_the_engine(accepted: Project, name: str) -> None:
    stray = [
        ".env", "secrets.json", "gha-creds-1.json", "key.pem", "models/.env", "models/key.json", "models/bundle/.env",
        "reports/.secret", "reports/token", "cd4ml/.env", "cd4ml/src/.netrc", "cd4ml/src/cd4ml/serving/.env",
        "cd4ml/src/cd4ml/bundle/.aws/credentials", "cd4ml/src/cd4ml/key.pem", "data/secret.csv", ".dvc/config.local",
    ]  # fmt: skip
    for path in stray:
        (accepted.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (accepted.folder / path).write_text("secret", encoding="utf-8")
    (accepted.folder / "list.Dockerfile").write_text(LIST, encoding="utf-8")

    plain_build(accepted, name, "--file", "list.Dockerfile")

    sent = set(docker("run", "--rm", name, "cat", "/list").stdout.split())
    assert not {f"./{path}" for path in stray} & sent
    assert not {path.split("/")[1] for path in sent} - {"pyproject.toml", "uv.lock", "models", "reports", "cd4ml"}
    library = {path for path in sent if path.startswith("./cd4ml/src/")}
    assert {path.split("/")[4] for path in library if path.count("/") > 4} == set(SERVES)
    assert len(sent) < 150


SERVES = ("bundle", "contract", "files", "prediction_log", "serving", "settings", "terminal", "training")


def test_the_bases_are_pinned_whole_or_not_at_all_and_the_label_names_the_digest(
    accepted: Project, name: str, need: Callable[[str, object, str], None], tmp_path: Path
) -> None:
    need("registry", shutil.which("docker-registry"), "docker-registry is missing")
    dockerfile = accepted.folder / "Dockerfile"
    as_generated = dockerfile.read_text(encoding="utf-8")
    (uv,) = re.findall(r"^FROM (ghcr\S+) AS uv$", as_generated, re.MULTILINE)
    with registry(tmp_path / "registry") as hub:
        login = {"DOCKER_CONFIG": str(hub.login)}
        named = {original: f"{hub.address}/{short}" for original, short in ((uv, "uv:1"), (BASE, "python:3.12-slim"))}
        for original, ours in named.items():
            docker("tag", original, ours)
            accepted.replace("Dockerfile", f"FROM {original} ", f"FROM {ours} ")
        unpinned = dockerfile.read_text(encoding="utf-8")
        try:
            accepted.run("docker", "push", "--quiet", named[uv], settings=login)

            half = accepted.cd4ml("pin-image", settings=login, check=False)  # one of the two is not there
            assert half.returncode == 1
            assert half.stdout.count("\n") == 1
            assert f"pull {named[BASE]}: " in half.stdout
            assert dockerfile.read_text(encoding="utf-8") == unpinned
            assert f"{named[BASE]}  Dockerfile  not pinned, optional" in re.sub(r"  +", "  ", doctor(accepted))
            assert "is not pinned by its digest: uv run cd4ml pin-image" in built(accepted, name, login)

            accepted.run("docker", "push", "--quiet", named[BASE], settings=login)
            accepted.cd4ml("pin-image", settings=login)

            digests = {ours: hub.digest(*ours.partition("/")[2].split(":")) for ours in named.values()}
            for ours, digest in digests.items():
                assert f"FROM {ours}@{digest} AS " in dockerfile.read_text(encoding="utf-8")
            assert f"{named[BASE]}  Dockerfile  there" in re.sub(r"  +", "  ", doctor(accepted))
            assert "is not pinned" not in built(accepted, name, login)
            label = "org.opencontainers.image.base"
            shown = f'{{{{index .Config.Labels "{label}.name"}}}} {{{{index .Config.Labels "{label}.digest"}}}}'
            labels = docker("image", "inspect", "--format", shown, name).stdout
            assert labels.split() == [named[BASE], digests[named[BASE]]]

            once = dockerfile.read_text(encoding="utf-8")
            assert accepted.cd4ml("pin-image", settings=login).stdout.count("as before") == 2
            assert dockerfile.read_text(encoding="utf-8") == once
        finally:
            docker("image", "rm", "--force", *named.values(), check=False)


def doctor(project: Project) -> str:
    return project.cd4ml("doctor", check=False).stdout


def built(project: Project, name: str, login: dict[str, str]) -> str:
    return project.make("image", f"IMAGE={name}", settings=login).stdout
