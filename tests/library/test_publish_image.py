"""`cd4ml publish-image` where GitHub's registry refuses: skopeo is a program that fails as its answer makes it fail."""

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


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ("denied: permission_denied: write_package", "it was first pushed by hand: give the repository access in the"),
        ("unauthorized", "are you logged in there (docker login ghcr.io), and may you write?"),
    ],
)
def test_a_package_that_was_pushed_by_hand_is_named_as_the_reason(answer: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "skopeo").write_text(SKOPEO.replace("{answer}", answer), encoding="utf-8")
    (tmp_path / "skopeo").chmod(0o755)
    (tmp_path / "build").mkdir()
    (tmp_path / "build/image.tar").write_bytes(b"an archive")
    own = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CD4ML_NAME": "houses", "CD4ML_PYTHON": "python"}

    done = subprocess.run(
        ["bash", SCRIPT, "publish", "ghcr.io/ada/houses:1"],
        cwd=tmp_path,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(
        f"publish-image: ghcr.io did not take ghcr.io/ada/houses:1: writing blob: {answer}; {advice}"
    )
    assert len(done.stderr.splitlines()) == 1
