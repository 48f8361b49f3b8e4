"""`cd4ml publish-image` where a registry refuses: skopeo is a program that fails as its answer makes it fail."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.cli import main

SKOPEO = """#!/bin/sh
[ "$1" = inspect ] && echo "{}" && exit
echo 'time="x" level=fatal msg="writing blob: {answer}"' >&2
exit 1
"""


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`refused(image, answer)`: publish an image to a registry that gives an answer to a write; what is printed."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build/image.tar").write_bytes(b"an archive")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("ARCHIVE_SHA256", raising=False)

    def publish(image: str, answer: str = "") -> str:
        (tmp_path / "skopeo").write_text(SKOPEO.replace("{answer}", answer), encoding="utf-8")
        (tmp_path / "skopeo").chmod(0o755)
        assert main(["publish-image", *image.split()]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return publish


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ("denied: permission_denied: write_package", "it was first pushed by hand: give the repository access in the"),
        ("unauthorized", "are you logged in there (docker login ghcr.io), and may you write?"),
    ],
)
def test_a_package_that_was_pushed_by_hand_is_named_as_the_reason(
    answer: str, advice: str, refused: Callable[..., str]
) -> None:
    assert refused("ghcr.io/ada/houses:1", answer).startswith(
        f"publish-image: ghcr.io did not take ghcr.io/ada/houses:1: writing blob: {answer}; {advice}"
    )


def test_a_registry_that_limits_requests_is_not_taken_for_one_that_refuses(refused: Callable[..., str]) -> None:
    limit = "toomanyrequests: You have reached your pull rate limit"

    assert refused("docker.io/me/model:1", limit) == (
        f"publish-image: docker.io limits requests: run it again in a few minutes (writing blob: {limit})"
    )


@pytest.mark.parametrize(
    "name", ["houses:1", "ghcr.io/me/model", "ghcr.io/me/model:", "ghcr.io//model:1", "https://ghcr.io/a:1"]
)
def test_a_name_that_is_not_whole_is_pushed_nowhere(name: str, refused: Callable[..., str]) -> None:
    assert refused(name).startswith(f'publish-image: "{name}" is no image\'s name; write REGISTRY/NAME:TAG')


def test_nowhere_to_publish_to_is_said(refused: Callable[..., str]) -> None:
    assert refused("") == "publish-image: say where to: cd4ml publish-image REGISTRY/NAME:TAG"
