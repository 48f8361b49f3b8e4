"""`cd4ml publish-image` where a registry refuses: skopeo is a program that fails as its answer makes it fail."""

import os
import subprocess
from pathlib import Path

import cd4ml
import pytest

SCRIPT = Path(cd4ml.__file__).parent / "deploy/image.sh"
SKOPEO = """#!/bin/sh
[ "$1" = inspect ] && echo "{}" && exit
echo 'time="x" level=fatal msg="writing blob: {answer}"' >&2
exit 1
"""


def publish(folder: Path, image: str, answer: str) -> subprocess.CompletedProcess[str]:
    """Publish an image to a registry that gives an answer to a write."""
    (folder / "skopeo").write_text(SKOPEO.replace("{answer}", answer), encoding="utf-8")
    (folder / "skopeo").chmod(0o755)
    (folder / "build").mkdir()
    (folder / "build/image.tar").write_bytes(b"an archive")
    own = {"PATH": f"{folder}:{os.environ['PATH']}", "CD4ML_NAME": "houses", "CD4ML_PYTHON": "python"}
    return subprocess.run(
        ["bash", SCRIPT, "publish", image],
        cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ("denied: permission_denied: write_package", "it was first pushed by hand: give the repository access in the"),
        ("unauthorized", "are you logged in there (docker login ghcr.io), and may you write?"),
    ],
)
def test_a_package_that_was_pushed_by_hand_is_named_as_the_reason(answer: str, advice: str, tmp_path: Path) -> None:
    done = publish(tmp_path, "ghcr.io/ada/houses:1", answer)

    assert done.returncode == 1
    assert done.stderr.startswith(
        f"publish-image: ghcr.io did not take ghcr.io/ada/houses:1: writing blob: {answer}; {advice}"
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_registry_that_limits_requests_is_not_taken_for_one_that_refuses(tmp_path: Path) -> None:
    limit = "toomanyrequests: You have reached your pull rate limit"

    done = publish(tmp_path, "docker.io/me/model:1", limit)

    assert done.returncode == 1
    assert done.stderr == (
        f"publish-image: docker.io limits requests: run it again in a few minutes (writing blob: {limit})\n"
    )
